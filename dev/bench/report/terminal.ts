import { styleText } from "node:util";
import CliTable from "cli-table3";
import { TABLE_LAYOUT } from "../../host/table.ts";
import type { Table } from "../scenario.ts";
import type { Standing } from "../targets.ts";

/** A table for the terminal. */
export function terminalTable({ title, note, head, rows }: Table): string {
  const table = new CliTable({
    head: head.map((cell) => styleText("bold", cell)),
    ...TABLE_LAYOUT,
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
  });
  table.push(...rows);
  return [styleText("bold", title), note, "", table.toString().replace(/ +$/gm, "")].join("\n");
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
