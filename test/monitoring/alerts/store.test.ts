import { Collection } from "mongodb";
import { describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../lib/config.ts";
import { type Database, openDatabase } from "../../../lib/mongo/client.ts";
import type { AlertsDocument } from "../../../lib/monitoring/alerts/alert.ts";
import { changeAlerts, readAlerts } from "../../../lib/monitoring/alerts/store.ts";
import { recordPass } from "../../../lib/monitoring/record.ts";
import type { Summary } from "../../../lib/monitoring/report.ts";
import { PassStats } from "../../../lib/pass/stats.ts";
import { createAlertedWorld } from "../../support/alerted-world.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

const database = (world: World) => openDatabase(parseConfig(world.env));

const stored = (world: World) => world.scheduler.findOne({ _id: "alerts" as never });

/** Records a pass that counted something, as it ends. */
function record(db: Database, counts: Partial<Summary> = {}, seenAt = new Date()): Promise<boolean> {
  const summary = { ...new PassStats().summary("p", seenAt, 0), ...counts };
  const pass = { passId: "p", startedAt: seenAt, endedAt: seenAt, summary };
  return recordPass(db, pass, {}, { seenAt, working: undefined });
}

/** Has something happen between a pass's reading of the alerts and each of its first writes. */
function meanwhile(db: Database, times: number, happens: () => Promise<unknown>): void {
  const replace = Collection.prototype.replaceOne.bind(db.scheduler);
  const spy = vi.spyOn(db.scheduler, "replaceOne");
  for (let time = 0; time < times; time += 1)
    spy.mockImplementationOnce(async (...given) => {
      await happens();
      return replace(...given);
    });
}

/** Adds a session to those that work. */
const adding = (name: string) => (before: AlertsDocument) => ({
  document: { ...before, working: [...before.working, name].sort() },
});

describe("a change of the alerts", () => {
  test("is written under the next revision, and needs no write if it changes nothing", async () => {
    const world = await createWorld();
    const db = database(world);
    await record(db);
    const { rev } = await readAlerts(db);
    await changeAlerts(db, adding("a"));
    expect(await stored(world)).toMatchObject({ working: ["a"], rev: (rev ?? 0) + 1 });
    await changeAlerts(db, (document) => ({ document }));
    expect(await stored(world)).toMatchObject({ rev: (rev ?? 0) + 1 });
  });

  test("is made anew where another pass was faster, so that both take effect", async () => {
    const world = await createWorld();
    const db = database(world);
    await record(db);
    meanwhile(db, 1, () => changeAlerts(database(world), adding("other")));
    const asked: string[][] = [];
    await changeAlerts(db, (before) => {
      asked.push(before.working);
      return adding("own")(before);
    });
    expect(asked).toEqual([[], ["other"]]);
    expect(await stored(world)).toMatchObject({ working: ["other", "own"] });
  });

  test("overwrites nothing of what a pass that ends meanwhile records", async () => {
    const world = await createWorld();
    const db = database(world);
    await record(db, {}, ago(60));
    const seenAt = ago(1);
    meanwhile(db, 1, () => record(database(world), { failed: 2 }, seenAt));
    await changeAlerts(db, adding("own"));
    expect(await stored(world)).toMatchObject({ working: ["own"], unannounced: { failed: 2 }, seenAt });
    // Also of one that counted nothing: when it looked at WAHA.
    const lately = new Date();
    meanwhile(db, 1, () => record(database(world), {}, lately));
    await changeAlerts(db, adding("more"));
    expect(await stored(world)).toMatchObject({ working: ["more", "own"], seenAt: lately });
  });

  test("is given up where others are faster each of twenty times, and nothing is written", async () => {
    const world = await createWorld();
    const db = database(world);
    await record(db);
    meanwhile(db, 19, () => record(database(world)));
    await changeAlerts(db, adding("late"));
    meanwhile(db, 20, () => record(database(world)));
    await expect(changeAlerts(db, adding("never"))).rejects.toThrow(
      "other passes changed the alerts first, 20 times",
    );
    expect(await stored(world)).toMatchObject({ working: ["late"] });
  });

  test("takes effect for each of a dozen passes that end at once", async () => {
    const world = await createWorld();
    const db = database(world);
    await record(db);
    const names = Array.from({ length: 12 }, (_, n) => `s${n}`).sort();
    await Promise.all(names.map((name) => changeAlerts(db, adding(name))));
    expect(await stored(world)).toMatchObject({ working: names });
  });
});

test("a pass whose alerts were not written for others' sake leaves what it counted to the next", async () => {
  const world = await createAlertedWorld();
  await world.insert({ chatId: "bad" });
  const lost = { acknowledged: true, matchedCount: 0, modifiedCount: 0, upsertedCount: 0, upsertedId: null };
  const spy = vi.spyOn(Collection.prototype, "replaceOne").mockResolvedValue(lost);
  await world.callAndTell();
  spy.mockRestore();
  expect(world.told()).toEqual([]);
  expect(await stored(world)).toMatchObject({ entries: [], unannounced: { failed: 1 } });
  for (let pass = 0; pass < 2; pass += 1) await world.callAndTell();
  expect(world.told()).toEqual(["failed standing"]);
});

describe("the document of an older version", () => {
  /** As it was before there was a revision, with fields whose names have changed. */
  const old = {
    _id: "alerts" as never,
    entries: [
      {
        kind: "waha",
        about: "",
        code: "waha_unreachable",
        message: "WAHA can't be reached",
        since: ago(600),
        lastAt: ago(60),
        state: "standing",
        told: "standing",
        tellingUntil: null,
      },
    ],
    working: ["default"],
    untold: { failed: 1 },
  };

  test("is read with what it lacks as empty", async () => {
    const world = await createWorld();
    await world.scheduler.insertOne(old);
    expect(await readAlerts(database(world))).toMatchObject({
      rev: null,
      entries: [{ kind: "waha", told: "standing", claimedUntil: null }],
      working: ["default"],
      seenAt: null,
      unannounced: {},
      gapsUntil: null,
    });
  });

  test("is changed under the same guard, and loses the fields that are unknown", async () => {
    const world = await createWorld();
    await world.scheduler.insertOne(old);
    const db = database(world);
    meanwhile(db, 1, () => record(database(world), { missed: 1 }));
    await changeAlerts(db, adding("new"));
    expect(await stored(world)).toMatchObject({
      rev: 2,
      working: ["default", "new"],
      unannounced: { missed: 1 },
    });
    expect(await stored(world)).not.toHaveProperty("untold");
  });

  test("needs no pass of its own: what stands is over, and told once, as ever", async () => {
    const world = await createAlertedWorld();
    await world.scheduler.deleteOne({ _id: "alerts" as never });
    await world.scheduler.insertOne(old);
    for (let pass = 0; pass < 2; pass += 1) expect(await world.callAndTell()).toBe(200);
    expect(world.told()).toEqual(["waha over"]);
    expect(await stored(world)).toMatchObject({ entries: [], working: ["default"] });
  });
});

describe("where there is no document", () => {
  test("nothing is remembered, and a change makes one", async () => {
    const world = await createWorld();
    const db = database(world);
    const nothing = { rev: null, entries: [], working: [], seenAt: null, unannounced: {}, gapsUntil: null };
    expect(await readAlerts(db)).toEqual(nothing);
    await changeAlerts(db, adding("a"));
    expect(await stored(world)).toMatchObject({ rev: 1, working: ["a"] });
  });

  test("and another pass makes one meanwhile, both take effect", async () => {
    const world = await createWorld();
    const db = database(world);
    meanwhile(db, 1, () => record(database(world), { failed: 1 }));
    await changeAlerts(db, adding("a"));
    expect(await stored(world)).toMatchObject({ rev: 2, working: ["a"], unannounced: { failed: 1 } });
  });
});
