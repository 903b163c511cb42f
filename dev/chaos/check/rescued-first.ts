import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import type { RoundRecord, SeenClaim } from "../record.ts";
import { chatsSeen } from "./chats.ts";
import { type Claimed, claimsIn, type Won } from "./claims.ts";
import type { Check } from "./finding.ts";
import { leaseOf } from "./leases.ts";
import { isRescue, type MessageStep, type Round, type Trail } from "./round.ts";
import { LOOK_BEFORE_MS, soleSession } from "./routes.ts";
import { deliveryOf, stampOf, stateOf, TIES_MS, timeOf } from "./steps.ts";

/** A pass's reading of the database's time may be off by half of what a freeze or a slow reply made it last. */
const CLOCK_MS = 3000;

/** What a pass claims of one session at once. */
interface OfSession {
  claimed: Claimed;
  session: string;
  won: Won[];
  /** The latest time at which one of them is due, and its label. */
  latest: { scheduledAt: number; label: string };
}

/**
 * A pass that takes a session over gives back what was claimed of it before, and then claims in the order of
 * `scheduledAt`: nothing goes before what a rescue gave back and is due earlier.
 */
export function checkRescued(check: Check, round: Round): void {
  for (const claimed of claimsIn(round)) {
    for (const ofSession of bySession(claimed, round.record)) {
      const own = new Set(ofSession.won.map(({ trail }) => trail));
      check.covers(ofSession.won.filter((won) => wasRescuedFirst(won, ofSession)).length);
      for (const trail of round.trails) if (!own.has(trail)) checkLeft(check, round.record, trail, ofSession);
    }
  }
}

function bySession(claimed: Claimed, record: RoundRecord): OfSession[] {
  const sole = ({ trail, step }: Won) => soleSession(trail, step.at - LOOK_BEFORE_MS, step.at, record);
  return [...Map.groupBy(claimed.won, sole)].flatMap(([session, won]): OfSession[] => {
    if (session === undefined) return [];
    const times = won.map(({ step, trail }) => ({ scheduledAt: dueAt(step), label: trail.label }));
    const latest = times.reduce((a, b) => (b.scheduledAt > a.scheduledAt ? b : a));
    return [{ claimed, session, won, latest }];
  });
}

const dueAt = ({ after }: MessageStep) => timeOf(after?.scheduledAt);

/** It had been rescued, and something that is due after it was claimed with it. */
function wasRescuedFirst({ trail, index, step }: Won, { latest }: OfSession): boolean {
  const before = trail.steps[index - 1];
  return before !== undefined && isRescue(before) && dueAt(step) < latest.scheduledAt;
}

/** A message that this claim did not win. */
function checkLeft(check: Check, record: RoundRecord, trail: Trail, ofSession: OfSession): void {
  const { claimed, session, latest } = ofSession;
  const last = trail.steps.findLast(({ at }) => at <= claimed.at);
  if (!last?.after || !(dueAt(last) < latest.scheduledAt)) return;
  // It goes behind what was not refused.
  if (deliveryOf(last.after).deferredAt !== undefined) return;
  const isOfSession = () =>
    soleSession(trail, last.at - LOOK_BEFORE_MS, claimed.at + TIES_MS, record) === session;
  if (isAbandoned(record, last, ofSession) && isOfSession()) {
    const wrong =
      "is due before it, and still lies with a pass whose claim had ended when the session was taken over";
    check.violated(
      `${latest.label} was claimed by ${claimed.passId}, while this message ${wrong}`,
      trail.label,
    );
  }
  if (isRescue(last) && mustBeClaimed(record, trail, last, claimed) && isOfSession()) {
    const ahead = latest.scheduledAt - dueAt(last);
    check.violated(
      `${latest.label} was claimed by ${claimed.passId}, and this message was not: a rescue had given it back, and it is due ${ahead} ms earlier`,
      trail.label,
    );
  }
}

/**
 * It was claimed, and that had ended, before this pass took the session's lease. The passes of the calm are longer than
 * those before it: they leave a claim alone for longer than its lease lasts.
 */
function isAbandoned(
  record: RoundRecord,
  { at, after }: MessageStep,
  { claimed, session }: OfSession,
): boolean {
  const { passId, claimExpiresAt } = deliveryOf(after);
  if (stateOf(after) !== "claimed" || passId === claimed.passId) return false;
  if (claimed.at >= record.calmFrom) return false;
  const instance = record.passes.get(claimed.passId);
  const hadTrouble = record.disturbances.some(
    (each) => each.instance === instance && each.point === "rescue",
  );
  const taken = takenBy(record, claimed, session);
  return !hadTrouble && taken !== undefined && at <= taken.at && timeOf(claimExpiresAt) <= taken.endedBefore;
}

/**
 * When a pass took a session's lease under which it claims, and by when what was claimed under an earlier one has
 * surely ended: by the clock of this pass, which found that lease to be over.
 */
function takenBy(
  record: RoundRecord,
  { passId, at }: Claimed,
  session: string,
): { at: number; endedBefore: number } | undefined {
  const history = leaseOf(session, record);
  const index = history.findLastIndex(
    (version, place) =>
      version.at <= at + TIES_MS &&
      version.document?.passId === passId &&
      history[place - 1]?.document?.passId !== passId,
  );
  const lease = history[index];
  if (!lease) return undefined;
  const earlier = timeOf(history[index - 1]?.document?.expiresAt);
  const surely = lease.at - CLOCK_MS;
  return { at: lease.at, endedBefore: earlier <= lease.at ? Math.max(earlier, surely) : surely };
}

/** This pass had seen that it was given back, and nothing kept the pass from it. */
function mustBeClaimed(
  record: RoundRecord,
  trail: Trail,
  rescue: MessageStep,
  { claimedAt, request }: Claimed,
): boolean {
  const { isSent, isDeleted } = rescue.after ?? {};
  if (isSent !== false || isDeleted !== false) return false;
  if (lacksChat(rescue, claimedAt, record)) return false;
  if (!request || !wasSeenBy(record, rescue, request)) return false;
  const { instance, passId, arrivedAt } = request;
  const inWindow = dueAt(rescue) >= claimedAt - record.settings.lookbackSeconds * 1000 + CLOCK_MS;
  const wasRefused = trail.posts.some((post) => post.instance === instance);
  // What a pass names and does not win, as the app changes it just then, it names no more.
  const wasNamed = record.claims.some(
    (each) => each.passId === passId && each.arrivedAt <= arrivedAt && each.messages.includes(trail.key),
  );
  return inWindow && !wasRefused && !wasNamed;
}

/** Neither it nor its campaign's group names a chat, so that it is told instead of claimed. */
function lacksChat({ at, after }: MessageStep, until: number, record: RoundRecord): boolean {
  if (MAPPINGS[record.settings.documents].messages.chatId !== null || !after) return false;
  const chats = chatsSeen(after, at - LOOK_BEFORE_MS, until + TIES_MS, record);
  return [...chats].every((chat) => chat === undefined);
}

/** The rescue was acknowledged when the pass began the look on which its claim rests. */
function wasSeenBy({ looks, rescues }: RoundRecord, { after }: MessageStep, request: SeenClaim): boolean {
  const look = looks.findLast(
    ({ instance, repliedAt = Number.POSITIVE_INFINITY }) =>
      instance === request.instance && repliedAt <= request.arrivedAt,
  );
  if (!look) return false;
  return rescues.some(
    ({ stamp, repliedAt = Number.POSITIVE_INFINITY }) =>
      stamp?.getTime() === stampOf(after) && repliedAt <= look.sentAt,
  );
}
