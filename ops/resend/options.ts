import { z } from "zod";
import { isProblemCode } from "../../lib/problems.ts";
import { readArgs } from "../options.ts";

/** States that a person may have sent again; the others are sent already, or may yet be. */
const STATES = ["missed", "failed", "unknown"] as const;
export type ResendState = (typeof STATES)[number];

/** Which messages, and when they are to be due. */
export interface Options {
  campaign: string | undefined;
  /** Only these messages; any, if empty. */
  ids: string[];
  states: ResendState[];
  /** Only what gave one of these reasons; any, if empty. */
  codes: string[];
  /** Only what was settled since, as a moment or in seconds before now. */
  since: Date | number | undefined;
  /** Undefined: now. */
  at: Date | undefined;
  /** Over how long they are spread, in seconds. */
  spread: number;
  yes: boolean;
  dryRun: boolean;
  /** Where the settings are; undefined: in .env, if there is one. */
  envFile: string | undefined;
}

export const USAGE = `npm run resend -- [--campaign <id>] [--id <ids>] [--state missed,failed] [what else]

  --campaign <id>     only messages of this campaign
  --id <ids>          only these messages
  --state <states>    missed, failed or both (with --campaign or --id the default is both);
                      or unknown, with --may-arrive-twice
  --code <codes>      only with these codes, for example no_pass_in_time,window_closed
  --since <when>      only what ended since then: 30m, 2h, 1d, or 2027-03-01T09:00:00+01:00
  --at <when>         when they are to be due: now (the default), or a moment with its offset as above
  --spread <seconds>  spread them evenly over this many seconds, from then on
  --dry-run           only show
  --yes               don't ask
  --env-file <file>   read the settings from this file, and not from .env
A campaign, messages or a state must be named.`;

/**
 * Reads the command line.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[]): Options {
  const values = readArgs(
    "resend",
    {
      campaign: { type: "string" },
      id: { type: "string", default: "" },
      state: { type: "string" },
      code: { type: "string", default: "" },
      since: { type: "string" },
      at: { type: "string", default: "now" },
      spread: { type: "string", default: "0" },
      "may-arrive-twice": { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      yes: { type: "boolean", default: false },
      "env-file": { type: "string" },
    },
    args,
  );
  const { campaign } = values;
  const ids = listOf(values.id);
  if (!campaign && ids.length === 0 && !values.state) throw new Error(USAGE);
  return {
    campaign,
    ids,
    states: statesOf(values.state ?? "missed,failed", values["may-arrive-twice"]),
    codes: codesOf(values.code),
    since: values.since === undefined ? undefined : sinceOf(values.since),
    at: values.at === "now" ? undefined : momentOf("--at", values.at, "now, or "),
    spread: spreadOf(values.spread),
    yes: values.yes,
    dryRun: values["dry-run"],
    envFile: values["env-file"],
  };
}

function listOf(given: string): string[] {
  return given
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
}

function statesOf(given: string, mayArriveTwice: boolean): ResendState[] {
  const states = listOf(given);
  const other = states.find((state) => !STATES.some((known) => known === state));
  if (other !== undefined || states.length === 0)
    throw new Error(
      `--state must be one of ${STATES.join(", ")}, or several with commas: no other state can be sent again`,
    );
  if (states.includes("unknown") && !mayArriveTwice)
    throw new Error(
      "--state unknown needs --may-arrive-twice: such a message may have arrived, and then arrives twice. Look at the chats first; docs/operations.md#decide-about-an-unknown-message says how",
    );
  if (mayArriveTwice && !states.includes("unknown"))
    throw new Error("--may-arrive-twice goes with --state unknown, and nothing else");
  return states as ResendState[];
}

function codesOf(given: string): string[] {
  const codes = listOf(given);
  const other = codes.find((code) => !isProblemCode(code));
  if (other !== undefined) throw new Error(`--code ${other}: there is no such code`);
  return codes;
}

const SECONDS = { m: 60, h: 3600, d: 86_400 } as const;

function sinceOf(given: string): Date | number {
  const [, count, unit] = /^(\d{1,4})([mhd])$/.exec(given) ?? [];
  return count
    ? Number(count) * SECONDS[unit as keyof typeof SECONDS]
    : momentOf("--since", given, "30m, 2h, 1d, or ");
}

/** With its offset: "9 o'clock" alone would mean whatever the computer's time zone is. */
function momentOf(option: string, given: string, others: string): Date {
  const { data } = z.iso.datetime({ offset: true }).safeParse(given);
  if (data === undefined)
    throw new Error(
      `${option} ${given}: give ${others}a moment with its offset, such as 2027-03-01T09:00:00+01:00`,
    );
  return new Date(data);
}

function spreadOf(given: string): number {
  const seconds = z.coerce.number().nonnegative().max(SECONDS.d).safeParse(given).data;
  if (seconds === undefined) throw new Error("--spread must be seconds, at most a day (86400)");
  return seconds;
}
