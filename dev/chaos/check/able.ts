import type { Document } from "mongodb";
import { lifetimesOf } from "../lifetimes.ts";
import type { Call, History, RoundRecord } from "../record.ts";
import { leaseOf } from "./leases.ts";
import type { MessageStep, Round, Trail } from "./round.ts";
import { LOOK_BEFORE_MS, sessionsNamed } from "./routes.ts";
import { type Span, within, without } from "./spans.ts";
import { deliveryOf, inForce, stateOf, timeOf } from "./steps.ts";

/** A pass that could have claimed of a session, as far as the record tells. */
export interface AblePass {
  /** When it looked for what is due, first. */
  lookedAt: number;
  endedAt: number;
  /** The time between its looks in which it could have claimed at once, had anything been due. */
  spans: Span[];
  /** It could do so from its first look to its end. */
  isAble: boolean;
}

/**
 * The passes that could have claimed of a session. Each had time to send and no trouble of its own, was not interfered
 * with, and found the session free. A message with a file takes more time. Passes count whose answers show that WAHA and the database served them.
 */
export function ablePasses({ record, trails }: Round, session: string, hasFile: boolean): AblePass[] {
  const history = leaseOf(session, record);
  // Where a session was suspended it has to rest.
  if (history.some(({ document }) => document?.suspendedUntil)) return [];
  return record.calls.flatMap((call): AblePass[] => {
    const { instance, at, endedAt = 0, status } = call;
    if (status !== 200 || at >= record.calmFrom || isOut(record, call, session)) return [];
    const looks = record.looks.filter(
      (look) => look.instance === instance && look.sentAt >= at && look.sentAt <= endedAt,
    );
    const lookedAt = looks[0]?.sentAt;
    if (lookedAt === undefined) return [];
    const inHand = trails.flatMap((trail) => inHandSpans(trail, record, call, session));
    const isForeign = ({ document }: History<Document>[number]) =>
      record.passes.get(document?.passId) !== instance;
    const end = Math.min(
      at + sendMs(record, hasFile),
      ...troublesOf(record, call),
      // A pass that ends waits for a lease once; when another pass has taken it, or renewed it, it waits no more.
      ...history
        .filter((version) => isForeign(version) && version.at >= lookedAt)
        .map((version) => version.at),
    );
    const free = without([[lookedAt, end]], foreignSpans(history.filter(isForeign), history));
    const spans = within(without(free, inHand), [[lookedAt, looks.at(-1)?.sentAt ?? lookedAt]]);
    const wasHeld = timeOf(inForce(history.filter(isForeign), lookedAt)?.document?.expiresAt) > lookedAt;
    const isAble = endedAt <= end && inHand.length === 0 && !wasHeld;
    return [{ lookedAt, endedAt, spans, isAble }];
  });
}

/** WAHA did not serve a session, or any, at some time of a call; what its pass had seen before may have stood all along. */
function isOut({ outages }: RoundRecord, { at, endedAt = 0 }: Call, session: string): boolean {
  return outages.some(
    (outage) => (outage.session ?? session) === session && outage.at < endedAt && outage.until > at,
  );
}

/** How long a pass may start to send, from its call on. */
function sendMs({ settings: { passSeconds, tailSeconds } }: RoundRecord, hasFile: boolean): number {
  const { attempt, attemptWithFile } = lifetimesOf(passSeconds);
  const least = hasFile ? attemptWithFile : attempt;
  return Math.min((passSeconds - tailSeconds) * 1000, (passSeconds - 0.2 * tailSeconds) * 1000 - least);
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

/** When a lease was held by these versions of its history. */
function foreignSpans(foreign: History<Document>, history: History<Document>): Span[] {
  return foreign.map((version): Span => {
    const next = history[history.indexOf(version) + 1]?.at ?? Number.POSITIVE_INFINITY;
    return [version.at, Math.min(timeOf(version.document?.expiresAt), next)];
  });
}
