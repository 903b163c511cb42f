import type { Document } from "mongodb";
import type { HarnessFields, History, Interruption, RoundRecord } from "../record.ts";
import { changedFields } from "./changed-fields.ts";
import { leaseOf } from "./leases.ts";
import { tellAnswer } from "./oracle.ts";
import { isClaim, readRound, type Trail } from "./round.ts";
import { sessionsNamed } from "./routes.ts";
import { type Step, stepsOf, timeOf } from "./steps.ts";

interface Line {
  at: number;
  text: string;
}

/**
 * Tells all that a record knows of one message or campaign, in readable lines, in the order of time.
 *
 * @param subject a label, as a violation gives it, or a `documentKey`
 */
export function tellHistory(record: RoundRecord, subject: string): string {
  const trail = readRound(record).trails.find(({ label, key }) => label === subject || key === subject);
  const history = trail?.history ?? findCampaign(record, subject);
  if (!history) return `nothing is known of ${subject}`;
  const own = [...tellVersions(history), ...(trail ? tellTraffic(trail, record.interruptions) : [])];
  const began = Math.min(...own.map(({ at }) => at));
  const lines = [...own, ...(trail ? tellLeases(trail, record) : [])];
  return lines
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => `${tellSeconds(at - began)}  ${text}`)
    .join("\n");
}

function findCampaign(
  { campaigns }: RoundRecord,
  subject: string,
): History<HarnessFields & Document> | undefined {
  const found = [...campaigns].find(
    ([key, history]) => key === subject || history.some(({ document }) => document?.label === subject),
  );
  return found?.[1];
}

/** Of its sessions' leases all that changed their holder, from its first claim to its last write. */
function tellLeases(trail: Trail, record: RoundRecord): Line[] {
  const first = trail.steps.find(isClaim)?.at ?? Number.POSITIVE_INFINITY;
  const last = Math.min(record.calmFrom, trail.steps.at(-1)?.at ?? 0);
  return [...sessionsNamed(trail, first, last, record)].flatMap((session) => {
    const told = leaseOf(session, record).flatMap(({ at, document }, index, history): Line[] => {
      const before = history[index - 1]?.document;
      const ends = timeOf(document?.expiresAt) - at;
      if (before?.passId === document?.passId && ends > 0 && timeOf(before?.expiresAt) >= at) return [];
      const how =
        ends > 0 ? `${document?.passId}'s for ${ends} ms` : `given back or over (${document?.passId})`;
      return [{ at, text: `lease of ${session}: ${how}` }];
    });
    return told.filter(({ at }) => at >= first - LEASES_BEFORE_MS && at <= last);
  });
}

/** Leases are taken before anything is claimed under them. */
const LEASES_BEFORE_MS = 5000;

function tellSeconds(ms: number): string {
  return `+${(ms / 1000).toFixed(3)} s`.padStart(12);
}

function tellVersions(history: History<HarnessFields & Document>): Line[] {
  return stepsOf(history).map((step) => ({ at: step.at, text: tellStep(step) }));
}

function tellStep({ by, before, after }: Step<HarnessFields & Document>): string {
  if (!after) return "removed";
  if (!before) return `inserted: ${tellFields(after, changedFields({}, after))}`;
  if (by === "aging") return `aged by ${(after.agedBy - before.agedBy) / 1000} s`;
  return `${by} wrote: ${tellFields(after, changedFields(before, after))}`;
}

function tellFields(document: Document, paths: string[]): string {
  const valueAt = (path: string) =>
    path.split(".").reduce<unknown>((value, field) => (value as Document | undefined)?.[field], document);
  return paths.map((path) => `${path} ${tellValue(valueAt(path))}`).join(", ");
}

function tellValue(value: unknown): string {
  return value === undefined ? "gone" : JSON.stringify(value);
}

function tellTraffic({ posts, entries, writes }: Trail, interruptions: Interruption[]): Line[] {
  const involved = new Set([...posts, ...writes].map(({ instance }) => instance));
  return [
    ...posts.flatMap((post): Line[] => {
      const { instance, session, chatId, text, at, endedAt } = post;
      const begins = { at, text: `${instance} POSTs "${text}" to ${chatId} on ${session}` };
      // A connection that never ended has no place in the order of time.
      if (!Number.isFinite(endedAt)) return [begins];
      return [begins, { at: endedAt, text: `${instance} is given: ${tellAnswer(post)}` }];
    }),
    ...entries.map(({ acceptedAt, seq, id, givenId, ack, forgotten, text }) => ({
      at: acceptedAt.getTime(),
      text: `WAHA accepts "${text}" as no. ${seq}: id ${id}, given ${givenId ?? "none"}, ack ${ack}${forgotten ? ", forgotten" : ""}`,
    })),
    ...writes.flatMap(({ instance, to, sentAt, repliedAt, acknowledged }): Line[] => {
      const write = { at: sentAt, text: `${instance} writes "${to}"` };
      if (repliedAt === undefined) return [{ ...write, text: `${write.text}, and no reply ever comes` }];
      const heard = acknowledged ? "acknowledged" : "not acknowledged";
      return [write, { at: repliedAt, text: `${instance}'s "${to}" is ${heard}` }];
    }),
    ...interruptions.filter(({ instance }) => involved.has(instance)).flatMap(tellInterruption),
  ];
}

function tellInterruption({ instance, kind, at, until }: Interruption): Line[] {
  const stops = { at, text: `${instance} is ${kind}` };
  return until === undefined ? [stops] : [stops, { at: until, text: `${instance} goes on` }];
}
