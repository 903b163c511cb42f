import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Document, ObjectId } from "mongodb";
import { Mongoose } from "mongoose";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../dev/docs/generate.ts";
import { ago, createWorld, type World } from "../support/world.ts";

/** What the page's Node example exports. */
interface AppExample {
  schedule(
    name: string,
    campaign: { session: string; chatIds: string[]; content: string; start: Date },
  ): Promise<ObjectId>;
  resultsSince(moment: Date): Promise<Document[]>;
  follow(
    handle: (message: Document, token: unknown) => void,
    signal: AbortSignal,
    token?: unknown,
  ): Promise<void>;
  cancel(id: ObjectId): Promise<boolean>;
  pause(campaignId: ObjectId): Promise<void>;
  resume(campaignId: ObjectId, delayMs: number): Promise<void>;
  close(): Promise<void>;
}

const CHATS = ["491701234567@c.us", "491701234568@c.us", "120363021234567890@g.us"];

/** Runs the page's own code on a world's database. */
async function openExample(world: World): Promise<AppExample> {
  const page = await readFile(join(ROOT, "docs/app-examples.md"), "utf8");
  const [, code] = /```js\n(\/\/ app\.mjs\n.*?)```/s.exec(page) ?? [];
  const folder = join(ROOT, "node_modules/.cache/app-example", world.db.databaseName);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "app.mjs"), code ?? "");
  process.env.DATABASE_URL = world.database.url;
  const example = (await import(pathToFileURL(join(folder, "app.mjs")).href)) as AppExample;
  onTestFinished(async () => {
    await example.close();
    await rm(folder, { recursive: true });
  });
  return example;
}

const campaign = () => ({ session: "default", chatIds: CHATS, content: "Hello", start: ago(40) });

test("the Node example schedules, and learns of results by polling and by a change stream", async () => {
  const world = await createWorld();
  const app = await openExample(world);
  const began = new Date();
  const campaignId = await app.schedule("Spring sale", campaign());
  const before = world.messages.watch();
  await before.tryNext();
  const token = before.resumeToken;
  await before.close();
  expect(await world.pass()).toMatchObject({ ok: true, sent: 3, campaignsCompleted: 1 });
  const polled = await app.resultsSince(began);
  expect(polled.map(({ delivery }) => delivery.state)).toEqual(["sent", "sent", "sent"]);
  const seen: string[] = [];
  const enough = new AbortController();
  await app.follow(
    ({ _id, delivery }) => {
      seen.push(`${_id} ${delivery.state}`);
      if (new Set(seen).size === 3) enough.abort();
    },
    enough.signal,
    token,
  );
  expect(new Set(seen)).toEqual(new Set(polled.map(({ _id }) => `${_id} sent`)));
  expect(await world.campaigns.findOne({ _id: campaignId })).toMatchObject({ status: "completed" });
});

test("the Node example cancels what is not sent, and says where it came too late", async () => {
  const world = await createWorld();
  const app = await openExample(world);
  await app.schedule("Spring sale", campaign());
  const [first, second] = await world.messages.find({}).sort({ scheduledAt: 1 }).toArray();
  expect(await app.cancel(second?._id as ObjectId)).toBe(true);
  expect(await world.pass()).toMatchObject({ ok: true, sent: 2 });
  expect(await app.cancel(first?._id as ObjectId)).toBe(false);
  expect(await world.find(second?._id)).toMatchObject({ isSent: false });
});

test("the Node example pauses a campaign, and resumes it with what was not sent", async () => {
  const world = await createWorld();
  const app = await openExample(world);
  const campaignId = await app.schedule("Spring sale", campaign());
  await app.pause(campaignId);
  expect(await world.pass()).toMatchObject({ ok: true, sent: 0 });
  const [before] = await world.messages.find({}).sort({ scheduledAt: 1 }).toArray();
  await app.resume(campaignId, 5_000);
  expect((await world.find(before?._id)).scheduledAt.getTime() - before?.scheduledAt.getTime()).toBe(5_000);
  expect(await world.pass()).toMatchObject({ ok: true, sent: 3, campaignsCompleted: 1 });
});

/** The page's code for Mongoose as a function of what it takes for granted; it gives what it made of that. */
async function readMongooseExample() {
  const page = await readFile(join(ROOT, "docs/app-examples.md"), "utf8");
  const [, code = ""] = /## Mongoose\n\n```js\n(.*?)```/s.exec(page) ?? [];
  const given = ["mongoose", "chatIds", "content", "start", "id", "handle"];
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (
    ...values: unknown[]
  ) => Promise<{ campaign: Document; isTooLate: boolean; stream: { close(): Promise<void> } }>;
  return new AsyncFunction(...given, `${code}; return { campaign, isTooLate, stream };`);
}

test("the Mongoose example schedules, cancels, follows, pauses and resumes", async () => {
  const world = await createWorld();
  const example = await readMongooseExample();
  const instance = new Mongoose();
  await instance.connect(world.database.url);
  const [id] = await world.insert({ content: "not to be sent" });
  const ended: Document[] = [];
  const handle = (message: Document) => ended.push(message);
  const made = await example(instance, CHATS, "Hello", ago(40), id, handle);
  onTestFinished(async () => {
    await made.stream.close();
    await instance.disconnect();
  });
  expect(made.isTooLate).toBe(false);
  expect(await world.campaigns.findOne({ _id: made.campaign._id })).toMatchObject({ status: "scheduled" });
  // A pass as soon as the stream is there may be one too soon, so messages go on being scheduled until one is seen.
  expect(await world.pass()).toMatchObject({ ok: true, sent: 3, campaignsCompleted: 1 });
  await expect
    .poll(async () => {
      await world.insert({});
      await world.pass();
      return ended.length;
    })
    .toBeGreaterThan(0);
  expect(ended[0]).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  expect(await world.find(id)).toMatchObject({ isSent: false, isDeleted: true });
});
