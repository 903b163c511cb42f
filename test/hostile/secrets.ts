import { expect } from "vitest";
import { type CallAlone, callAlone } from "../support/call-alone.ts";
import { RECEIVERS_SECRET, startReceiver } from "../support/receiver.ts";
import { SECRET, WAHA_KEY, type World } from "../support/world.ts";

/** A word that no line and no answer may hold: it stands in every text, and wherever else nothing is to be shown. */
export const WORD = "Wintergarten7q";
/** The part of a phone's number that every chat has. */
export const PHONE = "4917099988";

/** Calls the function at its most talkative; what it posts as alerts is part of its output. */
export async function loud(world: World, settings: NodeJS.ProcessEnv = {}, query = ""): Promise<CallAlone> {
  const receiver = await startReceiver();
  const { url } = receiver;
  const loudest = { LOG_LEVEL: "trace", ALERT_WEBHOOK_URL: url, HEARTBEAT_URL: url, ...settings };
  const called = await callAlone(world, { settings: loudest, query });
  const posted = receiver.taken.map(({ body }) => body).join("\n");
  return { ...called, output: called.output + posted };
}

export function expectSilence(world: World, output: string): void {
  const host = new URL(world.env.DATABASE_URL ?? "").host;
  const address = new URL(world.env.WAHA_API_URL ?? "").host;
  for (const secret of [WORD, PHONE, SECRET, WAHA_KEY, RECEIVERS_SECRET, host, "mongodb://", address])
    expect(output).not.toContain(secret);
  expect(output).not.toMatch(/\n\s+at .*\n/);
}
