import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { Delivery, MessageDocument } from "../../lib/messages/message.ts";
import { sampleCampaigns } from "../host/sample/campaigns.ts";
import type { Expected, SampleCampaign, SampleMessage } from "../host/sample/sample.ts";
import type { LedgerEntry } from "../waha-simulator/ledger.ts";
import { findDifferences, type Seen } from "./check.ts";
import { demoTiming } from "./play.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("the demo ends well and says so, in plain text where there is no terminal", async () => {
  const env = { ...process.env, FORCE_COLOR: undefined, DATABASE_URL: "mongodb://not-to-be-used/else" };
  const { stdout, stderr } = await run(process.execPath, ["dev/demo/main.ts"], { cwd: ROOT, env });

  expect(stderr).toBe("");
  expect(stdout).toMatch(/^54 messages accepted by WAHA, each exactly once; ledger and database agree\.$/m);
  expect(stdout).toMatch(/^This demo sends made-up WhatsApp messages/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  expect(stdout).not.toContain('{"level"');
});

describe("the demo's check", () => {
  test("finds nothing where all is as it should be", () => {
    const { campaigns, seen } = perfectWorld();

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
      tamper: ({ seen }) => {
        const deleted = seen.messages.find(({ isDeleted }) => isDeleted);
        const { chatId, content: text } = deleted as { chatId: string; content: string };
        seen.ledger.push({ ...entryAt(seen, -1), session: "doctor", chatId, text });
      },
      finds: /WAHA accepted it 1 time instead of 0/,
    },
    {
      tampering: "a text that is in no document",
      tamper: ({ seen }) => Object.assign(entryAt(seen, 3), { text: "something else" }),
      finds: /was not to be sent like that/,
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
      tamper: ({ seen }) => Object.assign(seen.campaigns[2] ?? {}, { status: "sending" }),
      finds: /Training: its status is sending instead of completed/,
    },
  ])("reports $tampering", ({ tamper, finds }) => {
    const world = perfectWorld();
    tamper(world);

    expect(findDifferences(world.campaigns, world.seen).join("\n")).toMatch(finds);
  });
});

interface World {
  campaigns: SampleCampaign[];
  seen: Seen & { ledger: LedgerEntry[] };
}

/** The sample, and what is there when everything went as it must. */
function perfectWorld(): World {
  const campaigns = sampleCampaigns(demoTiming(new Date()));
  const planned = campaigns.flatMap(({ messages }) => messages);
  const inOrder = planned.toSorted((a, b) => a.document.scheduledAt - b.document.scheduledAt);
  return {
    campaigns,
    seen: {
      messages: planned.map(ended),
      campaigns: campaigns.flatMap(({ document, expectedStatus }) =>
        document ? [{ _id: document._id, status: expectedStatus }] : [],
      ),
      ledger: inOrder.flatMap(accepted),
    },
  };
}

function ended({ document, expected }: SampleMessage): MessageDocument {
  const isSent = expected.end === "sent";
  return {
    ...(document as MessageDocument),
    ...(isSent ? { isSent, sentAt: new Date() } : {}),
    ...(expected.end === "untouched" ? {} : { delivery: deliveryOf(expected, idOf(document.chatId)) }),
  };
}

function deliveryOf(expected: Exclude<Expected, { end: "untouched" }>, waMessageId: string): Delivery {
  const always = { passId: "a-pass", claimedAt: new Date(), attempts: 1 };
  if (expected.end === "sent") return { ...always, state: "sent", waMessageId };
  const error = { code: expected.code, message: "in words", at: new Date() };
  return { ...always, state: expected.end, error };
}

function accepted({ document, expected }: SampleMessage, index: number): LedgerEntry[] {
  if (expected.end !== "sent") return [];
  const { session, chatId } = expected;
  const [receivedAt, acceptedAt] = [new Date(), new Date()];
  const always = { receivedAt, acceptedAt, concurrent: 1, ack: 1, forgotten: false };
  return [{ ...always, seq: index + 1, session, chatId, text: document.content, id: idOf(document.chatId) }];
}

function idOf(chatId: string): string {
  return `id-of-${chatId}`;
}

function entryAt({ ledger }: Seen, index: number): LedgerEntry {
  const entry = ledger.at(index);
  if (!entry) throw new Error(`the ledger has no entry ${index}`);
  return entry;
}

function messageAt({ messages }: Seen, index: number): MessageDocument {
  const message = messages.at(index);
  if (!message) throw new Error(`there is no message ${index}`);
  return message;
}
