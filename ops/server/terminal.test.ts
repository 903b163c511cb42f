import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { describeError } from "../../lib/log.ts";
import { PassStats } from "../../lib/pass/stats.ts";
import { createHostWorld, SERVER } from "../../test/support/host.ts";
import { run } from "../../test/support/program.ts";
import { tellLine } from "./terminal.ts";

const line = (msg: string, fields: object = {}) => ({
  level: 30,
  time: "2027-01-01T00:00:00Z",
  ...fields,
  msg,
});

test("a line is its message and what it is about, ids and names as they are", () => {
  const fields = { passId: "0f3a", messageId: "65f0", session: "the shop's", count: 2, campaignId: null };
  expect(tellLine(line("released", fields))).toBe(
    `released  passId=0f3a  messageId=65f0  session="the shop's"  count=2  campaignId=null`,
  );
});

test("a pass is told in a sentence, and each of its problems with its remedy", () => {
  const tally = new PassStats();
  tally.sent(100);
  tally.problem("waha_unreachable");
  tally.problem("flags_missing", 3);
  const summary = tally.summary("0f3a", new Date(0), 1234);

  expect(tellLine(line("pass", summary)).split("\n")).toEqual([
    "pass: 1 sent, in 1.2 s  passId=0f3a",
    expect.stringMatching(/^ {2}waha_unreachable: WAHA can't be reached\. Check /),
    expect.stringMatching(/^ {2}3 × flags_missing: messages lack /),
  ]);
});

test("a pass that did nothing says whether there was something to do", () => {
  const tell = (tally: PassStats) => tellLine(line("pass", tally.summary("0f3a", new Date(0), 0)));
  const idle = new PassStats();
  const kept = new PassStats();
  kept.broken = true;

  expect(tell(idle)).toMatch(/^pass: nothing to do, in /);
  expect(tell(kept)).toMatch(/^pass: nothing sent, in /);
});

test.each([
  [1, "1 campaign settled"],
  [1200, "1,200 campaigns settled"],
])("%i settled campaigns are told in the right number", (count, words) => {
  const tally = new PassStats();
  tally.add("campaignsCompleted", count);

  expect(tellLine(line("pass", tally.summary("0f3a", new Date(0), 0)))).toContain(`pass: ${words}, in `);
});

test("an error is told by its names and codes, and where it arose", () => {
  const refused = Object.assign(new Error("hunter2"), { code: "ECONNREFUSED" });
  const error = describeError(new TypeError("hunter2", { cause: refused }));

  const told = tellLine(line("unexpected error", { error }));

  expect(told).toMatch(/^unexpected error {2}error=TypeError < Error ECONNREFUSED \(.*terminal\.test\.ts/);
  expect(told).not.toContain("\n");
});

test("nothing in a line does anything to the terminal", () => {
  const evil = "\u001b[2Jcleared\u009b31m\r\nINFO: pass";
  const told = tellLine(line(evil, { session: evil, nested: { evil }, error: { name: evil, at: [evil] } }));
  expect(told).not.toMatch(/\p{Cc}/u);
});

/** util-linux's `script` gives a program a terminal; elsewhere it has other arguments. */
const hasScript = (() => {
  try {
    return execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux");
  } catch {
    return false;
  }
})();

test.skipIf(!hasScript)(
  "on a terminal a server's log is readable as it is [needs util-linux's script]",
  async () => {
    const world = await createHostWorld();
    const env = { ...world.env, NO_COLOR: "1" };

    const server = await run(["script", "-qec", SERVER.join(" "), "/dev/null"], { env });
    await server.says(/\[\d\d:\d\d:\d\d\] INFO: pass: nothing to do, in \d+\.\d s {2}passId=/);
    expect(server.output).not.toContain('{"level"');
  },
);
