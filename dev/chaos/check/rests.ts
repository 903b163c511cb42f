import type { Document } from "mongodb";
import type { History, Post, RoundRecord, SeenRequest, Version } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { wasStopped } from "./interruptions.ts";
import { leaseOf } from "./leases.ts";
import type { Round } from "./round.ts";
import { inForce, TIES_MS, timeOf } from "./steps.ts";

/** From the write of a rest until its process acts on it, on a busy machine. */
const HEARING_MS = 250;

/**
 * No message is posted on a session that rests, by a process that can know of the rest. The cases are the sessions that
 * rested. A process that was stopped between its intent and its POST goes on where it was.
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
    const trail = trails.find(({ posts }) => posts.includes(post));
    const intentAt = trail?.intentOf.get(post)?.at ?? at;
    if (!wasStopped(record, instance, intentAt - TIES_MS, at) && canKnow(record, history, post))
      check.violated(
        `${instance} posted to ${chatId} on ${session}, which was to rest for ${leftMs} ms more`,
        trail?.label,
      );
  }
  return check;
}

/**
 * A process knows of a rest that it wrote, and of one that it found as it took the lease. It does not hear of one that
 * another process wrote meanwhile, by an answer that came after its own lease had ended: by the harness, or while it was
 * stopped.
 */
function canKnow({ strikes }: RoundRecord, history: History<Document>, post: Post): boolean {
  const { at, instance, passIds, session } = post;
  const own = strikes.filter(
    (strike) => strike.instance === instance && strike.session === session && strike.rests,
  );
  const since = history.findLastIndex((version) => version.at <= at && !(restOf(version) > at)) + 1;
  return history.some((version, index) => {
    if (index < since || version.at > at) return false;
    if (own.some((strike) => isOf(strike, version))) return true;
    const before = history[index - 1];
    const isTaken = tenureOf(version) !== tenureOf(before) && restOf(version) === restOf(before);
    return isTaken && passIds.includes(version.document?.passId);
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
