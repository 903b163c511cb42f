import { expect, test } from "vitest";
import { createWorld, type World } from "../support/world.ts";
import { expectSilence, loud, PHONE, WORD } from "./secrets.ts";

/** What makes a database turn away what it is told to write, in words that quote it. */
const RULES: [name: string, set: (world: World) => Promise<unknown>, code: string][] = [
  [
    "a claim",
    ({ messages }) => messages.createIndex({ content: 1, isPicked: 1 }, { unique: true }),
    "database_refused",
  ],
  [
    "an intent",
    ({ messages }) => messages.createIndex({ "delivery.chatId": 1 }, { unique: true, sparse: true }),
    "database_refused",
  ],
  [
    "an outcome",
    ({ db }) =>
      db.createCollection("messages", {
        validator: { $nor: [{ isSent: true, "delivery.claimedAt": { $exists: true } }] },
      }),
    "sent, and the database turns the record away",
  ],
  [
    "a lease",
    ({ db }) => db.createCollection("scheduler", { validator: { $nor: [{ passId: { $ne: WORD } }] } }),
    "database_refused",
  ],
];

test.each(RULES)(
  "nothing is printed or answered of %s that the database turns away",
  async (_name, set, code) => {
    const world = await createWorld();
    const delivery = { state: "sent", chatId: `${PHONE}@c.us` };
    await set(world);
    await world.insert(
      { content: WORD, chatId: PHONE },
      { content: WORD, chatId: PHONE, isPicked: true, isSent: true, delivery },
    );
    const { output } = await loud(world);
    expect(output).toContain(code);
    expectSilence(world, output);
  },
);

test("nothing is printed or answered of a database's address, whatever is wrong with it", async () => {
  const world = await createWorld();
  const asUser = new URL(world.env.DATABASE_URL ?? "");
  asUser.username = WORD;
  asUser.password = `${WORD}%40`;
  const withFile = new URL(world.env.DATABASE_URL ?? "");
  withFile.search = `?tls=true&tlsCAFile=/${WORD}.pem`;
  for (const { href } of [asUser, withFile]) {
    const { output, status } = await loud(world, { DATABASE_URL: href });
    expect(status).toBe(503);
    expectSilence(world, output);
  }
});
