import type { Document } from "mongodb";
import type { History, Post, RoundRecord, SeenRequest, Version } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { leaseOf } from "./leases.ts";
import type { Round } from "./round.ts";
import { inForce, TIES_MS, timeOf } from "./steps.ts";

/** From the write of a rest until its process acts on it, on a busy machine. */
const HEARING_MS = 250;

/**
 * No message is posted on a session that rests, by a process that can know of the rest. The cases are the sessions that
 * rested. A process that was stopped in the middle of a POST goes on with it where it was.
 */
export function checkRests({ record, trails }: Round): Finding {
  const check = new Check("rests");
  for (const history of record.leases.values())
    if (history.some(({ document }) => document?.suspendedUntil)) check.covers();
  for (const post of record.posts) {
    const { at, instance, session, chatId } = post;
    const history = leaseOf(session, record);
    const began = inForce(history, at - HEARING_MS)?.document;
    const now = inForce(history, at + TIES_MS)?.document;
    const leftMs = Math.min(timeOf(began?.suspendedUntil), timeOf(now?.suspendedUntil)) - at;
    if (!(leftMs > TIES_MS)) continue;
    const wasStopped = record.interruptions.some((each) => each.instance === instance && each.at <= at);
    if (!wasStopped && canKnow(record, history, post))
      check.violated(
        `${instance} posted to ${chatId} on ${session}, which was to rest for ${leftMs} ms more`,
        trails.find(({ posts }) => posts.includes(post))?.label,
      );
  }
  return check;
}

/**
 * A process knows of a rest that it wrote, and of one that it found as it took the lease. A lease that the harness ended
 * has two holders for a while, and neither hears what the other one is answered.
 */
function canKnow({ strikes }: RoundRecord, history: History<Document>, post: Post): boolean {
  const { at, instance, passIds, session } = post;
  const own = strikes.filter((strike) => strike.instance === instance && strike.session === session);
  const since = history.findLastIndex((version) => version.at <= at && !(restOf(version) > at)) + 1;
  return history.some((version, index) => {
    const before = history[index - 1];
    if (index < since || version.at > at) return false;
    if (restOf(version) !== restOf(before)) return own.some((strike) => isOf(strike, version));
    return passIds.includes(version.document?.passId) && tenureOf(version) !== tenureOf(before);
  });
}

/** A version may be what a request wrote. */
function isOf(
  { repliedAt = Number.POSITIVE_INFINITY, sentAt }: SeenRequest,
  { at }: Version<Document>,
): boolean {
  return sentAt - TIES_MS <= at && at <= repliedAt + TIES_MS;
}

const restOf = (lease: Version<Document> | undefined) => timeOf(lease?.document?.suspendedUntil);
const tenureOf = (lease: Version<Document> | undefined) =>
  `${lease?.document?.passId} ${timeOf(lease?.document?.takenAt)}`;
