import { addSeconds, FORESEEN_SECONDS } from "../clock.ts";
import type { DueGroup } from "../messages/due.ts";
import { PERSON_CHAT } from "../messages/message.ts";
import type { Database } from "../mongo/client.ts";
import { messageOf, type Reason } from "../problems.ts";
import type { WahaSession } from "../waha/responses.ts";
import {
  BELIEVED_END,
  BELIEVED_SECONDS,
  leaseId,
  type SessionLease,
  type SuspensionCode,
  sessionOf,
} from "./leases.ts";
import type { CampaignState } from "./routing.ts";

/*
 * A session that rests: what its outcomes say against it stands on its lease's document, so that every pass knows it.
 */

/**
 * The chats whose outcomes spoke against a session, with no message accepted since, by code. For `session_sick` and
 * `account_restricted` a chat counts once, however often it is tried; for `session_throttled` every answer counts.
 */
export type Strikes = Partial<Record<SuspensionCode, string[]>>;

/** A rest, and the code that says why. */
interface Rest {
  code: SuspensionCode;
  until: Date;
}

/** It lies so far ahead that a clock was wrong. */
const STRUCK_IN_FUTURE = { $gt: ["$struckAt", { $add: ["$$NOW", FORESEEN_SECONDS * 1000] }] };

/**
 * Notes what speaks against a session, whichever pass holds its lease.
 *
 * @param rest no pass sends on it before its end; one that is later, and believed, stands. Undefined: it does not rest yet
 */
export async function strikeSession(
  db: Database,
  session: string,
  { at, strikes }: { at: Date; strikes: Strikes },
  rest: Rest | undefined,
): Promise<void> {
  const struckAt = { $cond: [STRUCK_IN_FUTURE, at, { $max: ["$struckAt", at] }] };
  const resting = rest && {
    suspendedFor: { $cond: [{ $gt: [BELIEVED_END, rest.until] }, "$suspendedFor", rest.code] },
    suspendedUntil: { $max: [BELIEVED_END, rest.until] },
  };
  await db.scheduler.updateOne({ _id: leaseId(session) }, [
    { $set: { strikes: { $literal: strikes }, struckAt, ...resting } },
  ]);
}

/** Takes back what speaks against a session: it sent a message that was posted at that moment, after it. */
export async function clearStrikes(db: Database, session: string, postedAt: Date): Promise<void> {
  await db.scheduler.updateOne(
    {
      _id: leaseId(session),
      $or: [{ struckAt: { $lt: postedAt } }, { struckAt: null }, { $expr: STRUCK_IN_FUTURE }],
    },
    { $unset: { suspendedFor: "", suspendedUntil: "", strikes: "", struckAt: "" } },
  );
}

/** What a lease tells of strikes; undefined if nothing stands against its session. */
export function strikesOf({ strikes, struckAt, suspendedUntil }: SessionLease): Strikes | undefined {
  if (!strikes && !struckAt && !suspendedUntil) return undefined;
  return typeof strikes === "object" && strikes !== null ? strikes : {};
}

/** Why a session rests, if it does. */
export function suspensionOf(lease: SessionLease, now: Date): Reason | undefined {
  const { suspendedFor, suspendedUntil } = lease;
  if (!suspendedFor || !suspendedUntil || suspendedUntil <= now) return undefined;
  if (suspendedUntil > addSeconds(now, BELIEVED_SECONDS)) return undefined;
  return suspensionReason(sessionOf(lease), suspendedFor, suspendedUntil);
}

/** @param until undefined where it is not known */
export function suspensionReason(session: string, code: SuspensionCode, until: Date | undefined): Reason {
  const when = until?.toISOString().slice(0, 19).replace("T", " ");
  return { code, detail: when ? `${session}, until ${when} UTC` : session };
}

/** Why a session may write to no person now, by what WAHA's list says of its account; undefined if it may. */
export function restrictionReason({ name, restriction }: WahaSession, now: Date): Reason | undefined {
  if (!restriction || (restriction.until && restriction.until <= now)) return undefined;
  return suspensionReason(name, "account_restricted", restriction.until);
}

/** Whether a chat is one person's; an account that may not open chats may still write to groups and channels. */
function isPersonChat(chatId: unknown): boolean {
  return typeof chatId === "string" && PERSON_CHAT.test(chatId);
}

/** Why a session may not write to a chat now: to a person, while WhatsApp restricts its account; groups go on. */
export function chatRestriction(session: WahaSession, chatId: string, now: Date): Reason | undefined {
  return isPersonChat(chatId) ? restrictionReason(session, now) : undefined;
}

/** Why none of a group of messages may be sent now: they are for people. Their own chats come before their campaign's. */
export function groupRestriction(
  { isForPerson }: Pick<DueGroup, "isForPerson">,
  { campaign, session }: { campaign: CampaignState | undefined; session: WahaSession },
  now: Date,
): Reason | undefined {
  if (isForPerson === undefined) return undefined;
  const isPersons = isForPerson ?? isPersonChat(campaign?.chat.chatId);
  return isPersons ? restrictionReason(session, now) : undefined;
}

/** A session that rests, by what its lease or WAHA says. */
export interface Suspension {
  session: string;
  code: SuspensionCode;
  /** Undefined where it is not known. */
  until: Date | undefined;
}

/** How many sessions are told of. */
const MOST_SUSPENDED = 200;

/**
 * A session that was found sick is taken to be so until a message of it is accepted, for a day at most: then it is not
 * used any more, it seems.
 */
const SICK_MS = 24 * 3600_000;

/** The sessions that rest at a moment, or whose first message since is still to show whether they work again. */
export async function findSuspensions(
  db: Database,
  now: Date,
  limits: { maxTimeMS?: number } = {},
): Promise<Suspension[]> {
  const sickSince = new Date(now.getTime() - SICK_MS);
  const found = await db.scheduler
    .find<SessionLease>(
      {
        _id: { $gte: leaseId(""), $lt: leaseId("\uffff") },
        suspendedUntil: { $gt: sickSince, $lte: addSeconds(now, BELIEVED_SECONDS) },
        $or: [{ suspendedUntil: { $gt: now } }, { suspendedFor: "session_sick" }],
      },
      limits,
    )
    .limit(MOST_SUSPENDED)
    .toArray();
  return found.flatMap((lease): Suspension[] => {
    const { suspendedFor: code, suspendedUntil: until } = lease;
    return code ? [{ session: sessionOf(lease), code, until }] : [];
  });
}

/** The sessions whose account WhatsApp restricts at a moment, by WAHA's list. */
export function restrictedAmong(sessions: Iterable<WahaSession>, now: Date): Suspension[] {
  return [...sessions].flatMap((session): Suspension[] => {
    const { name, restriction } = session;
    if (!restrictionReason(session, now)) return [];
    return [{ session: name, code: "account_restricted", until: restriction?.until }];
  });
}

/** Says why a session rests, in the words of passes. A sick one is told without an end: it is sick until it accepts a message. */
export function tellSuspension({ code, session, until }: Suspension): string {
  const { detail } = suspensionReason(session, code, code === "session_sick" ? undefined : until);
  return messageOf(code, detail);
}
