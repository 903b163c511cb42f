import { setTimeout as sleep } from "node:timers/promises";
import type { Collection } from "mongodb";
import type { MessageDocument } from "../../../lib/messages/message.ts";
import { type PlannedMessage, spreadWorld } from "../../load/world.ts";
import { type Work, workOf } from "../work.ts";

export const SESSIONS = 20;
export const LATENCY_MS = 20;

/** How many milliseconds lie between two messages that fall due, the first when passes have begun. */
export const EVERY_MS = 250;
export const FIRST_MS = 5_000;

/** One in this many messages is inserted late, and how shortly before its time. */
const INSERTED_LATE = 4;
const INSERTED_BEFORE_MS = 5_000;

/** Messages that fall due one after the other, over this many milliseconds. */
export function evenWork(firstDue: number, lasts: number): Work {
  const messages = Math.floor(lasts / EVERY_MS);
  const dueAt = (place: number) => new Date(firstDue + place * EVERY_MS);
  return workOf(spreadWorld({ messages, sessions: SESSIONS, sessionOf: (place) => place % SESSIONS, dueAt }));
}

/** Every message is there from the beginning, or comes late. */
export function whenInserted({ world }: Work): { early: PlannedMessage[]; late: PlannedMessage[] } {
  const isLate = (_: PlannedMessage, place: number) => place % INSERTED_LATE === INSERTED_LATE - 1;
  const late = world.messages.filter(isLate);
  const early = world.messages.filter((message) => !late.includes(message));
  return { early, late };
}

/** Inserts those that come late, each at its moment. */
export async function insertInTime(
  messages: Collection<MessageDocument>,
  late: PlannedMessage[],
): Promise<void> {
  for (const { document } of late) {
    await sleep(document.scheduledAt.getTime() - INSERTED_BEFORE_MS - Date.now());
    await messages.insertOne(document);
  }
}
