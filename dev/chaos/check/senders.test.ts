import { describe, expect, it } from "vitest";
import { date, ms, Story } from "../../../test/support/chaos-story.ts";
import type { StateWrite } from "../record.ts";

/** A message that is posted 10 ms after its intent, which is 10 ms after its claim unless told otherwise. */
function posted(
  story: Story,
  label: string,
  at: number,
  { claimedAt = at - 20, pass = "pass", by = "one" } = {},
) {
  const own = { instance: by, passIds: [pass] };
  return story
    .claim(label, claimedAt, pass)
    .intend(label, at - 10, own)
    .post(label, at, own);
}

function interrupt(story: Story, ...interruption: Parameters<Story["interrupt"]>): Story {
  return story.interrupt(...interruption);
}

describe("order", () => {
  const wrong = (story: Story) => story.wrong("order");
  const two = (second: number) => new Story().message("m1").message("m2", { scheduledAt: date(second) });
  const inTurn = (story: Story, claimedAt = 100) =>
    posted(posted(story, "m1", 130, { claimedAt: 100 }), "m2", 160, { claimedAt });

  it("counts each pair that follows on each other", () => {
    expect(inTurn(two(5)).finding("order")).toMatchObject({ cases: 1, violations: [] });
    expect(inTurn(two(5), 99).finding("order").cases).toBe(0);
  });

  it("lets two of one time go either way", () => {
    expect(wrong(inTurn(two(0)))).toEqual([]);
  });

  it("finds one that was posted after a later one", () => {
    expect(wrong(inTurn(two(-1)))).toEqual(["m2: posted after m1, which was due 1 ms later"]);
  });

  it("goes by what was due when it was claimed", () => {
    const story = inTurn(two(5)).edit("m2", 165, { scheduledAt: date(-50) });
    expect(wrong(story)).toEqual([]);
  });

  it("does not compare two claims, or two sessions", () => {
    expect(wrong(inTurn(two(-1), 99))).toEqual([]);
    const other = inTurn(two(-1));
    other.write("m2", 150, { "delivery.session": "two" }).history("m2").splice(-2, 1);
    expect(wrong(other)).toEqual([]);
  });
});

describe("one-sender, as for its lease,", () => {
  const wrong = (story: Story) => story.wrong("one-sender");
  const sender = (...leases: Parameters<Story["lease"]>[]) => {
    const story = posted(new Story().message("m1"), "m1", 200);
    for (const lease of leases) story.lease(...lease);
    return story;
  };

  it("counts every POST", () => {
    expect(sender([100]).finding("one-sender")).toMatchObject({ cases: 1, violations: [] });
  });

  it.each([
    ["no pass has", [], "no pass had it"],
    ["another pass holds", [[100, "other"]], "it was other's, for 8800 ms more"],
    ["has run out", [[100, "pass", 190]], "it was pass's, until 10 ms before"],
    ["was given back", [[100], [150, "pass", 0]], "it was pass's, until 200 ms before"],
    ["was taken by another pass", [[100], [150, "other"]], "it was other's, for 8800 ms more"],
    ["is taken only later", [[211]], "no pass had it"],
  ] as [string, Parameters<Story["lease"]>[], string][])(
    "finds a POST on a session whose lease %s",
    (_, leases, why) => {
      expect(wrong(sender(...leases))).toEqual([`m1: posted by one without the lease of account: ${why}`]);
    },
  );

  it("finds a POST on a session of which it holds no lease, though it holds another's", () => {
    const story = sender([100]);
    story.record.posts = story.record.posts.map((post) => ({ ...post, session: "two" }));
    expect(wrong(story)).toHaveLength(1);
  });

  it("excuses a process that was stopped between the intent and the POST, and no other", () => {
    const expired = () => sender([100, "pass", 150]);
    expect(wrong(expired())).toHaveLength(1);
    expect(wrong(interrupt(expired(), "frozen", 195, 199))).toEqual([]);
    expect(wrong(interrupt(expired(), "killed", 199))).toEqual([]);
    expect(wrong(interrupt(expired(), "frozen", 120, 170))).toHaveLength(1);
    expect(wrong(interrupt(expired(), "frozen", 230, 240))).toHaveLength(1);
    expect(wrong(interrupt(expired(), "frozen", 195, 199, "two"))).toHaveLength(1);
  });

  it("excuses a POST that its process had given up before it arrived, and no other", () => {
    const givenUp = (at: number, instance = "one") => {
      const story = sender([100, "pass", 150]);
      const [intent] = story.record.writes as [StateWrite];
      story.record.writes.push({ ...intent, instance, to: "unknown", sentAt: ms(at), repliedAt: ms(at + 2) });
      return story;
    };
    expect(wrong(givenUp(199))).toEqual([]);
    expect(wrong(givenUp(201))).toHaveLength(1);
    expect(wrong(givenUp(100))).toHaveLength(1);
    expect(wrong(givenUp(199, "two"))).toHaveLength(1);
  });
});

describe("one-sender, as for others,", () => {
  const wrong = (story: Story) => story.wrong("one-sender").filter((line) => line.includes("under way"));

  /** Two passes post at 200 and 300; the lease changed hands in between. */
  function beside(endedAt: number): Story {
    const story = new Story().message("m1").message("m2").lease(100).lease(250, "other");
    posted(posted(story, "m1", 200), "m2", 300, { pass: "other", by: "two" });
    Object.assign(story.record.posts[0] ?? {}, { endedAt: ms(endedAt) });
    return story;
  }
  const overlap = (ms: number) => [
    `m2: posted on account by two while m1's POST by one was under way, for ${ms} ms more`,
  ];

  it("finds a POST that begins while another is under way", () => {
    expect(wrong(beside(310))).toEqual([]);
    expect(wrong(beside(311))).toEqual(overlap(11));
  });

  it("finds a second POST of the same pass, too", () => {
    const story = posted(posted(new Story().message("m1").message("m2").lease(100), "m1", 200), "m2", 205);
    expect(wrong(story)).toHaveLength(1);
  });

  it("does not mind a POST on another session", () => {
    const story = beside(400).lease(100, "pass");
    for (const post of story.record.posts.slice(1)) post.session = "two";
    story.record.leases.set("two", [{ at: ms(100), document: { passId: "other", expiresAt: date(9_000) } }]);
    expect(wrong(story)).toEqual([]);
  });

  it("does not count a POST whose process was stopped as under way", () => {
    expect(wrong(interrupt(beside(400), "killed", 220))).toEqual([]);
    expect(wrong(interrupt(beside(400), "frozen", 220, 240))).toEqual([]);
    expect(wrong(interrupt(beside(400), "killed", 320))).toEqual(overlap(100));
    expect(wrong(interrupt(beside(400), "frozen", 120, 180))).toEqual(overlap(100));
  });

  it("excuses a POST of a process that was stopped just before it", () => {
    expect(wrong(interrupt(beside(400), "frozen", 295, 298, "two"))).toEqual([]);
  });
});

describe("stale-writes", () => {
  const wrong = (story: Story) => story.wrong("stale-writes");
  const attempted = (change: object = {}) => {
    const story = new Story().message("m1").claim("m1", 100).intend("m1", 110);
    Object.assign(story.record.writes[0] ?? {}, change);
    return story;
  };

  const casesOf = (story: Story) => story.finding("stale-writes").cases;

  it("counts intents that took effect, and those of a process that had been frozen since the claim", () => {
    expect(attempted().finding("stale-writes")).toMatchObject({ cases: 1, violations: [] });
    expect(casesOf(interrupt(attempted(), "frozen", 108, 160))).toBe(2);
    expect(casesOf(interrupt(attempted(), "frozen", 109, 160))).toBe(1);
    expect(casesOf(interrupt(attempted(), "frozen", 99, 105))).toBe(1);
    expect(casesOf(interrupt(attempted(), "killed", 50))).toBe(1);
    expect(casesOf(interrupt(attempted(), "frozen", 50, 60, "two"))).toBe(1);
  });

  /** One more write that meant to make an attempt of `m1`, and did not. */
  const inVain = (story: Story, change: object) => {
    const [write] = attempted().record.writes;
    story.record.writes.push({ ...write, message: story.key("m1"), ...change } as never);
    return story;
  };
  const claimed = () => new Story().message("m1").claim("m1", 100);

  it("counts those that came when the claim had expired, was given back, or was another pass's", () => {
    expect(casesOf(inVain(claimed(), { sentAt: ms(8_099) }))).toBe(0);
    expect(casesOf(inVain(claimed(), { sentAt: ms(8_100) }))).toBe(1);
    expect(casesOf(inVain(claimed().releasedAmong("m1", 150), { sentAt: ms(200) }))).toBe(2);
    expect(casesOf(inVain(claimed(), { sentAt: ms(200), passIds: ["other"] }))).toBe(1);
    expect(casesOf(inVain(claimed(), { sentAt: ms(8_100), to: "released" }))).toBe(1);
    expect(casesOf(inVain(claimed(), { sentAt: ms(8_100), to: "unknown" }))).toBe(1);
    expect(casesOf(inVain(claimed(), { sentAt: ms(8_100), to: "unknown", isLookupResult: true }))).toBe(0);
  });

  it.each([
    ["another pass's process wrote", { instance: "two", passIds: ["other"] }, "two"],
    [
      "was written by none at the time, but later",
      { sentAt: ms(121), repliedAt: ms(130) },
      "an unknown writer",
    ],
    [
      "was written by none at the time, but before",
      { sentAt: ms(90), repliedAt: ms(99) },
      "an unknown writer",
    ],
    ["was written by none, but something else was", { to: "sent" }, "an unknown writer"],
  ])("finds an intent that %s", (_, change, by) => {
    expect(wrong(attempted(change))).toEqual([
      `m1: the claimed message of pass pass became attempting by ${by}, where that pass did not run`,
    ]);
  });

  const other = { instance: "two", passIds: ["other"] };
  const ended = (state: string, by = {}) => claimed().endedBy("m1", 150, state, by);

  it.each(["released", "failed"])("counts a claim that its own pass ended as %s", (state) => {
    expect(ended(state).finding("stale-writes")).toMatchObject({ cases: 1, violations: [] });
  });

  it.each(["released", "failed"])("finds a claim that another pass ended as %s", (state) => {
    const what = `m1: the claimed message of pass pass became ${state} by two, where that pass did not run`;
    expect(wrong(ended(state, other))).toEqual([what]);
  });

  it("finds an attempt that another pass gave back, and lets any pass find out how it ended", () => {
    const gaveBack = attempted().endedBy("m1", 150, "released", other);
    expect(wrong(gaveBack)).toEqual([
      expect.stringContaining("attempting message of pass pass became released by two"),
    ]);
    for (const state of ["failed", "unknown"])
      expect(wrong(attempted().endedBy("m1", 150, state, { ...other, isLookupResult: true }))).toEqual([]);
  });

  it.each(["failed", "unknown"])("finds an attempt that another pass's own outcome ended as %s", (state) => {
    expect(wrong(attempted().endedBy("m1", 150, state, other))).toEqual([
      `m1: the attempting message of pass pass became ${state} by two, where that pass did not run`,
    ]);
  });

  it("finds what another pass's answer made sent, be it late", () => {
    for (const story of [attempted(), attempted().endedBy("m1", 150, "unknown")])
      expect(wrong(story.sent("m1", 200, other))).toEqual([expect.stringContaining("became sent by two")]);
  });

  it("finds a claim that another pass, or none, gave back among many, and knows a rescue from that", () => {
    expect(claimed().releasedAmong("m1", 150).finding("stale-writes")).toMatchObject({
      cases: 1,
      violations: [],
    });
    expect(wrong(claimed().releasedAmong("m1", 150, other))).toEqual([
      "m1: the claimed message of pass pass became released by two, where that pass did not run",
    ]);
    expect(wrong(claimed().ends("m1", 150, "released"))).toEqual([
      "m1: the claimed message of pass pass became released by an unknown writer, where that pass did not run",
    ]);
    expect(claimed().rescue("m1", 150).finding("stale-writes")).toMatchObject({ cases: 0, violations: [] });
  });

  it("finds a claim that never came to its turn, and that another pass gave back", () => {
    const untried = (by = {}) => {
      const story = claimed().releasedAmong("m1", 150, by);
      delete story.now("m1").delivery.settledAt;
      return story;
    };
    expect(untried().finding("stale-writes")).toMatchObject({ cases: 1, violations: [] });
    expect(wrong(untried(other))).toEqual([expect.stringContaining("became released by two")]);
  });

  it("knows by its time what was given back among many, while another pass tried in vain", () => {
    const story = claimed().releasedAmong("m1", 150);
    const write = { ...other, to: "released", sentAt: ms(149), repliedAt: ms(153) };
    expect(wrong(inVain(story, { ...write, stamp: date(149) }))).toEqual([]);
    story.record.bulkReleases.length = 0;
    expect(wrong(story)).toEqual([expect.stringContaining("by an unknown writer")]);
    expect(wrong(inVain(story, { ...write, stamp: date(150) }))).toEqual([expect.stringContaining("by two")]);
  });

  it("does not count one as too late that took effect within the millisecond in which it was sent", () => {
    expect(attempted({ sentAt: ms(110) }).finding("stale-writes").cases).toBe(1);
  });

  it("takes a write whose reply never came, and one of a process in which several passes ran", () => {
    expect(wrong(attempted({ repliedAt: undefined, acknowledged: false }))).toEqual([]);
    expect(wrong(attempted({ passIds: ["earlier", "pass"] }))).toEqual([]);
  });

  it("is content if one of several that wrote at once owns the claim", () => {
    const story = attempted();
    for (const write of story.record.writes.slice()) {
      story.record.writes.unshift({ ...write, instance: "two", passIds: ["other"] });
    }
    expect(story.finding("stale-writes")).toMatchObject({ cases: 2, violations: [] });
  });
});

describe("redirects", () => {
  it("counts the POSTs that met one, and finds what followed", () => {
    const story = new Story().message("m1").post("m1", 100, { answer: { status: 307, body: undefined } });
    story.post("m1", 200);
    expect(story.finding("redirects")).toMatchObject({ cases: 1, violations: [] });
    story.record.strayRequests.push({ method: "POST", path: "/elsewhere", hadKey: true });
    expect(story.finding("redirects").cases).toBe(2);
    expect(story.wrong("redirects")).toEqual([": POST /elsewhere followed a redirect, with the key"]);
  });
});

describe("answers", () => {
  it("counts those that were looked at, and finds every one that was not promised", () => {
    const story = new Story();
    expect(story.finding("answers")).toMatchObject({ cases: 2, violations: [] });
    story.record.oddAnswers.push("a 502 to a call at 100 ms");
    expect(story.wrong("answers")).toEqual([": a 502 to a call at 100 ms"]);
  });
});
