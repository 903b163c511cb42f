import { expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { parseConfig } from "../../lib/config.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { auditMessages } from "../../lib/monitoring/audit.ts";
import { type RecordedCommand, recordCommands } from "../support/commands.ts";
import { CAMPAIGN_STATES, dashboardWorld } from "../support/dashboard.ts";
import { ago, createWorld, message, type World } from "../support/world.ts";

const audit = (world: World) =>
  auditMessages(openDatabase(parseConfig(world.env)), ago(86_400), { maxTimeMS: 5_000 });

const isAudit = ({ name, command }: RecordedCommand) =>
  name === "aggregate" && JSON.stringify(command).includes("never_picked");

const NO_FLAGS = { isSent: null, isDeleted: null, isPicked: null };

test("what lacks several flags is counted once", async () => {
  const world = await createWorld();
  await world.insert(NO_FLAGS, { isDeleted: null }, { isPicked: null }, { isSent: null, isPicked: null }, {});
  expect(await audit(world)).toEqual(new Map([["flags_missing", { count: 4, more: false }]]));
});

test("an app that writes no flags at all makes an audit look at a thousand messages a search, and no more", async () => {
  const world = await createWorld();
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.messages.insertMany(Array.from({ length: 4000 }, () => message(NO_FLAGS)));
  await world.db.command({ profile: 2 });
  expect(await audit(world)).toEqual(new Map([["flags_missing", { count: 1000, more: true }]]));
  await world.db.command({ profile: 0 });
  const looks = await world.db.collection("system.profile").find({ ns: world.messages.namespace }).toArray();
  const examined = looks.reduce((sum, { docsExamined }) => sum + (docsExamined ?? 0), 0);
  // Three searches that find some, of a thousand and one each at the most.
  expect(examined).toBeGreaterThanOrEqual(1001);
  expect(examined).toBeLessThanOrEqual(3 * 1001);
});

test("a pass gives the database five seconds for it", async () => {
  const world = await createWorld();
  const commands = recordCommands(world);
  await world.pass();
  await backgroundDone();
  expect(commands.filter(isAudit)).toMatchObject([{ command: { maxTimeMS: 5_000 } }]);
});

test("what is on hold is not told as never picked, whatever holds it", async () => {
  const world = await dashboardWorld();
  const sessionId = await world.session();
  const old = { scheduledAt: ago(90_000) };
  for (const state of ["draft", "cancelled", "deleted"] as const)
    await world.message(await world.campaign(sessionId, CAMPAIGN_STATES[state]), old);
  expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
  await world.message(await world.campaign(sessionId), old);
  await world.message({ sessionId, campaignId: "gone" }, old);
  await world.message({ sessionId, campaignId: null }, old);
  expect(await audit(world)).toEqual(new Map([["never_picked", { count: 3, more: false }]]));
});

test("a list of old dates is counted beside what was never picked, of another campaign", async () => {
  const world = await createWorld();
  await world.insert({ scheduledAt: [ago(90_000)], campaignId: "one" }, { scheduledAt: ago(90_000) });
  expect((await audit(world)).get("never_picked")).toMatchObject({ count: 2 });
});

test("campaigns are not asked for where no message was left alone", async () => {
  const world = await createWorld();
  await world.insert({ isPicked: null });
  const commands = recordCommands(world);
  await audit(world);
  expect(commands).toHaveLength(1);
});
