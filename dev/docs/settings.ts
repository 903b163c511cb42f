import { z } from "zod";
import { SettingsSchema } from "../../lib/config.ts";
import { ServerSettingsSchema } from "../../ops/server/settings.ts";
import { markdownTable } from "../host/table.ts";

/** One setting, as its schema tells of it. */
interface Setting {
  name: string;
  description: string;
  isRequired: boolean;
  /** As one writes it in an environment; undefined if there is none. */
  byDefault: string | undefined;
  /** What .env.example shows where a value is required. */
  example: string;
}

/** The table of the settings of a pass. */
export const settingsTable = () => tableOf(SettingsSchema);

/** The table of the settings that only a server of one's own has. */
export const serverSettingsTable = () => tableOf(ServerSettingsSchema);

/** .env.example: required settings first and set, and what stands among them; the others commented out. */
export function envExample(): string {
  return [
    HEAD,
    ...read(SettingsSchema).map((setting) =>
      setting.isRequired ? filledIn(setting) : commentedOut(setting),
    ),
    "# For a server of your own (npm start) alone:\n",
    ...read(ServerSettingsSchema).map(commentedOut),
  ].join("\n");
}

function filledIn(setting: Setting): string {
  return `# ${inOneLine(setting)}\n${setting.name}=${setting.example}\n`;
}

/** It is set by taking the mark before it away, if it has no default that would do. */
function commentedOut(setting: Setting): string {
  const line = inOneLine(setting).replace("Set it unless", "Uncomment it unless");
  return `# ${line}\n# ${setting.name}=${setting.byDefault ?? ""}\n`;
}

const HEAD = `# Settings of waha-scheduler; docs/configuration.md says more about each. What has no # before it is needed, and
# WAHA_API_KEY unless WAHA has none; the others are shown with their defaults. Copy this file to .env: \`npm start\`,
# \`npm run doctor\`, \`npm run resend\` and \`npm run dev -- --live\` read it there.
# This file is written by \`npm run docs\`, from the settings' schemas.
`;

function tableOf(schema: z.ZodObject): string {
  const rows = read(schema).map(({ name, description, isRequired, byDefault }) => [
    `\`${name}\``,
    isRequired ? "required" : byDefault === undefined ? "none" : `\`${byDefault}\``,
    description,
  ]);
  return markdownTable(["name", "default", "meaning"], rows);
}

function read({ shape }: z.ZodObject): Setting[] {
  return Object.entries(shape).map(([name, setting]) => {
    const { description = "", example = "" } = (setting as z.ZodType).meta() ?? {};
    const absent = (setting as z.ZodType).safeParse(undefined);
    return {
      name,
      description,
      example: String(example),
      isRequired: !absent.success,
      byDefault: absent.data === undefined ? undefined : String(defaultOf(setting) ?? absent.data),
    };
  });
}

/** The default of a setting whose value is made from the text that one writes. */
function defaultOf(setting: unknown): unknown {
  const text = setting instanceof z.ZodPipe ? setting.in : undefined;
  return text instanceof z.ZodDefault ? text.def.defaultValue : undefined;
}

/** How wide a comment in .env.example may be. */
const WIDTH = 120;

/** As many of a description's sentences as fit on a line, without Markdown; the first one at least. */
function inOneLine({ description }: Setting): string {
  const plain = description.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1").replaceAll("`", "");
  const [first = "", ...rest] = plain.split(/(?<=\.) (?=[A-Z0-9])/);
  let line = first;
  for (const sentence of rest) {
    if (`${line} ${sentence}`.length > WIDTH) break;
    line += ` ${sentence}`;
  }
  return line;
}
