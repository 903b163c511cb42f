import { readArgs } from "../../ops/options.ts";

/** What `npm run load` was asked for. */
export interface Options {
  /** How many messages are due. */
  messages: number;
  /** Over how many WhatsApp sessions they are spread, evenly. */
  sessions: number;
}

const DEFAULTS: Options = { messages: 50_000, sessions: 200 };

export const USAGE = `npm run load -- [--messages <n>] [--sessions <n>]

Lets many messages be due at once, on a real MongoDB and a simulated WAHA, and checks what becomes of them.

  --messages <n>  how many are due; without it ${DEFAULTS.messages}
  --sessions <n>  over how many sessions they are spread; without it ${DEFAULTS.sessions}
It ends with 1 if not all is as it should be.`;

/**
 * Reads the command line.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[]): Options {
  const values = readArgs("load", { messages: { type: "string" }, sessions: { type: "string" } }, args);
  const messages = readCount("--messages", values.messages, DEFAULTS.messages);
  const sessions = readCount("--sessions", values.sessions, Math.min(DEFAULTS.sessions, messages));
  if (sessions > messages)
    throw new Error("--sessions must not exceed --messages: each has something to send");
  return { messages, sessions };
}

function readCount(option: string, given: string | undefined, byDefault: number): number {
  if (given === undefined) return byDefault;
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`${option} takes a whole number from 1 on, not "${given}"`);
  return count;
}
