import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { markdownTable } from "../../host/table.ts";
import { OURS } from "../contenders/catalog.ts";
import type { BarGroup, Table } from "../scenario.ts";
import type { Standing } from "../targets.ts";
import { barChart, CHART_NAME } from "./chart.ts";

/** What stands between these two lines is written by the bench. */
const BEGIN = "<!-- npm run bench writes from here -->";
const END = "<!-- to here -->";

export interface Results {
  /** What it was measured on, and how. */
  setting: string;
  tables: Table[];
  bars: BarGroup[];
  standings: Standing[];
}

/**
 * Writes the results into `<out>.md`, between its markers, and the chart into `<out>.svg`.
 *
 * @throws Error if the page is not there, or has no markers
 */
export async function writeDocument(out: string, results: Results): Promise<void> {
  const page = `${out}.md`;
  const text = await readFile(page, "utf8");
  const chart = results.bars.length > 0 ? `${basename(out)}.svg` : undefined;
  await writeFile(page, between(text, page, section(results, chart)));
  if (chart) await writeFile(`${out}.svg`, barChart(results.bars, OURS));
}

function between(text: string, page: string, section: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin)
    throw new Error(`${page} lacks the line "${BEGIN}" or, after it, "${END}"`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${section}\n\n${text.slice(end)}`;
}

function section({ setting, tables, bars, standings }: Results, chart: string | undefined): string {
  const alt = `${CHART_NAME}: ${bars.map(({ title }) => title).join("; ")}`;
  return [
    setting,
    ...(chart ? [`![${alt}](${chart})`] : []),
    tableSection(targetTable(standings)),
    ...tables.map(tableSection),
  ].join("\n\n");
}

function targetTable(standings: Standing[]): Table {
  const word = (reached: boolean | undefined) =>
    reached === undefined ? "" : reached ? "reached" : "**not reached**";
  return {
    title: "Targets",
    note: "",
    head: ["", "target", "figure", ""],
    rows: standings
      .filter(({ isMeasured }) => isMeasured)
      .map(({ claim, limit, figure, reached }) => [claim, limit, figure, word(reached)]),
  };
}

/** A table with figures to the right, under a heading of the third level. */
function tableSection({ title, note, head, rows }: Table): string {
  const rules = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [`### ${title}`, note && `${note}.`, markdownTable(head, rows, rules)].filter(Boolean).join("\n\n");
}
