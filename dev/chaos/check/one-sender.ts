import type { Interruption, Post } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import type { Round, Trail } from "./round.ts";
import { inForceBetween, TIES_MS, timeOf } from "./steps.ts";

/** One sender a session at a time: with the session's lease, and never two POSTs at once. */
export function checkOneSender(round: Round): Finding {
  const check = new Check("one-sender");
  const posts = round.trails.flatMap((trail) => trail.posts.map((post) => ({ post, trail })));
  for (const { post, trail } of posts) {
    check.covers();
    if (!mayHaveLostLease(round, post, trail)) checkLease(check, round, post, trail);
  }
  for (const onSession of Map.groupBy(posts, ({ post }) => post.session).values()) {
    checkAlone(check, round, onSession);
  }
  return check;
}

function checkLease(check: Check, { record }: Round, post: Post, { label }: Trail): void {
  const versions = inForceBetween(
    record.leases.get(post.session) ?? [],
    post.at - TIES_MS,
    post.at + TIES_MS,
  );
  const isHeld = versions.some(
    ({ document }) =>
      post.passIds.includes(document?.passId) && timeOf(document?.expiresAt) > post.at - TIES_MS,
  );
  if (isHeld) return;
  const lease = versions.at(-1)?.document;
  const holder = lease
    ? `it was ${lease.passId}'s, ${tellExpiry(timeOf(lease.expiresAt) - post.at)}`
    : "nobody had it";
  check.violated(`posted by ${post.instance} without the lease of ${post.session}: ${holder}`, label);
}

function tellExpiry(leftMs: number): string {
  return leftMs > 0 ? `for ${leftMs} ms more` : `until ${-leftMs} ms before`;
}

function checkAlone(check: Check, round: Round, onSession: { post: Post; trail: Trail }[]): void {
  for (const { post: later, trail } of onSession) {
    for (const { post: earlier, trail: other } of onSession) {
      const overlaps = earlier.at < later.at && later.at < earlier.endedAt - TIES_MS;
      if (!overlaps || isNoSender(round, earlier, later.at) || mayHaveLostLease(round, later, trail))
        continue;
      check.violated(
        `posted on ${later.session} by ${later.instance} while ${other.label}'s POST by ${earlier.instance} was under way, for ${earlier.endedAt - later.at} ms more`,
        trail.label,
      );
    }
  }
}

/**
 * Whether a process was stopped between the intent and the arrival of its POST: whatever it held may have expired in
 * the meantime, and no check of its own can come after the last one. Or it had given the POST up before it arrived:
 * then it was on its way, nobody can tell since when.
 */
function mayHaveLostLease({ record }: Round, post: Post, { intentOf, writes }: Trail): boolean {
  const from = (intentOf.get(post)?.at ?? post.at) - TIES_MS;
  const gaveUp = writes.some(
    ({ instance, to, sentAt }) =>
      instance === post.instance && to !== "attempting" && sentAt >= from && sentAt <= post.at,
  );
  return gaveUp || record.interruptions.some((each) => concerns(each, post.instance, from, post.at));
}

/** A process that was stopped or killed during its POST is no sender any more, though WAHA may go on. */
function isNoSender({ record }: Round, post: Post, at: number): boolean {
  return record.interruptions.some((each) => concerns(each, post.instance, post.at, at));
}

/** Whether it was stopped at some moment of a span. */
function concerns(interruption: Interruption, instance: string, from: number, to: number): boolean {
  const { at, kind, until } = interruption;
  const end = kind === "killed" ? Number.POSITIVE_INFINITY : (until ?? Number.POSITIVE_INFINITY);
  return interruption.instance === instance && at <= to + TIES_MS && end >= from;
}
