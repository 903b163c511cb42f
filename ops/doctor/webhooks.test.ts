import { expect, test } from "vitest";
import { hear, WEBHOOK_KEY } from "../../test/support/webhooks.ts";
import { createWorld, type World } from "../../test/support/world.ts";
import vercelFile from "../../vercel.json" with { type: "json" };
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";

const SETTINGS = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
const URL_OF_OURS = "https://scheduler.example.com/api/waha";
const EVENTS = ["message.any", "message.ack", "message.ack.group"];

/** What is found about webhooks. */
async function findingsOf({ env }: World): Promise<Finding[]> {
  const all = await examine(env, vercelFile);
  return all.filter(({ check, message }) => check === "waha" && /webhook|receipt/.test(message));
}

/** A world whose session has these webhooks set for itself. */
function worldWith(webhooks: object[] | undefined, settings: NodeJS.ProcessEnv = SETTINGS): Promise<World> {
  return createWorld({ sessions: [{ name: "default", ...(webhooks ? { webhooks } : {}) }] }, settings);
}

const ours = (fields: object = {}) => ({
  url: URL_OF_OURS,
  events: EVENTS,
  hmac: { key: WEBHOOK_KEY },
  ...fields,
});

test.each<
  [name: string, webhooks: object[] | undefined, level: string, message: RegExp, remedy: RegExp | undefined]
>([
  [
    "with its events and key",
    [{ url: "https://else.example.com/" }, ours()],
    "ok",
    /is set, and none came yet: default/,
    undefined,
  ],
  ["with all events there are", [ours({ events: ["*"] })], "ok", /none came yet/, undefined],
  [
    "with the needed event alone",
    [ours({ events: ["message.ack"] })],
    "ok",
    /set; message\.any and message\.ack\.group would bring more/,
    undefined,
  ],
  ["without a key", [ours({ hmac: null })], "warning", /no key, or another/, /hmac\.key/],
  ["with another key", [ours({ hmac: { key: "another" } })], "warning", /no key, or another/, /hmac\.key/],
  [
    "without the needed event",
    [ours({ events: ["message.any", "message.ack.group"] })],
    "warning",
    /lacks message\.ack/,
    /message\.ack, message\.any, /,
  ],
  [
    "to another path",
    [ours({ url: "https://else.example.com/" })],
    "warning",
    /can't be seen from here: default/,
    /WHATSAPP_HOOK_URL/,
  ],
  [
    "none at all",
    undefined,
    "warning",
    /can't be seen from here: default/,
    /config\.webhooks\) or for the server/,
  ],
  ["of a form that makes no sense", [{ url: 7 }], "warning", /can't be seen/, undefined],
])("a webhook of the session, %s", async (_name, webhooks, level, message, remedy) => {
  const [finding, ...others] = await findingsOf(await worldWith(webhooks));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ level, message: expect.stringMatching(message) });
  if (remedy) expect(finding?.remedy).toMatch(remedy);
  expect(JSON.stringify(finding)).not.toContain(WEBHOOK_KEY);
});

test("that a webhook brings receipts is said once one came", async () => {
  const world = await worldWith([ours()]);
  await world.insert({});
  await world.pass();
  await hear(world, world.waha.ledger[0]?.id ?? "");
  expect(await findingsOf(world)).toMatchObject([
    { level: "ok", message: expect.stringMatching(/bring receipts: default/) },
  ]);
});

test("a webhook that is set for the whole server is known by the receipts that came", async () => {
  const world = await worldWith(undefined);
  await world.insert({});
  await world.pass();
  await hear(world, world.waha.ledger[0]?.id ?? "");
  expect(await findingsOf(world)).toMatchObject([
    { level: "ok", message: expect.stringMatching(/whole server: default/) },
  ]);
});

test("without WAHA_WEBHOOK_KEY receipts are off, and that is no complaint", async () => {
  expect(await findingsOf(await worldWith([ours()], {}))).toMatchObject([
    { level: "ok", message: expect.stringMatching(/receipts are off/) },
  ]);
});
