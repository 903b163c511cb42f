import { expect, it } from "vitest";
import { ms, Story } from "../../../test/support/chaos-story.ts";
import { tellHistory } from "./tell.ts";

it("tells all of a message's history in the order of time, and nothing of another's", () => {
  const story = new Story().message("m1").message("m2").send("m2", 50).send("m1", 100);
  story.edit("m1", 300, { content: "m1 v1", note: "kept" }).age("m1", 5_000, 60_000);
  story.edit("m1", 6_000, { note: undefined });
  story.record.interruptions.push(
    { instance: "one", kind: "frozen", at: ms(400), until: ms(700) },
    { instance: "two", kind: "killed", at: ms(450), until: undefined },
  );
  const lines = tellHistory(story.record, "m1").split("\n");
  const inserted = lines.shift();
  expect(inserted).toContain('+0.000 s  inserted: _id "');
  expect(inserted).toContain('label "m1"');
  const began = "2026-01-02T12:00:00";
  expect(lines.map((line) => line.trim())).toEqual([
    "+0.050 s  lease of account: pass's for 8950 ms",
    `+0.100 s  scheduler wrote: isPicked true, delivery.state "claimed", delivery.passId "pass", delivery.claimedAt "${began}.100Z", delivery.claimExpiresAt "2026-01-02T12:00:08.100Z", delivery.attempts 0`,
    '+0.108 s  one writes "attempting"',
    expect.stringMatching(
      /^\+0\.110 s {2}scheduler wrote: delivery\.state "attempting", delivery\.claimExpiresAt gone, delivery\.attempts 1, /,
    ),
    `+0.112 s  one's "attempting" is acknowledged`,
    '+0.120 s  one POSTs "m1 v0" to 49150000001@c.us on account',
    '+0.130 s  WAHA accepts "m1 v0" as no. 2: id ID-m1, given ID-m1, ack 1',
    "+0.140 s  one is given: 201",
    '+0.158 s  one writes "sent"',
    `+0.160 s  scheduler wrote: isSent true, sentAt "${began}.160Z", delivery.state "sent", delivery.nextLookupAt gone, delivery.settledAt "${began}.160Z"`,
    `+0.162 s  one's "sent" is acknowledged`,
    '+0.300 s  app wrote: appRev 1, content "m1 v1", note "kept"',
    "+0.400 s  one is frozen",
    "+0.700 s  one goes on",
    "+5.000 s  aged by 60 s",
    "+6.000 s  app wrote: appRev 2, note gone",
  ]);
});

it("tells of what has no end: a POST, a write, a process, and a document", () => {
  const story = new Story().message("m1").post("m1", 100, { endedAt: Number.POSITIVE_INFINITY });
  story.post("m1", 200, { answer: undefined, delivered: false });
  story.post("m1", 300, { answer: { status: 400, body: {} }, delivered: false });
  const write = {
    instance: "one",
    passIds: [],
    message: story.key("m1"),
    to: "sent",
    isLookupResult: false,
    stamp: undefined,
    sentAt: ms(400),
  };
  story.record.writes.push({ ...write, repliedAt: undefined, acknowledged: false });
  story.record.writes.push({ ...write, sentAt: ms(500), repliedAt: ms(600), acknowledged: false });
  story.record.interruptions.push({ instance: "one", kind: "killed", at: ms(700), until: undefined });
  story.history("m1").push({ at: ms(800), document: null });
  const lines = tellHistory(story.record, story.key("m1")).split("\n").slice(1);
  expect(lines.map((line) => line.trim())).toEqual([
    '+0.100 s  one POSTs "m1 v0" to 49150000001@c.us on account',
    '+0.200 s  one POSTs "m1 v0" to 49150000001@c.us on account',
    "+0.220 s  one is given: no answer",
    '+0.300 s  one POSTs "m1 v0" to 49150000001@c.us on account',
    "+0.320 s  one is given: 400 (never arrived)",
    '+0.400 s  one writes "sent", and no reply ever comes',
    '+0.500 s  one writes "sent"',
    `+0.600 s  one's "sent" is not acknowledged`,
    "+0.700 s  one is killed",
    "+0.800 s  removed",
  ]);
});

it("tells a campaign's history", () => {
  const story = new Story().campaign("c1").touch("c1", 100).settle("c1", 300, {});
  const told = tellHistory(story.record, "c1");
  expect(told).toContain('+0.100 s  scheduler wrote: status "sending", delivery.open true, delivery.rev 1');
  expect(told).toContain('+0.300 s  scheduler wrote: status "completed"');
  expect(told).not.toContain("agedBy undefined");
});

it("says so if it knows nothing", () => {
  expect(tellHistory(new Story().record, "m9")).toBe("nothing is known of m9");
});
