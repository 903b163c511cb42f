import { randomUUID } from "node:crypto";
import { type Collection, type Document, MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type RunningMongod, startMongod } from "../../dev/mongod/start.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import { ago, createWorld, makePast, message, type World } from "../support/world.ts";

let mongod: RunningMongod;
let client: MongoClient;
beforeAll(async () => {
  mongod = await startMongod({ nodes: 3 });
  client = await new MongoClient(mongod.url("admin"), {
    writeConcern: { w: "majority" },
    readConcern: { level: "majority" },
  }).connect();
});
afterAll(async () => {
  await client.close();
  await mongod.stop();
});

const SESSIONS = Array.from({ length: 6 }, (_, place) => `s${place}`);

/** A world whose database is the replica set of three, with time for a pass to wait an election out. */
interface Scene {
  world: World;
  messages: Collection;
  campaigns: Collection;
  /** Writes so many messages, spread over the sessions and a campaign of each, due in their order; gives their texts. */
  write(count: number): Promise<string[]>;
}

async function openScene(): Promise<Scene> {
  const sessions = SESSIONS.map((name) => ({ name, latencyMs: 15 }));
  // With fewer places than sessions claims are made all the time, and not at the beginning alone.
  const settings = { PASS_SECONDS: "20", TAIL_SECONDS: "8", SESSION_CONCURRENCY: "3" };
  const world = await createWorld({ sessions }, settings);
  const name = `failover-${randomUUID()}`;
  world.env.DATABASE_URL = mongod.url(name);
  const db = client.db(name);
  onTestFinished(async () => {
    await db.dropDatabase();
  });
  const [messages, campaigns] = [db.collection("messages"), db.collection("campaigns")];
  await campaigns.insertMany(SESSIONS.map((sessionId) => ({ _id: sessionId as never, sessionId })));
  const write = async (count: number) => {
    const start = ago(30).getTime();
    const documents = Array.from({ length: count }, (_, place) =>
      message({ campaignId: SESSIONS[place % SESSIONS.length], scheduledAt: new Date(start + place) }),
    );
    await messages.insertMany(documents);
    return documents.map(({ content }) => content);
  };
  return { world, messages, campaigns, write };
}

const primary = async () => (await client.db("admin").command({ hello: 1 })) as Document;

/** Makes the primary step down; resolves when another node has taken over. */
async function stepDown(): Promise<void> {
  const { me: before } = await primary();
  // It waits for a secondary to catch up, which then takes over at once, and not for a time-out.
  await client.db("admin").command({ replSetStepDown: 4, secondaryCatchUpPeriodSecs: 3 });
  await expect
    .poll(primary, { interval: 20 })
    .toSatisfy(({ me, isWritablePrimary }: Document) => isWritablePrimary && me !== before);
}

/** That a call did its work, or told that the database was away. */
async function expectClearAnswer(response: Response): Promise<void> {
  const { errors } = (await response.json()) as Summary;
  expect([200, 503]).toContain(response.status);
  if (response.status === 503) expect(errors.map(({ code }) => code)).toContain("database_unreachable");
}

/** Lets as much time pass as claims, leases and lookups last, and runs passes until one leaves nothing. */
async function finish({ world, messages }: Scene): Promise<void> {
  await makePast(messages.db);
  for (let more = true; more; ) ({ more } = await world.pass());
}

/** That each was accepted once, in its session's order, and the database says so, of the campaigns too. */
async function expectAgreement({ world, messages, campaigns }: Scene, texts: string[]): Promise<void> {
  const { ledger } = world.waha;
  expect(ledger.map(({ text }) => text).sort()).toEqual(texts.toSorted());
  for (const session of SESSIONS) {
    const accepted = ledger.filter((entry) => entry.session === session).map(({ text }) => text);
    expect(accepted).toEqual(texts.filter((text) => accepted.includes(text)));
  }
  const ids = new Map(ledger.map(({ text, id }) => [text, id]));
  for (const { content, isSent, delivery } of await messages.find().toArray()) {
    const { state, waMessageId } = delivery;
    expect({ content, isSent, state, waMessageId }).toEqual({
      content,
      isSent: true,
      state: "sent",
      waMessageId: ids.get(content),
    });
  }
  expect(await campaigns.distinct("status")).toEqual(["completed"]);
}

test("the primary steps down while a pass sends: nothing is lost, and nothing goes out twice", async () => {
  const scene = await openScene();
  const texts = await scene.write(150);
  const passing = scene.world.call();
  await scene.world.waha.accepted(40);
  await stepDown();
  // The new primary is there while the pass still has something to send.
  expect(scene.world.waha.ledger.length).toBeLessThan(150);
  await expectClearAnswer(await passing);
  await finish(scene);
  await expectAgreement(scene, texts);
});

test("the primary steps down as a pass begins: nothing is lost, and nothing goes out twice", async () => {
  const scene = await openScene();
  const texts = await scene.write(60);
  const passing = scene.world.call();
  await scene.world.waha.received("sessions", 1);
  await stepDown();
  await expectClearAnswer(await passing);
  await finish(scene);
  await expectAgreement(scene, texts);
});

test("the primary steps down between two passes of a warm instance: the second finds the new one and sends", async () => {
  const scene = await openScene();
  const before = await scene.write(12);
  expect(await scene.world.pass()).toMatchObject({ ok: true, sent: 12 });
  await stepDown();
  const after = await scene.write(12);
  expect(await scene.world.pass()).toMatchObject({ ok: true, sent: 12, more: false });
  await expectAgreement(scene, [...before, ...after]);
});
