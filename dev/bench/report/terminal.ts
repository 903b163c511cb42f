import { styleText } from "node:util";
import { textTable } from "../../host/table.ts";
import type { Table } from "../scenario.ts";
import type { Standing } from "../targets.ts";

/** A table for the terminal: the first column names the rows. */
export function terminalTable({ title, note, head, rows }: Table): string {
  return [styleText("bold", title), note, "", textTable(head, rows, [0])].join("\n");
}

/** A line a target: reached or not, with the figure. */
export function targetLines(standings: Standing[]): string {
  return standings.map(targetLine).join("\n");
}

function targetLine({ claim, limit, figure, reached }: Standing): string {
  return `${verdict(reached)}  ${claim}: ${figure} (${limit})`;
}

function verdict(reached: boolean | undefined): string {
  if (reached === undefined) return "           ";
  return reached ? styleText("green", "reached    ") : styleText("red", "NOT reached");
}
