import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { histogramOf, quantileMs } from "../../lib/monitoring/history/lateness.ts";
import { addPass, minuteId, minuteOf } from "../../lib/monitoring/history/minutes.ts";
import { type History, readHistory } from "../../lib/monitoring/history/read.ts";
import { recordPass } from "../../lib/monitoring/record.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import { PassStats } from "../../lib/pass/stats.ts";
import { messageOf } from "../../lib/problems.ts";
import { explainStages, recordCommands } from "../support/commands.ts";
import { createWorld, type World } from "../support/world.ts";

const NOW = new Date("2027-03-01T12:00:30Z");
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);

const database = (world: World) => openDatabase(parseConfig(world.env));

/** What a pass that ended so many minutes ago records. */
async function record(world: World, minutes: number, counts: Partial<Summary>, latenessMs: number[] = []) {
  const endedAt = minutesAgo(minutes);
  const summary = { ...new PassStats().summary("pass", endedAt, 0), ...counts };
  const pass = { passId: randomUUID(), startedAt: endedAt, endedAt, summary };
  return recordPass(database(world), pass, histogramOf(latenessMs), { seenAt: endedAt, working: undefined });
}

const read = (world: World): Promise<History> => readHistory(database(world), NOW);

describe("the history", () => {
  test("adds passes up by the minute, the hour and the day, and forgets what is older than a day", async () => {
    const world = await createWorld();
    await record(world, 1441, { missed: 7 });
    await record(world, 600, { sent: 5 });
    await record(world, 30, { sent: 2, failed: 1 });
    await record(world, 30, { sent: 3, unknown: 1 });
    const { day, hour, minutes } = await read(world);
    expect(day).toMatchObject({ passes: 3, sent: 10, failed: 1, missed: 0, unknown: 1 });
    expect(hour).toMatchObject({ passes: 2, sent: 5, failed: 1, missed: 0, unknown: 1 });
    expect(minutes).toHaveLength(60);
    expect(minutes.filter(({ passes }) => passes > 0)).toMatchObject([
      { at: minuteOf(minutesAgo(30)), passes: 2, sent: 5, failed: 1, unknown: 1 },
    ]);
    expect(minutes.at(-1)?.at).toEqual(minuteOf(NOW));
  });

  test("gives a minute's place to the same minute of the next day, so the collection never grows", async () => {
    const world = await createWorld();
    await record(world, 1440, { sent: 9, errors: [{ code: "no_session", message: "", count: 1 }] }, [100]);
    await record(world, 0, { sent: 1 });
    expect(await world.scheduler.countDocuments({ _id: minuteId(NOW) as never })).toBe(1);
    const { day, problems } = await read(world);
    expect(day).toMatchObject({ passes: 1, sent: 1, latenessMs: { p50: null, p99: null } });
    expect(problems).toEqual([]);
  });

  test("tells how late messages were, over all passes", async () => {
    const world = await createWorld();
    await record(world, 100, { sent: 2 }, [60_000, 60_000]);
    await record(world, 2, { sent: 97 }, Array(97).fill(1_000));
    await record(world, 1, { sent: 3 }, Array(3).fill(20_000));
    const { day, hour } = await read(world);
    expect(hour.latenessMs.p50).toBeGreaterThan(700);
    expect(hour.latenessMs.p50).toBeLessThan(1_300);
    expect(hour.latenessMs.p99).toBeGreaterThan(14_000);
    expect(hour.latenessMs.p99).toBeLessThan(26_000);
    expect(day.latenessMs.p99).toBeGreaterThan(40_000);
  });

  test("names the problems of the day, the latest first, with how many passes met each", async () => {
    const world = await createWorld();
    const problem = (code: "waha_error" | "no_session", count: number) => ({
      errors: [{ code, message: messageOf(code), count }],
    });
    await record(world, 20, problem("no_session", 4));
    await record(world, 10, problem("waha_error", 1));
    await record(world, 5, problem("no_session", 2));
    await record(world, 5, problem("no_session", 3));
    const { problems } = await read(world);
    expect(problems).toMatchObject([
      {
        code: "no_session",
        passes: 3,
        count: 3,
        lastAt: minuteOf(minutesAgo(5)),
        message: messageOf("no_session"),
      },
      { code: "waha_error", passes: 1, count: 1, lastAt: minuteOf(minutesAgo(10)) },
    ]);
  });

  test("is read in one request that finds the minutes by their ids, also beside many leases", async () => {
    const world = await createWorld();
    await world.scheduler.insertMany(
      Array.from({ length: 2000 }, (_, n) => ({ _id: `session:s${n}` as never, passId: "x" })),
    );
    await record(world, 5, { sent: 1 });
    const commands = recordCommands(world);
    await read(world);
    const [query, ...others] = commands.filter(({ name }) => name === "aggregate");
    expect(others).toEqual([]);
    const stages = query ? await explainStages(world, query) : [];
    expect(stages).toContain("IXSCAN");
    expect(stages).not.toContain("COLLSCAN");
  });

  test("is empty before the first pass", async () => {
    const { day, hour, minutes, problems } = await read(await createWorld());
    const nothing = {
      passes: 0,
      sent: 0,
      failed: 0,
      missed: 0,
      unknown: 0,
      latenessMs: { p50: null, p99: null },
    };
    expect([day, hour]).toEqual([nothing, nothing]);
    expect(minutes).toHaveLength(60);
    expect(problems).toEqual([]);
  });
});

test("a pass of the function is in the history, with its lateness", async () => {
  const world = await createWorld();
  await world.insert({}, {}, { chatId: "bad" });
  await world.pass();
  const { hour, problems } = await readHistory(database(world), new Date(Date.now() + 1000));
  expect(hour).toMatchObject({ passes: 1, sent: 2, failed: 1 });
  expect(hour.latenessMs.p50).toBeGreaterThan(7_000);
  expect(hour.latenessMs.p50).toBeLessThan(20_000);
  expect(problems).toMatchObject([{ code: "invalid_message" }]);
});

describe("recording a pass asks for a look at the alerts", () => {
  test("not after the first pass, and not after one that follows in time", async () => {
    const world = await createWorld();
    expect(await record(world, 10, {})).toBe(false);
    expect(await record(world, 7, {})).toBe(false);
  });

  test("after a gap of over three minutes, once, and notes it", async () => {
    const world = await createWorld();
    await record(world, 10, {});
    expect(await record(world, 5, {})).toBe(true);
    expect(await record(world, 5, {})).toBe(false);
    expect(await record(world, 4, {})).toBe(false);
    expect(await world.scheduler.findOne({ _id: "last-pass" as never })).toMatchObject({
      endedAt: minutesAgo(4),
      gap: { from: minutesAgo(10), to: minutesAgo(5), passId: expect.any(String) },
    });
  });

  test("when it counted messages that people are to be told of, until they are announced", async () => {
    const world = await createWorld();
    expect(await record(world, 3, { sent: 1 })).toBe(false);
    expect(await record(world, 2, { failed: 1 })).toBe(true);
    expect(await record(world, 1, {})).toBe(true);
    await world.scheduler.updateOne({ _id: "alerts" as never }, { $unset: { unannounced: "" } });
    expect(await record(world, 0, {})).toBe(false);
  });

  test("as long as one stands", async () => {
    const world = await createWorld();
    await world.scheduler.insertOne({ _id: "alerts" as never, entries: [], working: [] });
    expect(await record(world, 2, {})).toBe(false);
    await world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { entries: [{ kind: "waha" }] } });
    expect(await record(world, 1, {})).toBe(true);
  });
});

describe("a quantile of lateness", () => {
  test.each([60, 3_000, 500_000, 5_000_000])("of one message that was %i ms late is near it", (late) => {
    const found = quantileMs(histogramOf([late]), 0.5) ?? Number.NaN;
    expect(found).toBeGreaterThanOrEqual(Math.min(late, 1_200_000) / 1.5);
    expect(found).toBeLessThanOrEqual(late * 1.5);
  });

  test("of messages that were on time is next to nothing", () => {
    expect(quantileMs(histogramOf([0, 1, 2]), 0.99)).toBeLessThanOrEqual(50);
  });

  test("of no message is none", () => {
    expect(quantileMs({}, 0.99)).toBeNull();
  });
});

test("the minutes of a day have ids of their own, all within the search for them", () => {
  const ids = Array.from({ length: 1440 }, (_, n) => minuteId(minutesAgo(n)));
  expect(new Set(ids).size).toBe(1440);
  const { updateOne } = addPass(NOW, new PassStats().summary("p", NOW, 0), {}) as {
    updateOne: { filter: object };
  };
  expect(updateOne.filter).toEqual({ _id: "minute:0720" });
});

test("no quantile is later than the latest message", async () => {
  const world = await createWorld();
  const latenessMs = [100, 123_500, 120_000];
  await record(world, 3, { sent: 3, latenessMs: { p50: 120_000, max: 123_500 } }, latenessMs);
  await record(world, 3, { sent: 1, latenessMs: { p50: 50, max: 50 } }, [50]);
  await record(world, 2, { sent: 0, latenessMs: { p50: null, max: null } });
  const { day, hour, minutes } = await read(world);
  for (const each of [day, hour, minutes.at(-4)]) expect(each?.latenessMs.p99).toBeLessThanOrEqual(123_500);
  expect(day.latenessMs.p99).toBeGreaterThan(110_000);
  expect(quantileMs(histogramOf([123_500]), 0.99)).toBeGreaterThan(123_500);
});
