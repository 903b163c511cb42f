import { expect, test } from "vitest";
import { addSeconds } from "../../../lib/clock.ts";
import { failCommands } from "../../support/fail-commands.ts";
import { claimNew, openPass, openSender } from "../../support/sender.ts";
import { ago, createWorld } from "../../support/world.ts";

const holdingUpdates = (blockTimeMS: number) => ({
  failCommands: ["update"],
  blockConnection: true,
  blockTimeMS,
});

test("a session that was stopped while more was claimed for it gives that back, and sends none of it", async () => {
  const world = await createWorld();
  const pass = await openPass(world);
  const [first, second] = [await claimNew(world, pass, {}), await claimNew(world, pass, {})];
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "status", status: 401 } });
  const sender = openSender(pass);
  sender.give(first, pass.clock.now());
  await sender.finished();
  expect(sender.stopped).toMatchObject({ code: "waha_key_refused" });
  sender.give(second, pass.clock.now());
  await sender.finished();
  expect(world.waha.requestCount({ route: "sendText" })).toBe(1);
  expect(await world.find(second[0]?._id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released" },
  });
});

test("what has expired before it is given goes back, and the session has nothing left", async () => {
  const world = await createWorld();
  const pass = await openPass(world);
  const messages = await claimNew(world, pass, {}, {});
  for (const { delivery } of messages) delivery.claimExpiresAt = ago(1);
  const sender = openSender(pass);
  sender.give(messages, pass.clock.now());
  await expect.poll(() => sender.status.active).toBe(false);
  await sender.finished();
  expect(world.waha.ledger).toHaveLength(0);
  for (const { _id } of messages)
    expect(await world.find(_id)).toMatchObject({
      isPicked: false,
      delivery: { state: "released", error: { code: "claim_ran_out" } },
    });
});

test("what waits behind a message whose claim ended with its intent goes back with it, also of a later claim", async () => {
  const world = await createWorld();
  const pass = await openPass(world);
  const [first, second] = [await claimNew(world, pass, {}), await claimNew(world, pass, {})];
  for (const { delivery } of first) delivery.claimExpiresAt = addSeconds(pass.clock.now(), 0.3);
  await failCommands(world, { times: 1 }, holdingUpdates(600));
  const sender = openSender(pass);
  sender.give([...first, ...second], pass.clock.now());
  await sender.finished();
  expect(world.waha.ledger).toHaveLength(0);
  for (const { _id } of [...first, ...second])
    expect(await world.find(_id)).toMatchObject({
      isPicked: false,
      delivery: { state: "released", error: { code: "claim_ran_out" } },
    });
});

test("what a look brings that began before something went back goes back too, and what a later one brings is sent", async () => {
  const world = await createWorld();
  const pass = await openPass(world);
  const [first, second] = [await claimNew(world, pass, {}), await claimNew(world, pass, {})];
  for (const { delivery } of first) delivery.claimExpiresAt = ago(1);
  const looked = pass.clock.now();
  const sender = openSender(pass);
  sender.give(first, looked);
  await sender.finished();
  sender.give(second, looked);
  await sender.finished();
  expect(world.waha.ledger).toHaveLength(0);
  expect(await world.find(second[0]?._id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released" },
  });
  const third = await claimNew(world, pass, {});
  sender.give(third, pass.clock.now());
  await sender.finished();
  expect(await world.find(third[0]?._id)).toMatchObject({ isSent: true });
});

test("what is brought while something goes back goes back too", async () => {
  const world = await createWorld();
  const pass = await openPass(world);
  const [first, second] = [await claimNew(world, pass, {}), await claimNew(world, pass, {})];
  for (const { delivery } of first) delivery.claimExpiresAt = ago(1);
  const sender = openSender(pass);
  sender.give(first, pass.clock.now());
  sender.give(second, pass.clock.now());
  await sender.finished();
  expect(world.waha.ledger).toHaveLength(0);
  expect(await world.find(second[0]?._id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released" },
  });
});

test("what is given while the last outcome is being recorded is sent all the same", async () => {
  const world = await createWorld();
  const pass = await openPass(world);
  const [first, second] = [await claimNew(world, pass, {}), await claimNew(world, pass, {})];
  // The queue is empty, the POST answered, and its record takes half a second: now more comes.
  const emptied = Promise.withResolvers<void>();
  const sender = openSender(pass, () => emptied.resolve());
  const answer = world.waha.addFault({
    match: { route: "sendText" },
    times: 1,
    action: { type: "delay", ms: 60_000 },
  });
  sender.give(first, pass.clock.now());
  await world.waha.received("sendText", 1);
  await failCommands(world, { times: 1 }, holdingUpdates(500));
  answer();
  await emptied.promise;
  sender.give(second, pass.clock.now());
  await sender.finished();
  expect(world.waha.ledger).toHaveLength(2);
  expect(await world.find(second[0]?._id)).toMatchObject({ isSent: true });
});

test("a session waits its gap out only as long as there is time to send after it", async () => {
  const world = await createWorld({}, { SEND_GAP_MS: "20000", PASS_SECONDS: "20", TAIL_SECONDS: "5" });
  const pass = await openPass(world);
  const messages = await claimNew(world, pass, {}, {});
  const sender = openSender(pass);
  sender.give(messages, pass.clock.now());
  await sender.finished();
  expect(sender.stopped).toEqual({ code: "out_of_time" });
  expect(world.waha.ledger).toHaveLength(1);
  expect(pass.clock.until(addSeconds(pass.clock.startedAt, 5))).toBeGreaterThan(0);
});

test("what is claimed later and was due earlier goes out before what is still queued", async () => {
  const world = await createWorld({ sessions: [{ name: "default", latencyMs: 100 }] });
  const pass = await openPass(world);
  const due = (content: string, seconds: number) => ({ content, scheduledAt: ago(seconds) });
  const queued = await claimNew(world, pass, due("first", 30), due("second", 20), due("last", 10));
  const late = await claimNew(world, pass, due("late", 25), due("later", 15));
  const sender = openSender(pass);
  sender.give(queued, pass.clock.now());
  sender.give(late, pass.clock.now());
  await sender.finished();
  const texts = world.waha.ledger.map(({ text }) => text);
  expect(texts).toEqual(["first", "late", "second", "later", "last"]);
});
