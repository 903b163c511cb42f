import type { Filter } from "mongodb";
import { expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { dueFilter, surveyDue } from "../../lib/messages/due.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { ago, createWorld, message } from "../support/world.ts";

const NOW = new Date("2026-03-29T01:30:00.000Z");
const before = (ms: number) => new Date(NOW.getTime() - ms);
const WINDOW = { from: before(120_000), to: NOW };

/** Every message of the window's edges, and whether it is due at NOW with 120 s of lookback. */
const EDGES: [name: string, scheduledAt: Date, due: boolean][] = [
  ["1 ms in the future", before(-1), false],
  ["exactly now", before(0), true],
  ["1 ms ago", before(1), true],
  ["1 ms inside the window", before(119_999), true],
  ["exactly 2 minutes ago", before(120_000), true],
  ["1 ms past the window", before(120_001), false],
  [
    "a minute ago, written with an offset of +02:00 in the hour that the clocks skip",
    new Date("2026-03-29T03:29:00+02:00"),
    true,
  ],
  ["a minute ago, written with an offset of -05:30", new Date("2026-03-28T19:59:00-05:30"), true],
  ["the same wall-clock time in another zone", new Date("2026-03-29T01:29:00+02:00"), false],
];

test.each(EDGES)("a message scheduled %s is due: %s %s", async (_name, scheduledAt, due) => {
  const world = await createWorld();
  await world.insert({ scheduledAt });
  expect(await world.messages.countDocuments(dueFilter(WINDOW, NOW) as Filter<object>)).toBe(due ? 1 : 0);
});

/** What a message may carry beside its time, and whether it is due. */
const FLAGS: [name: string, fields: object, due: boolean][] = [
  ["fresh", {}, true],
  ["sent", { isSent: true }, false],
  ["deleted", { isDeleted: true }, false],
  ["picked", { isPicked: true }, false],
  ["lacking isSent", { isSent: undefined }, false],
  ["with a null isPicked", { isPicked: null }, false],
  ["with a null delivery", { delivery: null }, true],
  ["released", { delivery: { state: "released" } }, true],
  ["missed and asked for again", { delivery: { state: "missed" } }, true],
  ["failed and asked for again", { delivery: { state: "failed" } }, true],
  ["claimed but reset", { delivery: { state: "claimed" } }, false],
  ["attempting but reset", { delivery: { state: "attempting" } }, false],
  ["unknown but reset", { delivery: { state: "unknown" } }, false],
  ["sent but reset", { delivery: { state: "sent" } }, false],
  ["in a state of a later version", { delivery: { state: "postponed" } }, false],
  ["given back before this pass", { delivery: { state: "released", settledAt: before(1) } }, true],
  ["given back during this pass", { delivery: { state: "released", settledAt: NOW } }, false],
];

test.each(FLAGS)("a message that is %s is due: %s %s", async (_name, fields, due) => {
  const world = await createWorld();
  const document = message({ scheduledAt: before(60_000), ...fields });
  await world.db.collection("messages").insertOne(document, { ignoreUndefined: true });
  expect(await world.messages.countDocuments(dueFilter(WINDOW, NOW) as Filter<object>)).toBe(due ? 1 : 0);
});

test("the window is the setting's, and counts at the claim", async () => {
  const world = await createWorld({}, { LOOKBACK_SECONDS: "30" });
  const [inside, outside, early] = await world.insert(
    { scheduledAt: ago(5) },
    { scheduledAt: ago(45) },
    { scheduledAt: ago(-30) },
  );
  expect(await world.pass()).toMatchObject({ sent: 1, missed: 1 });
  expect(await world.find(inside)).toMatchObject({ isSent: true });
  expect(await world.find(outside)).toMatchObject({ isSent: false, delivery: { state: "missed" } });
  expect(await world.find(early)).not.toHaveProperty("delivery");
});

test("the survey gives each session's and campaign's oldest first, and no more than asked for", async () => {
  const world = await createWorld();
  await world.insert(
    ...[3, 1, 2].map((age) => ({ sessionId: "a", content: `${age}`, scheduledAt: ago(age) })),
    { campaignId: "c", scheduledAt: ago(9) },
  );
  const due = dueFilter({ from: ago(60), to: ago(0) }, new Date());
  const groups = (await Array.fromAsync(surveyDue(openDatabase(parseConfig(world.env)), due, 2))).flat();
  const ofA = groups.find((group) => group.sessionId === "a");
  expect(ofA?.count).toBe(3);
  const first = await Promise.all((ofA?.next ?? []).map(({ _id }) => world.find(_id)));
  expect(first.map((found) => found.content)).toEqual(["3", "2"]);
  expect(groups.find((group) => group.campaignId === "c")?.count).toBe(1);
});
