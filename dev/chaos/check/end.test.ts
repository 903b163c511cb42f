import { describe, expect, it } from "vitest";
import { date, LOOKBACK_MS, Story } from "../../../test/support/chaos-story.ts";

const DAY = 24 * 3600_000;

/** Something happens at this moment, so that the round lasts as long. */
const until = (story: Story, at: number) => story.lease(at, "last");

describe("final", () => {
  const END = 60_000;
  const wrong = (story: Story) => until(story, END).wrong("final");

  it("counts what was due, and nothing else", () => {
    const story = new Story()
      .message("m1")
      .send("m1", 100)
      .message("m2", { scheduledAt: date(END + 1) })
      .message("m3", { isDeleted: true })
      .message("m4", { isPicked: null })
      .message("m5", { scheduledAt: date(0).toISOString() })
      .message("m6", { scheduledAt: date(END - DAY - 1) })
      .message("m7", { isPicked: true })
      .message("m8", { isSent: true });
    expect(until(story, END).finding("final")).toMatchObject({ cases: 1, violations: [] });
  });

  it.each([date(END), date(END - DAY)])("counts what was due at the edge of the span", (scheduledAt) => {
    expect(wrong(new Story().message("m1", { scheduledAt }))).toEqual([
      "m1: was due, and is none when all is over",
    ]);
  });

  it.each(["failed", "missed", "unknown"])("lets it end as %s, with a reason", (state) => {
    const story = new Story().message("m1").ends("m1", 500, state);
    expect(wrong(story)).toEqual([]);
    expect(until(story, END).finding("final").cases).toBe(1);
  });

  it.each([
    ["claimed", new Story().message("m1").claim("m1", 100)],
    ["attempting", new Story().message("m1").claim("m1", 100).intend("m1", 110)],
    ["released", new Story().message("m1").ends("m1", 500, "released")],
  ])("finds one that is still %s", (state, story) => {
    expect(wrong(story)).toEqual([`m1: was due, and is ${state} when all is over`]);
  });

  it.each([
    [{ isPicked: false }, "is failed, but not picked"],
    [{ "delivery.error": undefined }, "is failed, but does not say why"],
    [{ "delivery.error": { code: "waha_error", message: "" } }, "is failed, but does not say why"],
  ])("finds one that failed with %o", (changes, why) => {
    const story = new Story().message("m1").ends("m1", 500, "failed").edit("m1", 600, changes);
    expect(wrong(story)).toEqual([`m1: was due, and ${why}`]);
  });

  it("lets the app say of one that is sent that it was not picked", () => {
    expect(wrong(new Story().message("m1").send("m1", 100).edit("m1", 600, { isPicked: false }))).toEqual([]);
  });

  it("finds one that is sent without isSent", () => {
    const story = new Story().message("m1").send("m1", 100).edit("m1", 600, { isSent: false });
    expect(wrong(story)).toEqual(["m1: was due, and is sent, but isSent is not true"]);
  });

  it.each([
    ["on hold", "paused", 0],
    ["that goes on", "scheduled", 1],
  ])("asks of a campaign %s what it may", (_, status, found) => {
    const story = new Story().campaign("c1", { status });
    story.message("m1", { campaignId: String(story.id("c1")) });
    expect(wrong(story)).toHaveLength(found);
  });

  it("finds what is under way, although it is not due any more", () => {
    const claimed = new Story().message("m1").claim("m1", 100).edit("m1", 200, { isDeleted: true });
    expect(wrong(claimed)).toEqual(["m1: is not due, and still claimed when all is over"]);
    const moved = { scheduledAt: date(END + DAY) };
    const attempting = new Story().message("m1").claim("m1", 100).intend("m1", 110).edit("m1", 200, moved);
    expect(wrong(attempting)).toEqual(["m1: is not due, and still attempting when all is over"]);
  });

  it("finds what was left past its window while time was made to pass, and is too old in the end", () => {
    const aged = (first: number) =>
      new Story()
        .message("m1")
        .age("m1", 1000, first)
        .age("m1", 3000, 2 * DAY);
    expect(wrong(aged(LOOKBACK_MS))).toEqual(["m1: was due, and is none when all is over"]);
    // Still inside its window then, or too old at once: no pass was to end it.
    expect(wrong(aged(LOOKBACK_MS - 1))).toEqual([]);
    expect(wrong(aged(DAY))).toEqual([]);
    // No pass ran after its window closed, and before it was too old.
    expect(wrong(new Story().message("m1").age("m1", 1000, 2 * DAY))).toEqual([]);
  });
});

describe("agrees", () => {
  const attempted = () => new Story().message("m1").claim("m1", 100).intend("m1", 110).post("m1", 120);
  const wrong = (story: Story) => story.wrong("agrees");

  it("counts what the scheduler wrote on, or WAHA accepted", () => {
    const story = new Story().message("m1").send("m1", 100).message("m2").message("m3").accept("m3", 900);
    expect(story.finding("agrees").cases).toBe(2);
    expect(wrong(story)).toEqual(["m3: is none, but WAHA accepted it (no. 2, ack 1)"]);
  });

  it("finds one that is sent, and was never accepted; what the app says is its own affair", () => {
    expect(wrong(attempted().sent("m1", 200))).toEqual(["m1: is sent, but WAHA never accepted it"]);
    const said = new Story().message("m1", { isSent: true, delivery: { state: "sent" } });
    expect(wrong(said)).toEqual([]);
  });

  it.each(["failed", "missed", "released", "attempting"])(
    "finds one that is %s, and was accepted",
    (state) => {
      const story = attempted().accept("m1", 130).ends("m1", 300, state);
      expect(wrong(story)).toEqual([`m1: is ${state}, but WAHA accepted it (no. 1, ack 1)`]);
    },
  );

  it("lets one fail that WhatsApp refused, and be missed if a person asked again since", () => {
    const refused = () => attempted().accept("m1", 130, { ack: -1 });
    expect(wrong(refused().ends("m1", 300, "failed"))).toEqual([]);
    expect(wrong(refused().ends("m1", 300, "missed"))).toHaveLength(1);
    const asked = refused().ends("m1", 300, "failed").edit("m1", 400, { isPicked: false });
    expect(wrong(asked.ends("m1", 500, "missed"))).toEqual([]);
    expect(wrong(asked.ends("m1", 600, "released").accept("m1", 700))).toHaveLength(1);
  });

  const unknown = (entry = {}) =>
    attempted().accept("m1", 130, entry).ends("m1", 300, "unknown", "waha_timeout");

  it("finds one that is unknown and could be looked up", () => {
    expect(wrong(unknown())).toEqual([
      "m1: is unknown, but WAHA accepted it as ID-m1, and finds it by that id (it is not looked up any more)",
    ]);
    const asked = unknown().write("m1", 400, { "delivery.nextLookupAt": date(900) });
    expect(wrong(asked)).toEqual(["m1: is unknown, but WAHA accepted it as ID-m1, and finds it by that id"]);
  });

  it.each([
    ["went out under another id", { id: "OTHER" }],
    ["was given no id", { givenId: undefined }],
    ["was forgotten", { forgotten: true }],
    ["was refused by WhatsApp", { ack: -1 }],
    ["went out where nothing can be looked up", { session: "webjs" }],
  ])("lets one be unknown that %s", (_, entry) => {
    expect(wrong(unknown(entry))).toEqual([]);
  });

  it("lets one be unknown that WAHA never had", () => {
    expect(wrong(attempted().ends("m1", 300, "unknown"))).toEqual([]);
  });
});

describe("campaigns", () => {
  const wrong = (story: Story) => story.wrong("campaigns");

  /** `m1` was sent at 160 and `m2` missed; the campaign was touched at 90. */
  function done(campaign = {}): Story {
    const story = new Story().campaign("c1", campaign);
    story.message("m1", { campaignId: story.id("c1") });
    story.message("m2", { campaignId: String(story.id("c1")), scheduledAt: date(-2 * LOOKBACK_MS) });
    story.touch("c1", 90).send("m1", 100).ends("m2", 200, "missed", "window_closed");
    return story;
  }
  const mixed = { total: 2, sent: 1, missed: 1 };
  const settled = () => done().settle("c1", 300, mixed, "completed_with_failures");

  it("counts those that were ever touched", () => {
    expect(settled().campaign("c2").finding("campaigns")).toMatchObject({ cases: 1, violations: [] });
  });

  it("finds one that is open with nothing left, unless it is on hold", () => {
    expect(wrong(done())).toEqual(["c1: nothing is left to send, and it is still open"]);
    expect(wrong(done().edit("c1", 300, { status: "paused" }))).toEqual([]);
  });

  it("lets one be open of which something is left", () => {
    const story = done();
    expect(wrong(story.message("m3", { campaignId: story.id("c1") }))).toEqual([]);
  });

  it.each([
    [
      "counts",
      { ...mixed, sent: 2 },
      "completed_with_failures",
      "was settled with 2 total, 2 sent, 1 missed",
    ],
    ["status", mixed, "completed", "was settled as completed, not as completed_with_failures"],
  ])("finds one that was settled with the wrong %s", (_, counts, status, why) => {
    expect(wrong(done().settle("c1", 300, counts, status))).toEqual([expect.stringContaining(why)]);
  });

  it("finds one that was settled as failed although all was sent", () => {
    const story = new Story().campaign("c1");
    story
      .message("m1", { campaignId: story.id("c1") })
      .touch("c1", 90)
      .send("m1", 100);
    const all = { total: 1, sent: 1 };
    expect(wrong(story.settle("c1", 300, all, "completed_with_failures"))).toHaveLength(1);
    story.history("c1").pop();
    expect(wrong(story.settle("c1", 300, all))).toEqual([]);
  });

  it("does not count what is deleted", () => {
    const story = done();
    story.message("m3", { campaignId: story.id("c1"), isDeleted: true });
    expect(wrong(story.settle("c1", 300, mixed, "completed_with_failures"))).toEqual([]);
  });

  it("finds one that was settled while something was left", () => {
    const story = done();
    story.message("m3", { campaignId: story.id("c1") }, 50);
    expect(wrong(story.settle("c1", 300, mixed, "completed_with_failures"))).toContain(
      "c1: is settled, although m3 is left to send",
    );
  });

  it("lets the app add, delete and unpick messages once one is counted", () => {
    const story = settled();
    story.message("m3", { campaignId: story.id("c1") }, 310);
    story.edit("m1", 320, { isDeleted: true }).edit("m2", 330, { isPicked: false });
    expect(wrong(story)).toEqual([]);
  });

  it("lets the app add a message between the count and the settlement", () => {
    const story = done();
    story.message("m3", { campaignId: story.id("c1") }, 295);
    expect(wrong(story.settle("c1", 300, mixed, "completed_with_failures"))).toEqual([]);
  });

  it("takes a count from the moment of the touch", () => {
    const story = done().touch("c1", 250);
    story.message("m3", { campaignId: story.id("c1") }, 270);
    expect(wrong(story.settle("c1", 300, mixed, "completed_with_failures"))).toEqual([]);
  });

  it("finds a wrong settlement also where a later one is right", () => {
    const story = done();
    story.settle("c1", 300, { total: 1, sent: 1 }).touch("c1", 400);
    expect(wrong(story.settle("c1", 500, mixed, "completed_with_failures"))).toContain(
      "c1: was settled with 1 total, 1 sent, but its messages come to 2 total, 1 sent, 1 missed",
    );
  });

  it("does not take a count from before the touch", () => {
    const story = done().edit("m2", 210, { isDeleted: true }).touch("c1", 250);
    expect(wrong(story.settle("c1", 300, mixed, "completed_with_failures"))).toEqual([
      "c1: was settled with 2 total, 1 sent, 1 missed, but its messages come to 1 total, 1 sent",
      "c1: was settled as completed_with_failures, not as completed",
    ]);
  });

  it("lets the app change the status of one that is settled", () => {
    expect(wrong(settled().edit("c1", 400, { status: "scheduled" }))).toEqual([]);
  });

  it("finds what turned out about a message after its campaign was settled", () => {
    const story = new Story().campaign("c1");
    story
      .message("m1", { campaignId: story.id("c1") })
      .touch("c1", 90)
      .claim("m1", 100)
      .intend("m1", 110);
    story
      .accept("m1", 130)
      .ends("m1", 200, "unknown")
      .settle("c1", 300, { total: 1, unknown: 1 }, "completed_with_failures");
    expect(wrong(story)).toEqual([]);
    story.sent("m1", 400);
    expect(wrong(story)).toEqual(["c1: was not counted again when m1 became sent after it was settled"]);
    story.touch("c1", 399).settle("c1", 500, { total: 1, sent: 1 });
    expect(wrong(story)).toEqual([]);
  });

  it("finds one whose messages were settled, and that was never opened", () => {
    const story = new Story().campaign("c1");
    story.message("m1", { campaignId: story.id("c1") }).ends("m1", 100, "missed");
    expect(wrong(story)).toEqual(["c1: some of its messages were settled, and it was never opened"]);
  });

  it("finds one that was settled without completedAt", () => {
    const story = settled();
    delete (story.now("c1") as { completedAt?: Date }).completedAt;
    expect(wrong(story)).toEqual(["c1: was settled without completedAt"]);
  });
});
