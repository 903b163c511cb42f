import { expect, test } from "vitest";
import { createAlertedWorld } from "../../support/alerted-world.ts";
import { readPage, readStatus } from "../../support/status.ts";
import { ago } from "../../support/world.ts";

const sessionOf = (name: string) => ({ _id: `session:${name}` as never });

test("a session that is sick is told of once, with the way out, and is over once a message of it is accepted", async () => {
  const world = await createAlertedWorld({ engine: "GOWS" });
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "gowsRefusal", code: 400 } });
  await world.insert({}, {}, {}, {});
  for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
  expect(world.told()).toEqual(["suspended standing"]);
  const [raised] = world.alerts();
  expect(raised?.alerts).toMatchObject([{ about: "default", code: "session_sick" }]);
  expect(raised?.text).toContain("Restart the session");
  // It has rested, and nothing shows yet that it works again.
  await world.scheduler.updateOne(sessionOf("default"), { $set: { suspendedUntil: ago(1) } });
  await world.messages.deleteMany({});
  await world.callAndTell();
  expect(world.told()).toEqual(["suspended standing"]);
  world.waha.clearFaults();
  await world.insert({});
  await world.callAndTell();
  expect(world.told()).toEqual(["suspended standing", "suspended over"]);
});

test("a session that is throttled is over with its rest", async () => {
  const world = await createAlertedWorld({ engine: "GOWS" });
  const action = { type: "gowsRefusal", code: 429 } as const;
  world.waha.addFault({ match: { route: "sendText" }, action, times: 1 });
  await world.insert({});
  await world.callAndTell();
  await world.messages.deleteMany({});
  await world.callAndTell();
  expect(world.told()).toEqual(["suspended standing"]);
  await world.scheduler.updateOne(sessionOf("default"), { $set: { suspendedUntil: ago(1) } });
  await world.callAndTell();
  expect(world.told()).toEqual(["suspended standing", "suspended over"]);
});

test("an account that WhatsApp restricts is told of when its messages wait, and is over when WAHA says so", async () => {
  const restrictedUntil = ago(-900);
  const sessions = [{ name: "default", restrictedUntil }];
  const world = await createAlertedWorld({ engine: "GOWS", version: "2026.7.2", sessions });
  await world.insert({});
  await world.callAndTell();
  expect(world.alerts()[0]?.alerts).toMatchObject([{ about: "default", code: "account_restricted" }]);
  const until = restrictedUntil.toISOString().slice(0, 16).replace("T", " ");
  expect(world.alerts()[0]?.text).toContain(until);
  world.waha.addSession({ name: "default" });
  await world.callAndTell();
  expect(world.told()).toEqual(["suspended standing", "suspended over"]);
});

test("the status shows which sessions rest, why and until when", async () => {
  const sessions = [{ name: "default" }, { name: "other", restrictedUntil: null }];
  const world = await createAlertedWorld({ engine: "GOWS", version: "2026.7.2", sessions });
  expect((await readStatus(world)).suspended).toMatchObject([{ session: "other", until: null }]);
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "gowsRefusal", code: 420 } });
  await world.insert({});
  await world.callAndTell();
  expect((await readStatus(world)).suspended).toEqual([
    {
      session: "default",
      code: "session_throttled",
      until: expect.any(String),
      message: expect.stringContaining("(default, until"),
    },
    {
      session: "other",
      code: "account_restricted",
      until: null,
      message: expect.stringContaining("(other)"),
    },
  ]);
  const page = await readPage(world);
  expect(page).toContain("default rests:");
  expect(page).toContain("other rests:");
});
