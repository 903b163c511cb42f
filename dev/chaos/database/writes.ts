import type { Document } from "mongodb";
import { documentKey } from "../../../lib/mongo/ids.ts";
import { partOf } from "../world/names.ts";
import { takenApart } from "./joint.ts";
import { idsNamedIn, isPlain, look, mergedIn, pointOf } from "./points.ts";

/** A write of one message's state. */
export interface SingleStateWrite {
  /** `documentKey` of the message's id. */
  message: string;
  to: string;
  /** It is for an attempt that was looked up, whichever pass made it. */
  isLookupResult: boolean;
  /** The time that it sets with it, if any; so that what it wrote can be told from what others did. */
  stamp: Date | undefined;
  /** Its place among the command's statements. */
  index: number;
}

/** The statements of a command that set the state of one message each, whatever else guards them. */
export function stateWritesOf(command: Document): SingleStateWrite[] {
  if (partOf(command.update) !== "messages") return [];
  const statements: Document[] = command.updates ?? [];
  return statements.flatMap((statement, index) =>
    takenApart(statement).flatMap(({ q, u }) => {
      const to = u.$set?.["delivery.state"];
      if (!isPlain(q._id) || typeof to !== "string") return [];
      // One on an attempt without a time has none of these; no world has such an attempt.
      const isLookupResult = "delivery.attemptAt" in q;
      return [{ message: documentKey(q._id), to, isLookupResult, stamp: stampOf(u.$set), index }];
    }),
  );
}

/** The time that a write sets: of a settlement, or of the reason why there is none. */
function stampOf(set: Document): Date | undefined {
  return set["delivery.settledAt"] ?? set["delivery.error"]?.at;
}

/** What a command claims, and for which pass; undefined if it is no claim. */
export function claimIn(
  command: Document,
): { passId: string; claimedAt: Date; messages: string[] } | undefined {
  if (pointOf(command) !== "claim") return undefined;
  const { passId, claimedAt } = mergedIn(look(command).set);
  return { passId, claimedAt, messages: idsNamedIn(command).map(documentKey) };
}

/** The pass that a command claims messages for, or takes leases for; undefined if it does neither. */
export function passOf(command: Document): string | undefined {
  const { set } = look(command);
  const passId = pointOf(command) === "take-leases" ? takerIn(set) : claimIn(command)?.passId;
  return typeof passId === "string" ? passId : undefined;
}

/** The pass that a lease becomes, if it is free. */
function takerIn({ passId }: Document): unknown {
  const [, taker] = passId.$cond ?? [undefined, passId];
  return taker?.$literal ?? taker;
}

/** The times that a command sets which gives many claims back, one for each of its statements. */
export function bulkReleasesOf(command: Document): (Date | undefined)[] {
  return pointOf(command) === "release-claims" ? stampsOf(command) : [];
}

/** The times that a command sets which rescues, one for each of its statements. */
export function rescuesOf(command: Document): (Date | undefined)[] {
  return pointOf(command) === "rescue" ? stampsOf(command) : [];
}

function stampsOf({ updates }: Document): (Date | undefined)[] {
  return (updates as Document[]).map(({ u }) => stampOf(u.$set));
}

/** The sessions whose leases a command writes, in its order. */
export function sessionsNamedIn(command: Document): string[] {
  const updates: Document[] = command.updates ?? [];
  return updates.map(({ q }) => sessionOf(q._id));
}

/** The renewal of one lease: whose it is, and of which tenure. */
export interface Renewal {
  session: string;
  passId: string;
  takenAt: Date;
}

/** What a command renews, in its order. */
export function renewalsIn({ updates }: Document): Renewal[] {
  return (updates as Document[]).map(({ q: { _id, passId, takenAt } }) => ({
    session: sessionOf(_id),
    passId,
    takenAt,
  }));
}

/** The strikes that a command notes against sessions, and whether these are to rest for them. */
export function strikesIn(command: Document): { session: string; rests: boolean }[] {
  if (pointOf(command) !== "strike-session") return [];
  const rests = "suspendedUntil" in look(command).set;
  return sessionsNamedIn(command).map((session) => ({ session, rests }));
}

/** The sessions whose leases a command reads. */
export function leasesReadIn({ filter }: Document): string[] {
  const tenures: Document[] = filter?.$or ?? [];
  return [...(filter?._id?.$in ?? []), ...tenures.map(({ _id }) => _id)].map(sessionOf);
}

const sessionOf = (leaseId: unknown) => String(leaseId).replace(/^session:/, "");
