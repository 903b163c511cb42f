import { styleText } from "node:util";
import type { Ruling } from "./check.ts";
import type { PassRun } from "./seen.ts";

/** How many of the things that are against one claim are told in full. */
const TOLD = 5;

export function tellPass({ status, seconds, sent, peakMemory, problems }: PassRun): string {
  const answer = status === 200 ? "" : `, answered with ${status ?? "nothing"}`;
  const told = problems.length > 0 ? ` (${problems.join(", ")})` : "";
  const peak = Math.round(peakMemory / 2 ** 20);
  return `  pass: ${tellRate(sent, seconds)}, peak memory ${peak} MB${answer}${told}`;
}

export function tellTotal(passes: PassRun[]): string {
  const sum = (field: "sent" | "seconds") => passes.reduce((total, pass) => total + pass[field], 0);
  return `${passes.length} passes: ${tellRate(sum("sent"), sum("seconds"))}`;
}

function tellRate(sent: number, seconds: number): string {
  return `${sent} sent in ${seconds.toFixed(1)} s, ${Math.round(sent / seconds)} a second`;
}

/** Every claim, and what is against it. */
export function tellVerdict(rulings: Ruling[]): { holds: boolean; text: string } {
  const holds = rulings.every(({ broken }) => broken.length === 0);
  const verdict = holds ? styleText("green", "everything held") : styleText("red", "NOT everything held");
  return { holds, text: [...rulings.flatMap(tellRuling), "", verdict].join("\n") };
}

function tellRuling({ claim, broken }: Ruling): string[] {
  if (broken.length === 0) return [`  holds: ${claim}`];
  return [
    styleText("red", `  DOES NOT HOLD: ${claim}`),
    ...broken.slice(0, TOLD).map((what) => `    ${what}`),
    ...(broken.length > TOLD ? [`    and ${broken.length - TOLD} more`] : []),
  ];
}
