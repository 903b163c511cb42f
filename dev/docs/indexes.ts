import type { IndexDescription } from "mongodb";
import { CAMPAIGN_INDEXES } from "../../lib/campaigns.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";

/** How wide a line of a code block may be. */
const WIDTH = 110;

/** The commands that create the indexes by hand, as JSON that mongosh takes, too. */
export function indexCommands(): string {
  return [
    commandOf("messages", messageIndexes(MAPPINGS.plain.messages)),
    commandOf("campaigns", CAMPAIGN_INDEXES),
  ].join("\n\n");
}

function commandOf(collection: string, indexes: IndexDescription[]): string {
  return `\`\`\`js
db.runCommand({
  "createIndexes": "${collection}",
  "indexes": [
${indexes.map((index) => written(index, "    ")).join(",\n")}
  ]
})
\`\`\``;
}

/** On one line if that is not too wide, else with a line for each of its parts. */
function written(index: IndexDescription, indent: string): string {
  const parts = Object.entries(index).map(([name, value]) => `${JSON.stringify(name)}: ${onOneLine(value)}`);
  const line = `${indent}{ ${parts.join(", ")} }`;
  return line.length <= WIDTH
    ? line
    : `${indent}{\n${parts.map((part) => `${indent}  ${part}`).join(",\n")}\n${indent}}`;
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${JSON.stringify(name)}: ${onOneLine(each)}`)
    .join(", ")} }`;
}
