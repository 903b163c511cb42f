import { describe, expect, it } from "vitest";
import { date, ms, Story } from "../../../test/support/chaos-story.ts";
import { coveredMs, within, without } from "./spans.ts";

describe("spans", () => {
  it("lose what others cover, keep what others share, and count each moment once", () => {
    expect(
      without(
        [[0, 10]],
        [
          [2, 4],
          [8, 12],
          [20, 30],
        ],
      ),
    ).toEqual([
      [0, 2],
      [4, 8],
    ]);
    expect(
      within(
        [[0, 10]],
        [
          [-5, 1],
          [9, 20],
        ],
      ),
    ).toEqual([
      [0, 1],
      [9, 10],
    ]);
    expect(
      coveredMs([
        [5, 9],
        [0, 6],
        [1, 2],
        [20, 21],
      ]),
    ).toBe(10);
  });
});

describe("order, as for what a pass had claimed that died,", () => {
  const wrong = (story: Story) => story.wrong("order");

  /** `other` claimed `m1` and died; `m2` is due 5 ms later, `m3` before both. */
  const died = () =>
    new Story()
      .message("m1")
      .message("m2", { scheduledAt: date(5) })
      .message("m3", { scheduledAt: date(-5) })
      .lease(90, "other", 10_000)
      .claim("m1", 100, "other");

  /** `pass` takes the session over, rescues, looks and claims. */
  const takesOver = (labels: string[], { rescuedAt = 10_110, lookedAt = 10_120 } = {}) => {
    const story = died().lease(10_100, "pass", 30_000);
    if (rescuedAt) story.rescue("m1", rescuedAt);
    story.look(lookedAt).asks(labels, 10_200);
    for (const label of labels) story.claim(label, 10_205);
    // The request gives the time, and each document takes a while.
    for (const claim of story.record.claims) claim.claimedAt = date(10_205);
    return story;
  };

  it("counts what was rescued and claimed with something that is due after it", () => {
    expect(takesOver(["m1", "m2"]).finding("order")).toMatchObject({ cases: 1, violations: [] });
    expect(takesOver(["m1", "m3"]).finding("order")).toMatchObject({ cases: 0, violations: [] });
  });

  it("finds what is claimed before it although it is due after it, and not what is due before it", () => {
    expect(wrong(takesOver(["m2"]))).toEqual([
      "m1: m2 was claimed by pass, and this message was not: a rescue had given it back, and it is due 5 ms earlier",
    ]);
    expect(wrong(takesOver(["m3"]))).toEqual([]);
  });

  it("finds what is claimed while the dead pass's claim still stands, which had ended before", () => {
    const what =
      "m1: m2 was claimed by pass, while this message is due before it, and still lies with a pass whose claim had ended when the session was taken over";
    expect(wrong(takesOver(["m2"], { rescuedAt: 0 }))).toEqual([what]);
    const late = takesOver(["m2"], { rescuedAt: 0 });
    late.rescue("m1", 10_300);
    expect(wrong(late)).toEqual([what]);
  });

  it("does not ask for it in the calm, whose passes are longer", () => {
    const story = takesOver(["m2"], { rescuedAt: 0 });
    story.record.calmFrom = ms(10_206);
    expect(wrong(story)).toHaveLength(1);
    story.record.calmFrom = ms(10_100);
    expect(wrong(story)).toEqual([]);
  });

  it("does not ask for it where the rescue failed by the harness", () => {
    const story = takesOver(["m2"], { rescuedAt: 0 });
    story.record.disturbances.push({ instance: "one", point: "rescue", at: ms(10_105) });
    expect(wrong(story)).toEqual([]);
  });

  it("does not ask for it where the claim had not ended when the session was taken", () => {
    const story = died().lease(4_000, "pass", 30_000).look(4_100).asks(["m2"], 4_200);
    expect(wrong(story.claim("m2", 4_200))).toEqual([]);
  });

  it("does not ask for it where the claim arrived after that, late as it was", () => {
    const story = new Story()
      .message("m1")
      .message("m2", { scheduledAt: date(5) })
      .lease(90, "other", 10_000);
    story.lease(10_100, "pass", 30_000).look(10_120).claim("m1", 10_150, "other", 8_100);
    expect(wrong(story.asks(["m2"], 10_200).claim("m2", 10_200))).toEqual([]);
  });

  it("does not mind a look that began before the rescue was acknowledged", () => {
    expect(wrong(takesOver(["m2"], { lookedAt: 10_113 }))).toEqual([]);
    expect(wrong(takesOver(["m2"], { lookedAt: 10_114 }))).toHaveLength(1);
  });

  it("does not mind what the pass had named and not won, or had posted", () => {
    const named = takesOver(["m2"]).asks(["m1"], 10_150, { claimedAt: 10_150 });
    expect(wrong(named)).toEqual([]);
    const elsewhere = takesOver(["m2"]).asks(["m1"], 10_150, { claimedAt: 10_150, passId: "third" });
    expect(wrong(elsewhere)).toHaveLength(1);
    expect(wrong(takesOver(["m2"]).post("m1", 50))).toEqual([]);
  });

  it("does not mind what the app had deleted before the rescue", () => {
    const story = died().edit("m1", 150, { isDeleted: true }).lease(10_100, "pass", 30_000);
    story.rescue("m1", 10_110).look(10_120).asks(["m2"], 10_200);
    expect(wrong(story.claim("m2", 10_200))).toEqual([]);
  });

  it("does not mind what has no chat, where campaigns' groups give them", () => {
    const story = (campaign: string | undefined) => {
      const told = new Story().byDashboard().group("g1", "120363021234567890@g.us");
      told.campaign("c1", { groupId: told.id("g1"), sessionId: "account" });
      const ofCampaign = (label: string | undefined) => ({
        chatId: undefined,
        campaignId: label && told.id(label),
      });
      told.message("m1", ofCampaign(campaign));
      told.message("m2", { ...ofCampaign("c1"), scheduledAt: date(5) });
      told.lease(90, "other", 10_000).claim("m1", 100, "other").lease(10_100, "pass", 30_000);
      told.rescue("m1", 10_110).look(10_120).asks(["m2"], 10_200).claim("m2", 10_205);
      for (const claim of told.record.claims) claim.claimedAt = date(10_205);
      return told;
    };
    expect(wrong(story("c1"))).toHaveLength(1);
    expect(wrong(story(undefined))).toEqual([]);
  });

  it("does not mind what the app changed, what its campaign holds, what is another session's, or what is too late", () => {
    const changed = died().lease(10_100, "pass", 30_000).rescue("m1", 10_110).edit("m1", 10_115, { note: 1 });
    expect(wrong(changed.look(10_120).asks(["m2"], 10_200).claim("m2", 10_200))).toEqual([]);
    const held = (status: string) => {
      const story = new Story().campaign("c1", { sessionId: "account", status });
      const campaignId = story.id("c1");
      story.message("m1", { sessionId: undefined, campaignId }).message("m2", { scheduledAt: date(5) });
      story.lease(90, "other", 10_000).claim("m1", 100, "other").lease(10_100, "pass", 30_000);
      return story.rescue("m1", 10_110).look(10_120).asks(["m2"], 10_200).claim("m2", 10_200);
    };
    expect(wrong(held("scheduled"))).toHaveLength(1);
    expect(wrong(held("paused"))).toEqual([]);
    const elsewhere = takesOver(["m2"]);
    for (const { document } of elsewhere.history("m1")) Object.assign(document ?? {}, { sessionId: "two" });
    expect(wrong(elsewhere)).toEqual([]);
    const old = takesOver(["m2"]);
    old.record.settings.lookbackSeconds = 13;
    expect(wrong(old)).toEqual([]);
  });
});

describe("taken-over", () => {
  const wrong = (story: Story) => story.wrong("taken-over");

  /** `other` claims `m1` at 100 and is killed at 200; its lease ends at 10 s. Calls of `one` follow. */
  const killed = (...calls: [at: number, endedAt: number][]) => {
    const story = new Story().message("m1").lease(90, "other", 10_000).claim("m1", 100, "other");
    story.record.settings.lookbackSeconds = 120;
    story.record.sessions.set("a", "account");
    story.interrupt("killed", 200, undefined, "two");
    // Each looks when it begins, and when it ends.
    for (const [at, endedAt] of calls) {
      story
        .call(at, endedAt)
        .look(at + 2)
        .look(endedAt + 2);
    }
    return story;
  };
  const again = (story: Story, at: number, takenAt = at - 20) =>
    story
      .lease(takenAt, "pass", at + 20_000)
      .rescue("m1", at - 10)
      .claim("m1", at);
  /** By the protocol 5 s, and one for the machine. */
  const idle = (ms: number) =>
    `m1: was neither taken over nor claimed in ${ms} ms in which a pass could have done so`;

  it("counts what is claimed again", () => {
    expect(again(killed([9_000, 40_000]), 10_100).finding("taken-over")).toMatchObject({
      cases: 1,
      violations: [],
    });
    expect(killed().finding("taken-over")).toMatchObject({ cases: 0, violations: [] });
  });

  it("finds a claim, or a lease, that outlives its pass by more than the time of a lease", () => {
    const lasting = (claimedUntil: number, leasedUntil: number) => {
      const story = new Story().message("m1").lease(90, "other", leasedUntil);
      return story.claim("m1", 100, "other", claimedUntil).interrupt("killed", 200, undefined, "two");
    };
    expect(wrong(lasting(8_000, 20_700))).toEqual([]);
    expect(wrong(lasting(8_000, 20_701))).toEqual([
      "m1: is held for 20501 ms after its pass was killed, not 20000",
    ]);
    expect(wrong(lasting(20_701, 8_000))).toHaveLength(1);
    for (const point of ["time", "take-leases", "renew-leases"]) {
      const slow = lasting(8_000, 20_701);
      slow.record.disturbances.push({ instance: "two", point, at: ms(50) });
      expect(wrong(slow)).toEqual([]);
    }
    const elsewhere = lasting(8_000, 20_701);
    elsewhere.record.disturbances.push({ instance: "one", point: "renew-leases", at: ms(50) });
    expect(wrong(elsewhere)).toHaveLength(1);
  });

  it("finds what is not claimed again although passes could do so, or too late", () => {
    expect(wrong(killed([9_000, 40_000]))).toEqual([idle(30_000)]);
    expect(wrong(again(killed([9_000, 40_000]), 16_020))).toEqual([]);
    expect(wrong(again(killed([9_000, 40_000]), 16_021))).toEqual([idle(6_001)]);
    expect(wrong(again(killed([9_000, 40_000]), 22_000, 16_000))).toEqual([]);
    expect(wrong(again(killed([9_000, 40_000]), 22_001, 16_000))).toEqual([idle(6_001)]);
  });

  it("counts only the time in which a pass runs, had looked, and may begin to send", () => {
    const between = killed([9_000, 12_000], [20_000, 22_000]);
    expect(wrong(between)).toEqual([]);
    expect(wrong(killed([10_500, 14_000], [20_000, 23_500]))).toEqual([idle(7_000)]);
    // Nothing tells that it still looked when it had looked last.
    expect(wrong(killed([9_000, 9_500]).call(10_000, 40_000).look(10_100))).toEqual([]);
    // The time to send is over 50 s after the call.
    expect(wrong(killed([150, 70_000]))).toEqual([idle(40_150)]);
    const unlooked = killed([9_000, 40_000]);
    unlooked.record.looks.length = 0;
    expect(wrong(unlooked)).toEqual([]);
  });

  it("begins to count anew where a pass takes the session, which may die as well", () => {
    const taken = (...takings: [at: number, until: number][]) => {
      const story = killed([9_000, 17_200], [17_500, 26_400], [27_000, 40_000]);
      for (const [place, [at, until]] of takings.entries()) story.lease(at, `third-${place}`, until);
      return wrong(again(story, 29_020));
    };
    expect(taken()).toEqual([idle(18_100)]);
    expect(taken([15_500, 17_000], [23_400, 26_500])).toEqual([]);
    expect(taken([17_000, 17_100], [23_400, 26_500])).toEqual([idle(7_000)]);
    expect(taken([15_500, 17_000], [25_000, 26_500])).toEqual([idle(7_500)]);
  });

  it("finds what several passes leave that looked after its end, however short they were", () => {
    const short = [11_000, 12_000, 13_000].map((at): [number, number] => [at, at + 50]);
    expect(wrong(killed(...short.slice(1)))).toEqual([]);
    expect(wrong(killed(...short))).toEqual([
      "m1: was not claimed again by 3 passes that could have done so",
    ]);
    const early = killed([9_000, 9_050], ...short.slice(1));
    expect(wrong(early)).toEqual([]);
    const held = killed(...short).lease(10_500, "third", 60_000);
    expect(wrong(held)).toEqual([]);
    expect(wrong(again(killed(...short), 12_500))).toEqual([]);
    const busy = killed(...short)
      .message("m2")
      .claim("m2", 13_010);
    expect(wrong(busy)).toEqual([]);
  });

  const ableUnless = (change: (story: Story) => unknown) => {
    const story = killed([9_000, 40_000]);
    change(story);
    return wrong(story);
  };

  it.each([
    [
      "its answer says that a service was away",
      ({ record }) => Object.assign(record.calls[0] ?? {}, { status: 503 }),
    ],
    [
      "it was disturbed",
      ({ record }) => record.disturbances.push({ instance: "one", point: "claim", at: ms(11_000) }),
    ],
    ["it was frozen", (story) => story.interrupt("frozen", 11_000, 39_000)],
    [
      "it gave claims back",
      ({ record }) =>
        record.bulkReleases.push({
          instance: "one",
          passIds: [],
          stamp: undefined,
          sentAt: ms(11_000),
          repliedAt: undefined,
        }),
    ],
    [
      "a POST of its was not answered by a 201",
      (story) => story.message("m2").post("m2", 11_000, { answer: undefined }),
    ],
    [
      "it settled a message otherwise than as sent",
      (story) =>
        story.message("m2").claim("m2", 10_900).intend("m2", 10_950).endedBy("m2", 11_000, "released"),
    ],
    [
      "WAHA was away",
      ({ record }) => record.outages.push({ session: undefined, at: ms(8_000), until: ms(9_100) }),
    ],
    [
      "its session did not work",
      ({ record }) => record.outages.push({ session: "account", at: ms(8_000), until: ms(9_100) }),
    ],
    ["another pass had the lease", (story) => story.lease(10_500, "third", 60_000)],
    [
      "the session was suspended",
      (story) =>
        story
          .lease(10_500, "pass", 0)
          .record.leases.get("account")
          ?.push({ at: ms(10_501), document: { suspendedUntil: date(60_000) } }),
    ],
    ["it had another message of the session in hand", (story) => story.message("m2").claim("m2", 11_000)],
    ["the app changed the message", (story) => story.edit("m1", 11_000, { note: 1 })],
    ["the storm was over", ({ record }) => Object.assign(record, { calmFrom: ms(11_000) })],
    ["its window was closing", ({ record }) => Object.assign(record.settings, { lookbackSeconds: 17 })],
    ["sessions wait for a place", ({ record }) => Object.assign(record.settings, { sessionConcurrency: 0 })],
    ["the primary steps down", ({ record }) => Object.assign(record.settings, { failover: true })],
  ] as [string, (story: Story) => unknown][])("does not count a pass's time where %s", (_, change) => {
    expect(ableUnless(change)).toEqual([]);
  });

  it.each([
    [
      "another process was disturbed",
      ({ record }) => record.disturbances.push({ instance: "two", point: "claim", at: ms(11_000) }),
    ],
    [
      "another session did not work",
      ({ record }) => record.outages.push({ session: "two", at: ms(8_000), until: ms(9_100) }),
    ],
    [
      "it sent",
      (story) =>
        story.message("m2").claim("m2", 11_000).intend("m2", 11_010).post("m2", 11_020).sent("m2", 11_060),
    ],
    ["it held the lease itself", (story) => story.lease(10_500, "pass", 60_000)],
    ["the message was given back", (story) => story.rescue("m1", 10_200)],
  ] as [string, (story: Story) => unknown][])("counts it where %s", (_, change) => {
    expect(ableUnless(change)).toHaveLength(1);
  });

  it("does not judge what its pass had given back, posted or lost before it was killed", () => {
    const before = (story: Story) => story.call(9_000, 40_000).look(9_002).look(40_002);
    const own = () => new Story().message("m1").lease(90, "other", 10_000).claim("m1", 100, "other");
    const dies = (story: Story) => before(story.interrupt("killed", 200, undefined, "two"));
    expect(wrong(dies(own()))).toHaveLength(1);
    expect(wrong(dies(own().ends("m1", 150, "released")))).toEqual([]);
    expect(wrong(dies(own().intend("m1", 150, { instance: "two", passIds: ["other"] })))).toEqual([]);
    expect(wrong(dies(own().edit("m1", 150, { isDeleted: true })))).toEqual([]);
    const underWay = dies(own()).intend("m1", 205, { instance: "two", passIds: ["other"] });
    expect(wrong(underWay)).toEqual([]);
  });

  it("does not judge what is another session's by now, or whose campaign is on hold", () => {
    const ofCampaign = (pausedAt?: number) => {
      const story = new Story().campaign("c1", { sessionId: "account" });
      story.message("m1", { sessionId: undefined, campaignId: story.id("c1") });
      story.record.settings.lookbackSeconds = 120;
      story.lease(90, "other", 10_000).claim("m1", 100, "other").interrupt("killed", 200, undefined, "two");
      if (pausedAt) story.edit("c1", pausedAt, { status: "paused" });
      return story.call(9_000, 40_000).look(9_002).look(40_002);
    };
    expect(wrong(ofCampaign())).toHaveLength(1);
    expect(wrong(ofCampaign(11_000))).toEqual([]);
  });
});
