/** How people are shown things: on a terminal, in a line of the log, in a finding of the doctor. */
import type { Summary } from "../lib/monitoring/report.ts";

/** Rows of cells as lines, each column as wide as its widest cell; the last one is left as it is. */
export function columns(rows: readonly string[][], gap = "  "): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [place, cell] of row.entries()) widths[place] = Math.max(widths[place] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, place) => (place < row.length - 1 ? cell.padEnd(widths[place] ?? 0) : cell))
      .join(gap)
      .trimEnd(),
  );
}

/** How many names a line shows before it only counts. */
const SHOWN = 5;

/** Names for one line: the first few, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** A text that others wrote (an app, WAHA) without what a terminal would obey. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{C}/gu, "·");
}

/** A count with its noun, in the right number. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Counts of a summary that are worth a word when they are not zero, in the order in which they are told. */
const COUNTS = {
  sent: "sent",
  reconciled: "found out about, and settled",
  failed: "failed",
  missed: "missed",
  unknown: "unknown",
  rescued: "rescued from a pass that died",
  released: "given back",
} as const satisfies Partial<Record<keyof Summary, string>>;

/** What messages wait for. */
const WAITING_FOR: Record<keyof Summary["waiting"], string> = {
  lease: "the pass that holds their session",
  pause: "the pause between two messages",
  turn: "their turn",
  waha: "WAHA",
};

/** What a pass did, in one line. */
export function tellCounts(summary: Summary): string {
  const told = Object.entries(COUNTS)
    .map(([name, word]) => ({ count: summary[name as keyof typeof COUNTS], word }))
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${word}`);
  const { campaignsCompleted, ok, waiting } = summary;
  if (campaignsCompleted > 0) told.push(`${counted(campaignsCompleted, "campaign")} settled`);
  for (const [what, words] of Object.entries(WAITING_FOR)) {
    const count = waiting?.[what as keyof Summary["waiting"]] ?? 0;
    if (count > 0) told.push(`${count} waiting for ${words}`);
  }
  return told.join(", ") || (ok ? "nothing to do" : "nothing sent");
}

/** A problem's code, and how often a pass met it. */
export function tellProblem(code: string, count: number): string {
  return count > 1 ? `${count} × ${code}` : code;
}
