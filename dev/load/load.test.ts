import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { MessageDocument } from "../../lib/messages/message.ts";
import { judge, type Limits } from "./check.ts";
import { readOptions } from "./options.ts";
import { tellVerdict } from "./report.ts";
import type { PassRun, Seen } from "./seen.ts";
import type { Accepted } from "./waha.ts";
import { makeWorld, type PlannedMessage, type World } from "./world.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("the load is sent by passes, each of them told, and the verdict is that everything held", async () => {
  const args = ["dev/load/main.ts", "--messages", "600", "--sessions", "12"];
  const env = { ...process.env, FORCE_COLOR: undefined, DATABASE_URL: "mongodb://not-to-be-used/else" };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env });

  expect(stderr).toBe("");
  expect(stdout).toMatch(/^600 messages are due, over 12 sessions;/);
  expect(stdout).toMatch(
    /^ {2}pass: \d+ sent in \d+\.\d s, \d+ a second, peak memory \d+ MB( \(\d+ × claim_ran_out\))?$/m,
  );
  expect(stdout).toMatch(/^\d+ passes: 600 sent in/m);
  expect(stdout.match(/^ {2}holds: .+$/gm)).toHaveLength(5);
  expect(stdout).toMatch(/\neverything held\n$/);
});

test("a wrong option ends the program with the reason, before anything is started", async () => {
  const args = ["dev/load/main.ts", "--messages", "many"];
  const failing = run(process.execPath, args, { cwd: ROOT });

  const stderr = '--messages takes a whole number from 1 on, not "many"\n';
  await expect(failing).rejects.toMatchObject({ code: 1, stderr, stdout: "" });
});

test("without options 50,000 messages are due, over 200 sessions, and no session has nothing to send", () => {
  expect(readOptions([])).toEqual({ messages: 50_000, sessions: 200 });
  expect(readOptions(["--messages", "7"])).toEqual({ messages: 7, sessions: 7 });
  expect(() => readOptions(["--messages", "7", "--sessions", "8"])).toThrow("must not exceed");
});

test("a verdict tells every claim, and of what is against one the first five", () => {
  const broken = Array.from({ length: 7 }, (_, place) => `message ${place} is lost`);
  const { holds, text } = tellVerdict([
    { claim: "all is well", broken: [] },
    { claim: "nothing is lost", broken },
  ]);

  expect(holds).toBe(false);
  const lines = stripVTControlCharacters(text).split("\n");
  expect(lines.slice(0, 2)).toEqual(["  holds: all is well", "  DOES NOT HOLD: nothing is lost"]);
  expect(lines.slice(2)).toEqual([
    ...broken.slice(0, 5).map((what) => `    ${what}`),
    "    and 2 more",
    "",
    "NOT everything held",
  ]);
});

describe("the verdict", () => {
  const LIMITS: Limits = { passSeconds: 30, memoryMB: 256 };
  const CLAIMS = judge(...perfectly(), LIMITS).map(({ claim }) => claim);
  const [ONCE, AGREE, ORDER, TIME, MEMORY] = CLAIMS as [string, string, string, string, string];

  test("is that all five claims hold where all is as it should be", () => {
    expect(CLAIMS).toHaveLength(5);
    expect(judge(...perfectly(), LIMITS).flatMap(({ broken }) => broken)).toEqual([]);
  });

  test.for<{ tampering: string; tamper: (seen: Mutable) => void; breaks: Record<string, RegExp> }>([
    {
      tampering: "a message that was accepted twice",
      tamper: ({ ledger }) => ledger.push({ ...at(ledger, -1) }),
      breaks: { [ONCE]: /to 4917000000011@c.us was accepted 2 times/ },
    },
    {
      tampering: "a message that was never accepted, though the database says so",
      tamper: ({ ledger }) => ledger.pop(),
      breaks: { [ONCE]: /was accepted 0 times/, [AGREE]: /marked as sent, and WAHA never accepted it/ },
    },
    {
      tampering: "a message that was lost on both sides",
      tamper: ({ ledger, messages }) => {
        ledger.pop();
        Object.assign(at(messages, -1), { isSent: false, delivery: null });
      },
      breaks: { [ONCE]: /was accepted 0 times/ },
    },
    {
      tampering: "a message that is gone from the database",
      tamper: ({ messages }) => messages.pop(),
      breaks: { [AGREE]: /is no longer in the database/ },
    },
    {
      tampering: "a message that was accepted, and is still to be sent",
      tamper: ({ messages }) => Object.assign(at(messages, 0), { isSent: false, delivery: null }),
      breaks: { [AGREE]: /was accepted, and the database says "nothing"/ },
    },
    {
      tampering: "another id than WAHA's",
      tamper: ({ ledger }) => Object.assign(at(ledger, 0), { id: "another" }),
      breaks: { [AGREE]: /another id in the database than in WAHA/ },
    },
    {
      tampering: "a campaign that is not settled",
      tamper: ({ campaigns }) => Object.assign(at(campaigns, 0), { status: "sending" }),
      breaks: { [AGREE]: /Campaign of load-0 is sending, not completed/ },
    },
    {
      tampering: "a text that no document has",
      tamper: ({ ledger }) => ledger.push({ ...at(ledger, -1), text: "something else" }),
      breaks: { [ONCE]: /1 text was accepted that no document has/ },
    },
    {
      tampering: "a message that went out on another session",
      tamper: ({ ledger }) => Object.assign(at(ledger, -1), { session: "load-0" }),
      breaks: { [ONCE]: /went from load-0 to 4917000000011@c.us/ },
    },
    {
      tampering: "messages of one session that overtook each other",
      tamper: ({ ledger }) => {
        const [first, second] = [{ ...at(ledger, 0) }, { ...at(ledger, 3) }];
        Object.assign(at(ledger, 0), second);
        Object.assign(at(ledger, 3), first);
      },
      breaks: { [ORDER]: /load-0: .* went out after one that was due later/ },
    },
    {
      tampering: "two sends of one session at once",
      tamper: ({ ledger }) => Object.assign(at(ledger, 5), { concurrent: 2 }),
      breaks: { [ORDER]: /load-2: .* went out beside another/ },
    },
    {
      tampering: "a pass that took too long",
      tamper: ({ passes }) => Object.assign(at(passes, 0), { seconds: 30.1 }),
      breaks: { [TIME]: /pass 1 took 30\.1 s/ },
    },
    {
      tampering: "a pass that was not answered with 200",
      tamper: ({ passes }) => Object.assign(at(passes, 1), { status: 503 }),
      breaks: { [TIME]: /pass 2 was answered with 503/ },
    },
    {
      tampering: "a process that did not live to answer",
      tamper: ({ passes }) => Object.assign(at(passes, 1), { status: undefined }),
      breaks: { [TIME]: /pass 2 was answered with nothing/ },
    },
    {
      tampering: "a process that took too much memory",
      tamper: ({ passes }) => Object.assign(at(passes, 0), { peakMemory: 256 * 2 ** 20 }),
      breaks: { [MEMORY]: /it took 256 MB/ },
    },
  ])("names $tampering, and nothing else", ({ tamper, breaks }) => {
    const [world, seen] = perfectly();
    tamper(seen);

    const broken = judge(world, seen, LIMITS).filter((ruling) => ruling.broken.length > 0);
    expect(broken).toEqual(
      CLAIMS.filter((claim) => claim in breaks).map((claim) => ({
        claim,
        broken: [expect.stringMatching(breaks[claim] as RegExp)],
      })),
    );
  });
});

type Mutable = Seen & { ledger: Accepted[] };

/** Twelve messages over three sessions, and what is there when everything went as it must. */
function perfectly(): [World, Mutable] {
  const world = makeWorld({ messages: 12, sessions: 3 }, new Date());
  const pass: PassRun = {
    status: 200,
    seconds: 29.9,
    sent: 6,
    campaignsCompleted: 0,
    more: false,
    peakMemory: 255 * 2 ** 20,
    problems: [],
  };
  return [
    world,
    {
      messages: world.messages.map(sent),
      campaigns: world.campaigns.map((campaign) => ({
        ...campaign,
        status: "completed",
        delivery: { open: false, rev: 1 },
      })),
      ledger: world.messages.map(accepted),
      passes: [pass, { ...pass }],
    },
  ];
}

function sent({ document }: PlannedMessage): MessageDocument {
  const [sentAt, claimedAt, waMessageId] = [new Date(), new Date(), `id-of-${document.chatId}`];
  const delivery = { state: "sent", passId: "a-pass", claimedAt, attempts: 1, waMessageId } as const;
  return { ...document, isSent: true, isPicked: true, sentAt, delivery };
}

function accepted({ document: { chatId, content }, session }: PlannedMessage): Accepted {
  return { session, chatId, text: content, id: `id-of-${chatId}`, concurrent: 1 };
}

function at<Item>(list: Item[], index: number): Item {
  const item = list.at(index);
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
