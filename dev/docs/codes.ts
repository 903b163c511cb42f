import { isProblemCode, PROBLEMS, type ProblemCode, type ProblemKind } from "../../lib/problems.ts";
import { markdownTable } from "../host/table.ts";
import { EXPLANATIONS, SETTING_WRONG } from "./explanations.ts";

/** Which kinds each table of docs/errors.md explains, by the table's name there. */
const TABLES = {
  unsent: ["unsent", "changed", "failed"],
  unproven: ["unproven"],
  outage: ["waha", "database", "pass", "setup"],
  notice: ["notice"],
  defect: ["defect"],
} as const satisfies Record<string, readonly ProblemKind[]>;

type TableName = keyof typeof TABLES;

/** The tables of docs/errors.md, by name: every code once, with an anchor, what happened and what to do. */
export function codeTables(): Record<TableName, string> {
  const tables = Object.entries(TABLES).map(([name, kinds]) => [name, codeTable(kinds)]);
  return Object.fromEntries(tables) as Record<TableName, string>;
}

function codeTable(kinds: readonly ProblemKind[]): string {
  const codes = (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) =>
    kinds.includes(PROBLEMS[code].kind),
  );
  const all: (ProblemCode | typeof SETTING_WRONG)[] = kinds.includes("defect")
    ? [SETTING_WRONG, ...codes]
    : codes;
  return markdownTable(["code", "what happened", "what to do"], all.map(codeRow));
}

function codeRow(code: ProblemCode | typeof SETTING_WRONG): string[] {
  const own = isProblemCode(code) ? PROBLEMS[code] : { happened: "", remedy: "" };
  const { happened = capital(own.happened), remedy = own.remedy } = EXPLANATIONS[code] ?? {};
  return [`<a id="${code}"></a>\`${code}\``, happened, remedy];
}

function capital(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
