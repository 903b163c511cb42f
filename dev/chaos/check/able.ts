import { lifetimesOf } from "../lifetimes.ts";
import type { Call, RoundRecord } from "../record.ts";
import { leaseOf } from "./leases.ts";
import type { MessageStep, Round, Trail } from "./round.ts";
import { LOOK_BEFORE_MS, sessionsNamed } from "./routes.ts";
import { type Span, within, without } from "./spans.ts";
import { deliveryOf, stateOf, timeOf } from "./steps.ts";

/**
 * The time in which some pass could have claimed of a session at once, had anything been due: it had looked for what
 * is due, had time to send, had no trouble of its own, was not interfered with, and had nothing of that session in hand;
 * and no other pass had the lease. Passes count as far as their answers show that WAHA and the database served them.
 */
export function ableSpans({ record, trails }: Round, session: string): Span[] {
  const free = freeSpans(record, session);
  return record.calls.flatMap((call) => {
    const able = ableSpan(record, call, session);
    if (!able) return [];
    const inHand = trails.flatMap((trail) => inHandSpans(trail, record, call, session));
    return within(without([able], inHand), free(call.instance));
  });
}

/** From a pass's first look to the end of its time to send, or to its first trouble. */
function ableSpan(record: RoundRecord, call: Call, session: string): Span | undefined {
  const { instance, at, endedAt = 0, status } = call;
  if (status !== 200 || at >= record.calmFrom) return undefined;
  const look = record.looks.find((each) => each.instance === instance && each.sentAt >= at);
  const [from, to] = [
    look?.sentAt ?? endedAt,
    Math.min(endedAt, at + sendMs(record), ...troublesOf(record, call)),
  ];
  const isOut = record.outages.some(
    (outage) => (outage.session ?? session) === session && outage.at < to && outage.until > at,
  );
  return isOut || from >= to ? undefined : [from, to];
}

/** How long a pass may start to send, from its call on. */
function sendMs({ settings: { passSeconds, tailSeconds } }: RoundRecord): number {
  const { attempt } = lifetimesOf(passSeconds);
  return Math.min((passSeconds - tailSeconds) * 1000, (passSeconds - 0.2 * tailSeconds) * 1000 - attempt);
}

/** When something happened after which a pass need not do all that one does that nothing happens to. */
function troublesOf(record: RoundRecord, { instance, at, endedAt = 0 }: Call): number[] {
  const isIts = (each: { instance: string }) => each.instance === instance;
  const isBad = (to: string) => to !== "attempting" && to !== "sent";
  const moments = [
    ...record.disturbances.filter(isIts).map((each) => each.at),
    ...record.interruptions.filter(isIts).flatMap((each) => [each.at, each.until ?? each.at]),
    ...record.writes.filter((write) => isIts(write) && isBad(write.to)).map(({ sentAt }) => sentAt),
    ...record.bulkReleases.filter(isIts).map(({ sentAt }) => sentAt),
    ...record.posts
      .filter((post) => isIts(post) && !(post.delivered && post.answer?.status === 201))
      .map((post) => post.at),
  ];
  return moments.filter((moment) => moment >= at && moment <= endedAt);
}

/** When something of a session was claimed by a pass, or being posted. */
function inHandSpans(
  trail: Trail,
  record: RoundRecord,
  { instance, at, endedAt = 0 }: Call,
  session: string,
): Span[] {
  return trail.steps.flatMap((step, index): Span[] => {
    const isIts = record.passes.get(deliveryOf(step.after).passId) === instance;
    if (!isIts || !isInHand(step) || step.at < at || step.at > endedAt) return [];
    const named = sessionsNamed(trail, step.at - LOOK_BEFORE_MS, step.at, record);
    return named.has(session) ? [[step.at, trail.steps[index + 1]?.at ?? endedAt]] : [];
  });
}

function isInHand({ after }: MessageStep): boolean {
  const state = stateOf(after);
  return state === "claimed" || (state === "attempting" && !deliveryOf(after).error);
}

/** When nobody else has a session's lease, by the process that asks. */
function freeSpans(record: RoundRecord, session: string): (instance: string) => Span[] {
  const history = leaseOf(session, record);
  const isRestricted = history.some(({ document }) => document?.restrictedUntil);
  return (instance) => {
    if (isRestricted) return [];
    const foreign = history.flatMap(({ at, document }, index): Span[] => {
      if (record.passes.get(document?.passId) === instance) return [];
      return [
        [at, Math.min(timeOf(document?.expiresAt), history[index + 1]?.at ?? Number.POSITIVE_INFINITY)],
      ];
    });
    return without([[Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]], foreign);
  };
}
