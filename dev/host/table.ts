import { styleText } from "node:util";
import Table from "cli-table3";

/** Lines only below the head, and narrow gaps: so a table fits a terminal of 80 columns. */
const LAYOUT = {
  chars: {
    ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
    ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
    ...{ left: "", "left-mid": "", right: "", "right-mid": "" },
    ...{ middle: " ", "mid-mid": "─" },
  },
  style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 1 },
};

/**
 * A table for the terminal, with figures to the right.
 *
 * @param left the places of the columns that stand to the left
 */
export function textTable(head: string[], rows: (string | number)[][], left: readonly number[]): string {
  const table = new Table({
    ...LAYOUT,
    head: head.map((title) => styleText("bold", title)),
    colAligns: head.map((_, place) => (left.includes(place) ? "left" : "right")),
  });
  table.push(...rows);
  return table.toString().replace(/ +$/gm, "");
}

/** A table in Markdown; `rules` are those of its columns, by default all to the left. */
export function markdownTable(head: string[], rows: string[][], rules = head.map(() => "---")): string {
  return [head, rules, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
