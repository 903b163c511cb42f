import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../test/support/database.ts";
import { ENTRIES, type Entry, sourceOf } from "./contenders/catalog.ts";
import { Contender } from "./contenders/contender.ts";
import { RequestCounter } from "./lab/counter.ts";
import { countRounds } from "./lab/rounds.ts";
import { startWaha } from "./lab/waha.ts";
import { measure } from "./measure.ts";
import { tableOf } from "./scenarios/contest-figures.ts";
import { median, percentile } from "./statistics.ts";
import { judgeExactness, makeWork } from "./work.ts";

const SENDERS = ENTRIES.filter(({ program }) => program !== "ours");

async function contenderOf({ name, program, args }: Entry) {
  const { url, client, db } = testDatabase();
  const waha = await startWaha({ sessions: [{ name: "load-0" }, { name: "load-1" }] });
  const env = { DATABASE_URL: url, WAHA_API_URL: waha.url };
  const contender = new Contender(name, sourceOf(program), env, args);
  onTestFinished(async () => {
    await contender.end();
    await waha.stop();
  });
  return { contender, client, database: db.databaseName, waha };
}

/**
 * The greeting of a driver that comes or goes just then, as other tests' do, counts as begun and not as done, or the
 * other way round.
 */
function expectNear(requests: number, expected: number): void {
  expect(requests).toBeGreaterThanOrEqual(expected - 2);
  expect(requests).toBeLessThanOrEqual(expected + 2);
}

test.for(SENDERS)(
  "$name sends each message once, again and again, and what it asks for is counted",
  async (entry) => {
    const { contender, client, database, waha } = await contenderOf(entry);
    const lab = { client, counter: new RequestCounter(client) };
    for (let round = 0; round < 2; round += 1) {
      const work = makeWork({ messages: 7, sessions: 2 }, new Date());
      const run = await measure(lab, { database, waha, contenders: [contender], work });

      const asks = entry.args.includes("ids") ? 2 : 1;
      expect(run).toMatchObject({ messages: 7, lost: 0, doubled: 0, wahaRequests: 7 * asks });
      if (entry.program === "floor") expectNear(run.databaseRequests, 0);
      // One finds them; four are for each, and an index may be made.
      if (entry.program === "loop") expectNear(run.databaseRequests, 1 + 4 * 7);
      // Agenda locks each, writes that it runs and that it has ended, and looks for more.
      if (entry.program === "agenda") expect(run.databaseRequests).toBeGreaterThanOrEqual(3 * 7);
      expect(run.cpuSeconds).toBeGreaterThan(0);
      expect(run.databaseCpuSeconds).toBeGreaterThanOrEqual(0);
      expect(run.peakMemory).toBeGreaterThan(20 * 2 ** 20);
      expect(new Set(run.sent.map(({ session }) => session))).toEqual(new Set(["load-0", "load-1"]));
    }
  },
);

test.each([
  [1, "1,000 messages, all due at the start; one run"],
  [5, "1,000 messages, all due at the start; medians of 5 runs"],
])("a table of %i measurements says how many there were", (repeats, note) => {
  const contest = { messages: 1000, sessions: 20, latencyMs: 20, repeats, others: repeats };
  expect(tableOf("20 sessions", contest, new Map())).toMatchObject({ note });
});

test("a contender that fails says so, and one whose process ends fails", async () => {
  const [floor] = SENDERS;
  if (!floor) throw new Error("there is no floor");
  const { contender, waha } = await contenderOf(floor);
  const { texts } = makeWork({ messages: 1, sessions: 1 }, new Date());
  await contender.prepare(texts.map((text) => ({ ...text, session: "unknown" })));
  await expect(contender.run()).rejects.toThrow(/^floor: .*404/);

  const ended = contender.run();
  await contender.end();
  await expect(ended).rejects.toThrow("its process ended");
  expect((await waha.listen()).accepted).toEqual([]);
});

test("the server's work is counted without the counting, and without drivers' greetings", async () => {
  const { client, db } = testDatabase();
  const counter = new RequestCounter(client);
  const { insertedId: _id } = await db.collection("some").insertOne({ a: 1 });
  await counter.count();
  expectNear((await counter.count()).requests, 0);

  for (let time = 0; time < 5; time += 1) {
    await db.collection("some").find({ a: 1 }).toArray();
    await db.admin().command({ hello: 1 });
    await db.collection("some").findOne({ a: 1 });
    await db.collection("some").findOne({ _id });
  }
  const { requests, collectionScans } = await counter.count();
  expectNear(requests, 15);
  expect(collectionScans).toBe(10);
});

test.for([
  { spans: [], rounds: 0, what: "nothing" },
  { spans: [[0, 10]], rounds: 1, what: "one request" },
  {
    spans: [
      [0, 10],
      [2, 11],
      [1, 9],
    ],
    rounds: 1,
    what: "three side by side",
  },
  {
    spans: [
      [0, 10],
      [10, 20],
      [21, 30],
    ],
    rounds: 3,
    what: "three in a row",
  },
  {
    spans: [
      [0, 40],
      [1, 10],
      [11, 20],
    ],
    rounds: 2,
    what: "two in a row beside a long one",
  },
])("$what takes $rounds rounds", ({ spans, rounds }) => {
  expect(countRounds(spans.map(([from = 0, to = 0]) => ({ from, to })))).toBe(rounds);
});

test("a message is lost, or sent twice, or sent without an order", () => {
  const work = makeWork({ messages: 3, sessions: 2 }, new Date());
  const accepted = work.texts.map((text) => ({ ...text, acceptedAt: 0 }));
  const [first, second, third] = accepted as [
    (typeof accepted)[0],
    (typeof accepted)[0],
    (typeof accepted)[0],
  ];

  expect(judgeExactness(work, accepted)).toEqual({ lost: 0, doubled: 0 });
  expect(judgeExactness(work, [first, third])).toEqual({ lost: 1, doubled: 0 });
  expect(judgeExactness(work, [first, second, third, third])).toEqual({ lost: 0, doubled: 1 });
  expect(judgeExactness(work, [first, second, { ...third, session: "load-1" }])).toEqual({
    lost: 1,
    doubled: 1,
  });
});

test("a hot session has its share of the messages, and the others share the rest", () => {
  const { world } = makeWork({ messages: 100, sessions: 5, hotShare: 0.8 }, new Date());
  const counts = Map.groupBy(world.messages, ({ session }) => session);

  expect(world.sessions.map(({ name }) => counts.get(name)?.length)).toEqual([80, 5, 5, 5, 5]);
  for (const { session, document } of world.messages)
    expect(world.sessions.find(({ _id }) => _id === document.sessionId)?.name).toBe(session);
});

test("percentiles lie between the values next to them, and of nothing there are none", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([1, 2, 3, 4])).toBe(2.5);
  expect(percentile([10, 20], 99)).toBeCloseTo(19.9);
  expect(percentile([1, 2, 3], 100)).toBe(3);
  expect(median([])).toBeNaN();
});
