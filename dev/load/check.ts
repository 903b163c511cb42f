import type { MessageDocument } from "../../lib/messages/message.ts";
import { documentKey } from "../../lib/mongo/ids.ts";
import { counted } from "../../ops/format.ts";
import type { Seen } from "./seen.ts";
import type { Accepted } from "./waha.ts";
import type { PlannedMessage, World } from "./world.ts";

export interface Limits {
  passSeconds: number;
  memoryMB: number;
}

/** Something that must hold, and in plain words everything that is against it. */
export interface Ruling {
  claim: string;
  broken: string[];
}

/** A planned message, and all that is known of it. */
interface Case {
  planned: PlannedMessage;
  accepted: Accepted[];
  found: MessageDocument | undefined;
}

/** Holds what is there in the end against what was planned. */
export function judge(world: World, seen: Seen, limits: Limits): Ruling[] {
  const cases = casesOf(world, seen);
  return [
    { claim: "WAHA accepted each message exactly once", broken: judgeOnce(cases, seen.ledger) },
    { claim: "ledger and database agree", broken: [...cases.flatMap(judgeRecord), ...judgeCampaigns(seen)] },
    { claim: "each session's messages went out in order, one at a time", broken: judgeOrder(world, seen) },
    { claim: `every pass was answered within ${limits.passSeconds} s`, broken: judgeTime(seen, limits) },
    { claim: `the function's memory stayed under ${limits.memoryMB} MB`, broken: judgeMemory(seen, limits) },
  ];
}

function casesOf({ messages }: World, seen: Seen): Case[] {
  const accepted = Map.groupBy(seen.ledger, ({ text }) => text);
  const found = new Map(seen.messages.map((message) => [documentKey(message._id), message]));
  return messages.map((planned) => ({
    planned,
    accepted: accepted.get(planned.document.content) ?? [],
    found: found.get(documentKey(planned.document._id)),
  }));
}

function judgeOnce(cases: Case[], ledger: Accepted[]): string[] {
  const broken = cases.flatMap(({ planned: { document, session }, accepted }) => {
    const astray = accepted.filter((entry) => entry.session !== session || entry.chatId !== document.chatId);
    return [
      ...(accepted.length === 1 ? [] : [`${labelOf(document)} was accepted ${accepted.length} times`]),
      ...astray.map((entry) => `${labelOf(document)} went from ${entry.session} to ${entry.chatId}`),
    ];
  });
  const foreign = ledger.length - cases.reduce((sum, { accepted }) => sum + accepted.length, 0);
  return foreign === 0
    ? broken
    : [...broken, `${counted(foreign, "text was", "texts were")} accepted that no document has`];
}

function judgeRecord({ planned: { document }, accepted, found }: Case): string[] {
  const label = labelOf(document);
  if (!found) return [`${label} is no longer in the database`];
  const { isSent, sentAt, delivery } = found;
  const recorded = isSent && delivery?.state === "sent" && sentAt instanceof Date;
  const [entry] = accepted;
  if (!entry) return isSent ? [`${label} is marked as sent, and WAHA never accepted it`] : [];
  if (!recorded) return [`${label} was accepted, and the database says "${delivery?.state ?? "nothing"}"`];
  return delivery.waMessageId === entry.id ? [] : [`${label} has another id in the database than in WAHA`];
}

function judgeCampaigns({ campaigns }: Seen): string[] {
  return campaigns
    .filter(({ status, delivery }) => status !== "completed" || delivery?.open !== false)
    .map(({ name, status }) => `${String(name)} is ${String(status)}, not completed`);
}

function judgeOrder({ messages }: World, { ledger }: Seen): string[] {
  const dueAt = new Map(messages.map(({ document }) => [document.content, document.scheduledAt.getTime()]));
  return [...Map.groupBy(ledger, ({ session }) => session)].flatMap(([session, entries]) =>
    entries.flatMap(({ text, chatId, concurrent }, place) => {
      const before = dueAt.get(entries[place - 1]?.text ?? "") ?? Number.NEGATIVE_INFINITY;
      const overtaken = before > (dueAt.get(text) ?? Number.POSITIVE_INFINITY);
      return [
        ...(overtaken ? [`${session}: the message to ${chatId} went out after one that was due later`] : []),
        ...(concurrent === 1 ? [] : [`${session}: the message to ${chatId} went out beside another`]),
      ];
    }),
  );
}

function judgeTime({ passes }: Seen, { passSeconds }: Limits): string[] {
  return passes.flatMap(({ status, seconds }, place) => [
    ...(status === 200 ? [] : [`pass ${place + 1} was answered with ${status ?? "nothing"}`]),
    ...(seconds <= passSeconds ? [] : [`pass ${place + 1} took ${seconds.toFixed(1)} s`]),
  ]);
}

function judgeMemory({ passes }: Seen, { memoryMB }: Limits): string[] {
  const peak = Math.max(...passes.map(({ peakMemory }) => peakMemory)) / 2 ** 20;
  return peak < memoryMB ? [] : [`it took ${peak.toFixed(0)} MB`];
}

function labelOf({ chatId }: PlannedMessage["document"]): string {
  return `the message to ${chatId}`;
}
