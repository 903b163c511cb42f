import { styleText } from "node:util";
import { columns, counted, harmless } from "../format.ts";
import type { Finding, Level } from "./finding.ts";

/** Each level's mark, beside its word, so that no colour is needed to tell them apart. */
const MARKS: Record<Level, string> = { ok: "✓", warning: "!", problem: "✗" };
const COLOURS = { ok: "green", warning: "yellow", problem: "red" } as const;

/** Whether nothing is in the way of messages. */
export function isSound(findings: Finding[]): boolean {
  return findings.every(({ level }) => level !== "problem");
}

/** The findings for a person: a line each, with its remedy below, and the counts. Coloured on a terminal that wants it. */
export function asText(findings: Finding[]): string {
  const rows = findings.map(({ level, check, message }) => [
    `${MARKS[level]} ${level}`,
    check,
    harmless(message),
  ]);
  const lines = columns(rows).flatMap((line, index) => {
    const { level, remedy } = findings[index] as Finding;
    const head = styleText(COLOURS[level], line, { stream: process.stdout });
    // What several in a row have in common is said once, below the last of them.
    return remedy && remedy !== findings[index + 1]?.remedy
      ? [head, `${" ".repeat(REMEDY_AT)}→ ${harmless(remedy)}`]
      : [head];
  });
  return [...lines, "", counts(findings)].join("\n");
}

/** How far a remedy is set in. */
const REMEDY_AT = 4;

function counts(findings: Finding[]): string {
  const number = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return `${number("ok")} ok, ${counted(number("warning"), "warning")}, ${counted(number("problem"), "problem")}`;
}

/** The findings for a program. */
export function asJson(findings: Finding[]): string {
  return JSON.stringify({ ok: isSound(findings), findings }, null, 2);
}
