import type { Document } from "mongodb";
import { expect, test } from "vitest";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { messageOf } from "../../lib/problems.ts";
import { type AlertedWorld, createAlertedWorld } from "../support/alerted-world.ts";
import { expectServedByIndexes, recordCommands } from "../support/commands.ts";
import { WEBHOOK_KEY } from "../support/webhooks.ts";
import { ago } from "../support/world.ts";

const SETTINGS = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
const SESSIONS = [{ name: "shop" }, { name: "club" }];
const HOUR = 3600;

const openWorld = (settings: NodeJS.ProcessEnv = SETTINGS) =>
  createAlertedWorld({ sessions: SESSIONS }, settings);

/** A message that a session sent so many seconds ago; `heardAt`: so many seconds ago its last receipt came. */
function sent(session: string, seconds: number, heardAt?: number, delivery: Document = {}): Document {
  return {
    isSent: true,
    isPicked: true,
    scheduledAt: ago(seconds),
    delivery: {
      state: "sent",
      session,
      waMessageId: "RAW1",
      chatId: "49170@c.us",
      attemptAt: ago(seconds),
      receiptsUntil: ago(seconds - 7 * 24 * HOUR),
      ...(heardAt === undefined ? {} : { receipt: "delivered", receiptAt: ago(heardAt) }),
      ...delivery,
    },
  };
}

/** So many messages, a minute apart, the latest first; none has a receipt. */
const unheard = (session: string, count: number, from = 11, delivery: Document = {}) =>
  Array.from({ length: count }, (_, n) => sent(session, (from + n) * 60, undefined, delivery));

/** Another session, of which receipts came before those messages, and still do. */
const heardClub = () => [sent("club", 3 * HOUR, 2 * HOUR), sent("club", 700, 600)];

async function told(world: AlertedWorld, ...messages: Document[]): Promise<string[]> {
  await world.insert(...messages);
  await world.callAndTell();
  return world.told();
}

test("a session of whose last twenty messages none has a receipt is told, once, and once more when it is heard", async () => {
  const world = await openWorld();
  expect(await told(world, ...unheard("shop", 20), ...heardClub())).toEqual(["silent standing"]);
  await world.callAndTell();
  expect(world.told()).toEqual(["silent standing"]);
  const [alert] = world.alerts();
  expect(alert?.alerts).toMatchObject([
    { about: "shop", code: "session_silent", message: messageOf("session_silent", "shop") },
  ]);
  await world.messages.updateOne(
    { "delivery.session": "shop" },
    { $set: { "delivery.receipt": "server", "delivery.receiptAt": ago(1) } },
  );
  await world.callAndTell();
  expect(world.told()).toEqual(["silent standing", "silent over"]);
});

test("it is told, too, where its own webhooks came before, though no other session sends", async () => {
  expect(await told(await openWorld(), ...unheard("shop", 20), sent("shop", 2 * HOUR, HOUR))).toEqual([
    "silent standing",
  ]);
});

test("the summary names it, and it keeps no pass from being ok", async () => {
  const world = await openWorld();
  await world.insert(...unheard("shop", 20), ...heardClub());
  expect(await world.pass()).toMatchObject({
    ok: true,
    errors: [{ code: "session_silent", message: expect.stringContaining("(shop)") }],
  });
});

const NO_ALARM: [name: string, messages: Document[]][] = [
  ["webhooks were never set up", [...unheard("shop", 20), ...unheard("club", 5)]],
  [
    "those of other sessions stopped coming before its messages",
    [...unheard("shop", 20), sent("club", 9 * HOUR, 8 * HOUR)],
  ],
  ["webhooks were set up after its messages", [...unheard("shop", 20), sent("club", 700, 600)]],
  [
    "webhooks were set up after its messages, and an old one is read now",
    [...unheard("shop", 20), sent("club", 700, 600), sent("club", 3 * HOUR, 60)],
  ],
  [
    "its messages have no id that a receipt would name",
    [...unheard("shop", 20, 11, { waMessageId: undefined }), ...heardClub()],
  ],
  ["it has sent nineteen", [...unheard("shop", 19), ...heardClub()]],
  ["one of its twenty has a receipt", [...unheard("shop", 19), sent("shop", 30 * 60, 60), ...heardClub()]],
  ["some are younger than ten minutes", [...unheard("shop", 20, 5), ...heardClub()]],
  ["they went to groups", [...unheard("shop", 20, 11, { chatId: "120363@g.us" }), ...heardClub()]],
  ["they were not sent", [...unheard("shop", 20, 11, { state: "unknown" }), ...heardClub()]],
  [
    "they are of yesterday",
    [...unheard("shop", 20, 25 * 60), sent("club", 30 * HOUR, 29 * HOUR), sent("club", 700, 600)],
  ],
];

test.each(NO_ALARM)("there is no alarm where %s", async (_name, messages) => {
  expect(await told(await openWorld(), ...messages)).toEqual([]);
});

test("there is none for a session that does not work, as that is told otherwise, nor without a key", async () => {
  const world = await openWorld();
  world.waha.setSessionStatus("shop", "STARTING");
  const messages = [...unheard("shop", 20), ...heardClub()];
  expect(await told(world, ...messages)).toEqual([]);
  expect(await told(await openWorld({}), ...messages)).toEqual([]);
});

test("the alert stands until a receipt of the session comes, also while it does not work or send", async () => {
  const world = await openWorld();
  expect(await told(world, ...unheard("shop", 20), ...heardClub())).toEqual(["silent standing"]);
  world.waha.setSessionStatus("shop", "STARTING");
  await world.callAndTell();
  world.waha.setSessionStatus("shop", "WORKING");
  const longAgo = { "delivery.attemptAt": ago(30 * HOUR), "delivery.receiptsUntil": ago(-138 * HOUR) };
  await world.messages.updateMany({ "delivery.session": "shop" }, { $set: longAgo });
  await world.callAndTell();
  expect(world.told().filter((line) => line.startsWith("silent"))).toEqual(["silent standing"]);
  const heard = { "delivery.receipt": "server", "delivery.receiptAt": ago(1) };
  await world.messages.updateOne({ "delivery.session": "shop" }, { $set: heard });
  await world.callAndTell();
  expect(world.told().filter((line) => line.startsWith("silent"))).toEqual([
    "silent standing",
    "silent over",
  ]);
});

test("a session that sends little is found beside one that sends thousands", async () => {
  const world = await openWorld();
  const busy = Array.from({ length: 2_500 }, () => sent("club", 650, 600));
  expect(await told(world, ...unheard("shop", 20), ...heardClub(), ...busy)).toEqual(["silent standing"]);
});

test("the search is bounded, and served by indexes", async () => {
  const world = await openWorld();
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.insert(...unheard("shop", 500), ...heardClub());
  const commands = recordCommands(world);
  const searches = () =>
    commands.filter(
      ({ command }) => command.aggregate && command.pipeline[0]?.$match?.["delivery.receiptsUntil"],
    );
  const limits = () => searches().map(({ command }) => command.pipeline[2].$limit);
  await world.pass();
  expect(limits()).toEqual([100, 500]);
  await world.messages.deleteOne({ "delivery.session": "club", "delivery.receiptAt": { $gt: ago(HOUR) } });
  await world.pass();
  expect(limits()).toEqual([100, 500, 100, 500, 500]);
  await expectServedByIndexes(world, searches());
});

test("messages that WhatsApp refused after WAHA had accepted them are told with their count", async () => {
  const world = await openWorld();
  const refused = { nextLookupAt: ago(1), receipt: "refused" };
  expect(await told(world, sent("shop", 60, 30, refused), sent("shop", 61, 30, refused))).toEqual([
    "refused standing",
  ]);
  expect(world.alerts()[0]?.text).toContain("2 messages were refused after WAHA accepted them");
  expect(world.alerts()[0]?.text).toContain(messageOf("refused_after_accepting"));
});
