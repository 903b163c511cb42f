import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Document } from "mongodb";
import { describe, expect, onTestFinished, test } from "vitest";
import { MAPPINGS, type MappingName } from "../../lib/documents/mapping.ts";
import type { Delivery } from "../../lib/messages/message.ts";
import { run as startProgram } from "../../test/support/program.ts";
import { sampleCampaigns } from "../host/sample/campaigns.ts";
import type { Expected, SampleCampaign, SampleMessage, Stored } from "../host/sample/sample.ts";
import type { LedgerEntry } from "../waha-simulator/ledger.ts";
import { findDifferences, type Seen } from "./check.ts";
import { demoTiming } from "./play.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const APPS = Object.keys(MAPPINGS) as MappingName[];

/** Runs it with the address of another database in its environment. */
function runDemo(...args: string[]) {
  const env = { ...process.env, FORCE_COLOR: undefined, DATABASE_URL: "mongodb://not-to-be-used/else" };
  return run(process.execPath, ["dev/demo/main.ts", ...args], { cwd: ROOT, env });
}

test.each(APPS)(
  "the demo with documents of %s ends well and says so, in plain text where there is no terminal",
  async (app) => {
    const { stdout, stderr } = await runDemo("--documents", app);

    expect(stderr).toBe("");
    expect(stdout).toMatch(/^54 messages accepted by WAHA, each exactly once; ledger and database agree\.$/m);
    expect(stdout).toMatch(/^This demo sends made-up WhatsApp messages/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    expect(stdout).not.toContain('{"level"');
  },
);

test("documents of an app that it does not know are one line that names those it knows", async () => {
  const { code, stderr, stdout } = await runDemo("--documents", "prisma").catch((error) => error);

  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^.*"prisma".* plain .*whatsapp-waha-dashboard\n$/);
});

describe.each(APPS)("the demo's check of documents of %s", (app) => {
  test("finds nothing where all is as it should be", () => {
    const { campaigns, seen } = perfectWorld(app);

    expect(findDifferences(campaigns, seen)).toEqual([]);
    expect(seen.ledger).toHaveLength(54);
  });

  test.for<{ tampering: string; tamper: (world: World) => void; finds: RegExp }>([
    {
      tampering: "a message that WAHA accepted twice",
      tamper: ({ seen }) => seen.ledger.push({ ...entryAt(seen, -1) }),
      finds: /WAHA accepted it 2 times instead of 1/,
    },
    {
      tampering: "a message that WAHA never accepted, though the database says so",
      tamper: ({ seen }) => seen.ledger.pop(),
      finds: /WAHA accepted it 0 times instead of 1/,
    },
    {
      tampering: "a message that is gone from the database",
      tamper: ({ seen }) => seen.messages.pop(),
      finds: /no longer in the database/,
    },
    {
      tampering: "a message that is not marked as sent",
      tamper: ({ seen }) => Object.assign(messageAt(seen, 0), { isSent: false }),
      finds: /the database says "not sent, sent" instead of "sent"/,
    },
    {
      tampering: "a message that ended for another reason",
      tamper: ({ seen }) => {
        const failed = seen.messages.find(({ delivery }) => delivery?.state === "failed");
        Object.assign(failed?.delivery?.error ?? {}, { code: "waha_error" });
      },
      finds: /"not sent, failed, waha_error" instead of "not sent, failed, invalid_message"/,
    },
    {
      tampering: "a deleted message that was sent",
      tamper: ({ campaigns, seen }) => {
        const deleted = campaigns.flatMap(({ messages }) => messages).find(({ isDeleted }) => isDeleted);
        const { chatId = "", content: text = "" } = deleted ?? {};
        seen.ledger.push({ ...entryAt(seen, -1), session: "doctor", chatId, text });
      },
      finds: /WAHA accepted it 1 time instead of 0/,
    },
    {
      tampering: "a text that is not in the sample",
      tamper: ({ seen }) => Object.assign(entryAt(seen, 3), { text: "something else" }),
      finds: /was not to be sent like that/,
    },
    {
      tampering: "a picture that went out as a text",
      tamper: ({ seen }) => {
        const { url, ...text } = seen.ledger.find(({ kind }) => kind === "image") ?? entryAt(seen, 0);
        seen.ledger.splice(text.seq - 1, 1, { ...text, kind: "text" });
      },
      finds: /it went out as text instead of image https:/,
    },
    {
      tampering: "another file than the message's",
      tamper: ({ seen }) => {
        const video = seen.ledger.find(({ kind }) => kind === "video");
        Object.assign(video ?? {}, { url: "https://files.example.com/other.mp4" });
      },
      finds: /it went out as video \S+other.mp4 instead of video /,
    },
    {
      tampering: "a message that went out on another session",
      tamper: ({ seen }) => Object.assign(entryAt(seen, -1), { session: "depot" }),
      finds: /it went out on depot instead of/,
    },
    {
      tampering: "another id than WAHA's",
      tamper: ({ seen }) => Object.assign(entryAt(seen, 0), { id: "another" }),
      finds: /by different ids/,
    },
    {
      tampering: "a message that arrived, by what WAHA told, and does not say so",
      tamper: ({ seen }) => Object.assign(messageAt(seen, 0).delivery, { receipt: "server" }),
      finds: /its receipt is server instead of delivered/,
    },
    {
      tampering: "two sends of one session at once",
      tamper: ({ seen }) => Object.assign(entryAt(seen, 5), { concurrent: 2 }),
      finds: /while another was under way/,
    },
    {
      tampering: "messages that overtook each other",
      tamper: ({ seen }) => seen.ledger.reverse(),
      finds: /shop: its messages did not go out in the order/,
    },
    {
      tampering: "a campaign that is not settled",
      tamper: ({ campaigns, seen }) => {
        const id = campaigns[2]?.campaigns[0]?.document._id;
        Object.assign(seen.campaigns.find(({ _id }) => _id === id) ?? {}, { status: "sending" });
      },
      finds: /Training: its status is sending instead of completed/i,
    },
  ])("reports $tampering", ({ tamper, finds }) => {
    const world = perfectWorld(app);
    tamper(world);

    expect(findDifferences(world.campaigns, world.seen).join("\n")).toMatch(finds);
  });
});

test.for<{ tampering: string; tamper: (world: World) => void; finds: RegExp }>([
  {
    tampering: "a failed message that its app takes for one that is well",
    tamper: ({ seen }) => Object.assign(failedMessage(seen), { isFailed: false }),
    finds: /message to \+44 7700 900 142: isFailed is false$/,
  },
  {
    tampering: "a failed message without a reason for its app",
    tamper: ({ seen }) => Object.assign(failedMessage(seen), { failedReason: null }),
    finds: /failedReason is null$/,
  },
  {
    tampering: "a sent message that still has a reason",
    tamper: ({ seen }) => Object.assign(messageAt(seen, 0), { failedReason: "waha_error: in words" }),
    finds: /failedReason is "waha_error: in words"$/,
  },
  {
    tampering: "a completed campaign that its app takes for one that goes on",
    tamper: ({ seen }) => Object.assign(seen.campaigns[0] ?? {}, { isCompleted: false }),
    finds: /^Spring sale: its status is COMPLETED, and isCompleted is false$/,
  },
])("the demo's check reports $tampering", ({ tamper, finds }) => {
  const world = perfectWorld("whatsapp-waha-dashboard");
  tamper(world);

  expect(findDifferences(world.campaigns, world.seen).join("\n")).toMatch(finds);
});

interface World {
  campaigns: SampleCampaign[];
  seen: Seen & { ledger: LedgerEntry[] };
}

/** The sample, and what is there when everything went as it must. */
function perfectWorld(app: MappingName): World {
  const names = MAPPINGS[app];
  const campaigns = sampleCampaigns(demoTiming(new Date()), app);
  const planned = campaigns.flatMap(({ messages }) => messages);
  const inOrder = planned.toSorted((a, b) => a.scheduledAt.getTime() - b.scheduledAt.getTime());
  const messages = planned.map((message) => ended(message, MAPPINGS[app].messages));
  const [first] = messages;
  if (first?.delivery) first.delivery.receipt = "delivered";
  return {
    campaigns,
    seen: {
      names,
      messages,
      campaigns: campaigns.flatMap((campaign) =>
        campaign.campaigns.map(({ document, endStatus }) => {
          const { completed, completedWord, status } = names.campaigns;
          const isCompleted = endStatus === completedWord;
          return { ...document, [status]: endStatus, ...(completed && { [completed]: isCompleted }) };
        }),
      ),
      ledger: inOrder.filter(({ expected }) => expected.end === "sent").map(accepted),
      events: [
        {
          event: "message.ack",
          session: "shop",
          engine: "NOWEB",
          id: String(first?.delivery?.waMessageId),
          ack: 2,
        },
      ],
    },
  };
}

function ended(
  { chatId, document, expected }: SampleMessage,
  { failed, failedReason }: (typeof MAPPINGS)[MappingName]["messages"],
): Stored {
  const isSent = expected.end === "sent";
  const shown = (code: string) => ({
    ...(failed && { [failed]: true }),
    ...(failedReason && { [failedReason]: `${code}: in words` }),
  });
  return {
    ...document,
    ...(isSent ? { isSent, sentAt: new Date() } : {}),
    ...(expected.end === "untouched" ? {} : { delivery: deliveryOf(expected, idOf(chatId)) }),
    ...("code" in expected ? shown(expected.code) : {}),
  };
}

function deliveryOf(expected: Exclude<Expected, { end: "untouched" }>, waMessageId: string): Delivery {
  const always = { passId: "a-pass", claimedAt: new Date(), attempts: 1 };
  if (expected.end === "sent") return { ...always, state: "sent", waMessageId };
  const error = { code: expected.code, message: "in words", at: new Date() };
  return { ...always, state: expected.end, error };
}

function accepted({ chatId, content, expected, media }: SampleMessage, index: number): LedgerEntry {
  if (expected.end !== "sent") throw new Error("it is not to be sent");
  const [receivedAt, acceptedAt] = [new Date(), new Date()];
  const always = { receivedAt, acceptedAt, concurrent: 1, ack: 1, forgotten: false };
  const { session, chatId: arrivesAt } = expected;
  const posted = { text: content, kind: "text" as const, ...media };
  return { ...always, ...posted, seq: index + 1, session, chatId: arrivesAt, id: idOf(chatId) };
}

function idOf(chatId: string): string {
  return `id-of-${chatId}`;
}

function entryAt({ ledger }: Seen, index: number): LedgerEntry {
  const entry = ledger.at(index);
  if (!entry) throw new Error(`the ledger has no entry ${index}`);
  return entry;
}

function failedMessage({ messages }: Seen): Document {
  const message = messages.find(({ delivery }) => delivery?.state === "failed");
  if (!message) throw new Error("no message failed");
  return message;
}

function messageAt({ messages }: Seen, index: number): Stored {
  const message = messages.at(index);
  if (!message) throw new Error(`there is no message ${index}`);
  return message;
}

test("Ctrl-C leaves nothing of its database behind", async () => {
  const TMPDIR = await mkdtemp(join(tmpdir(), "demo-test-"));
  onTestFinished(() => rm(TMPDIR, { recursive: true, force: true }));
  const demo = await startProgram([process.execPath, "dev/demo/main.ts"], { env: { TMPDIR } });
  await demo.says(/WAHA simulator/);
  const left = async () => (await readdir(TMPDIR)).filter((name) => name.startsWith("mongo-mem-"));
  expect(await left()).toHaveLength(1);
  demo.interrupt();
  await demo.exited;
  expect(await left()).toEqual([]);
});
