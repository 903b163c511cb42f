import { describe, expect, it } from "vitest";
import { ms, Story } from "../../../test/support/chaos-story.ts";
import type { Post } from "../record.ts";

/** The harness ends the lease of a pass, which is told at some moment. */
function endLease(story: Story, at: number, toldAt?: number, passId = "pass"): Story {
  const told = toldAt === undefined ? undefined : ms(toldAt);
  story.record.endedLeases.push({ session: "account", passId, at: ms(at), toldAt: told });
  return story.lease(at, "pass", at - 1);
}

/** A POST of `m1` from 200 on under a lease, by a pass that claimed it at 180. */
function posting(
  endedAt: number,
  leases: [at: number, untilAt: number][],
  fields: Partial<Post> = {},
): Story {
  const story = new Story().message("m1").claim("m1", 180).intend("m1", 190);
  for (const [at, untilAt] of leases) story.lease(at, "pass", untilAt);
  return story.post("m1", 200, { endedAt: ms(endedAt), ...fields });
}

const tooLong = (by: number) => [`m1: its POST by one went on for ${by} ms after the lease of account`];

describe("one-sender, as for the whole of a POST,", () => {
  const wrong = (story: Story) => story.wrong("one-sender");

  it("lets one outlast any lease that is renewed in time", () => {
    const renewed = posting(60_000, [
      [100, 20_000],
      [15_000, 35_000],
      [30_000, 50_000],
      [49_999, 69_999],
    ]);
    expect(renewed.finding("one-sender")).toMatchObject({ cases: 1, violations: [] });
  });

  it("finds one that goes on after its lease has run out, but for what a busy machine may take", () => {
    expect(wrong(posting(20_100, [[100, 20_000]]))).toEqual([]);
    expect(wrong(posting(20_101, [[100, 20_000]]))).toEqual(tooLong(101));
  });

  it("does not count the time in which the harness stood still", () => {
    const story = posting(21_000, [[100, 20_000]]);
    story.record.stalls.push([ms(19_500), ms(20_600)], [ms(20_650), ms(20_950)]);
    expect(wrong(story)).toEqual([]);
    story.record.stalls.pop();
    expect(wrong(story)).toEqual(tooLong(400));
  });

  it("finds one whose lease was renewed too late", () => {
    const late = posting(30_000, [
      [100, 20_000],
      [20_001, 40_000],
    ]);
    expect(wrong(late)).toEqual(tooLong(10_000));
  });

  it("finds one whose lease another pass took, or that its own pass gave back", () => {
    expect(wrong(posting(500, [[100, 9_000]]).lease(300, "other"))).toEqual(tooLong(200));
    expect(wrong(posting(500, [[100, 9_000]]).lease(300, "pass", 0))).toContain(tooLong(200)[0]);
  });

  it("excuses a process that was stopped meanwhile, and no other", () => {
    const outlived = () => posting(30_000, [[100, 20_000]]);
    expect(wrong(outlived().interrupt("frozen", 10_000, 29_000))).toEqual([]);
    expect(wrong(outlived().interrupt("killed", 10_000))).toEqual([]);
    expect(wrong(outlived().interrupt("frozen", 10_000, 29_000, "two"))).toHaveLength(1);
    expect(wrong(outlived().interrupt("frozen", 100, 150))).toHaveLength(1);
  });

  it("does not ask how long one lasted that never ended", () => {
    expect(wrong(posting(Number.POSITIVE_INFINITY, [[100, 20_000]]))).toEqual([]);
  });
});

describe("one-sender, where the harness ends a lease,", () => {
  const wrong = (story: Story) => story.wrong("one-sender");
  const second = (story: Story, at: number) =>
    story
      .message("m2")
      .claim("m2", at - 20)
      .intend("m2", at - 10)
      .post("m2", at);

  it("excuses a POST that was under way, and one of a pass that was not told yet", () => {
    expect(wrong(endLease(posting(9_000, [[100, 20_000]]), 300, 310))).toEqual([]);
    expect(wrong(second(endLease(posting(250, [[100, 20_000]]), 300, 310), 305))).toEqual([]);
  });

  it("finds a POST of a pass that was told", () => {
    expect(wrong(second(endLease(posting(250, [[100, 20_000]]), 300, 310), 710))).toEqual([]);
    expect(wrong(second(endLease(posting(250, [[100, 20_000]]), 300, 310), 711))).toEqual([
      "m2: posted by one without the lease of account: it was pass's, until 412 ms before",
    ]);
  });

  it("excuses a POST that began before its pass was told, when the next pass sends", () => {
    const next = { instance: "two", passIds: ["next"] };
    const overlapping = (toldAt: number) =>
      second(endLease(posting(250, [[100, 20_000]]), 300, toldAt), 750)
        .lease(1_020, "next")
        .message("m3")
        .claim("m3", 1_030, "next")
        .intend("m3", 1_040, next)
        .post("m3", 1_050, next);
    const underWay = (story: Story) => {
      for (const post of story.record.posts) if (post.text.startsWith("m2")) post.endedAt = ms(1_320);
      return story.wrong("one-sender");
    };
    expect(underWay(overlapping(760))).toEqual([]);
    expect(underWay(overlapping(310))).toContain(
      "m3: posted on account by two while m2's POST by one was under way, for 270 ms more",
    );
  });

  it.each([["never"], ["late", 60_000]])(
    "lets a pass that is %s told rely on it for the time of one lease",
    (_, toldAt?: number) => {
      const relying = (at: number) => second(endLease(posting(250, [[100, 20_000]]), 300, toldAt), at);
      expect(wrong(relying(20_700))).toEqual([]);
      expect(wrong(relying(20_701))).toHaveLength(1);
    },
  );

  it("does not count the time in which the harness stood still", () => {
    const late = second(endLease(posting(250, [[100, 20_000]]), 300, 310), 1_100);
    late.record.stalls.push([ms(400), ms(800)]);
    expect(wrong(late)).toEqual([]);
    late.record.stalls.pop();
    expect(wrong(late)).toHaveLength(1);
  });

  it("excuses no other pass", () => {
    const ended = (story: Story) => endLease(story, 300, 310, "other");
    expect(wrong(ended(posting(9_000, [[100, 20_000]])))).toContain(tooLong(8_700)[0]);
    expect(wrong(second(ended(posting(250, [[100, 20_000]])), 340))).toHaveLength(1);
  });
});

describe("one-sender, as for a lease that is given back,", () => {
  const wrong = (story: Story) => story.wrong("one-sender");
  const cutOff = { answer: undefined, delivered: false, cutOff: true };

  it("lets it be after the answer", () => {
    expect(wrong(posting(250, [[100, 20_000]]).lease(270, "pass", 0))).toEqual([]);
  });

  it("finds it under a POST", () => {
    expect(wrong(posting(300, [[100, 20_000]]).lease(270, "pass", 0))).toEqual([
      "m1: the lease of account was given back while its POST was under way",
    ]);
  });

  it("finds it after a POST that the pass cut off, until that lease has run out", () => {
    const givenBack = (at: number) => posting(250, [[100, 20_000]], cutOff).lease(at, "pass", 0);
    expect(wrong(givenBack(270))).toEqual([
      "m1: the lease of account was given back 20 ms after its POST was cut off",
    ]);
    const takenAnew = posting(250, [[100, 20_000]], cutOff).lease(21_000, "pass", 41_000);
    expect(wrong(takenAnew.lease(22_000, "pass", 0))).toEqual([]);
    const broken = posting(250, [[100, 20_000]], { ...cutOff, cutOff: false }).lease(270, "pass", 0);
    expect(wrong(broken)).toEqual([]);
  });

  it("does not take time that is made to pass for it", () => {
    const aged = posting(250, [[100, 20_000]], cutOff).lease(270, "pass", -2_730);
    const lease = aged.record.leases.get("account")?.at(-1)?.document;
    Object.assign(lease ?? {}, { agedBy: 3_000 });
    expect(wrong(aged)).toEqual([]);
  });

  it("does not take a lease that runs out, is taken, or is ended by the harness, for one that is given back", () => {
    expect(wrong(posting(250, [[100, 20_000]], cutOff).lease(21_000, "other"))).toEqual([]);
    expect(wrong(endLease(posting(250, [[100, 20_000]], cutOff), 240, 245))).toEqual([]);
    expect(wrong(endLease(posting(250, [[100, 20_000]], cutOff), 240, 245, "other"))).toHaveLength(1);
  });
});

describe("under-lease", () => {
  const wrong = (story: Story) => story.wrong("under-lease");
  const claimed = (...leases: Parameters<Story["lease"]>[]) => {
    const story = new Story().message("m1").claim("m1", 200);
    for (const lease of leases) story.lease(...lease);
    return story;
  };

  it("counts every claim of a message that names a session", () => {
    const story = claimed([100]).message("m2", { sessionId: undefined }).claim("m2", 300);
    expect(story.finding("under-lease")).toMatchObject({ cases: 1, violations: [] });
  });

  it.each([
    ["no pass has", [], "no pass had it"],
    ["another pass has", [[100, "other"]], "it was other's, for 8800 ms more"],
    ["has run out", [[100, "pass", 189]], "it was pass's, until 11 ms before"],
    ["is taken only later", [[211]], "no pass had it"],
  ] as [string, Parameters<Story["lease"]>[], string][])("finds a claim whose lease %s", (_, leases, why) => {
    expect(wrong(claimed(...leases))).toEqual([`m1: claimed by pass without the lease of account: ${why}`]);
  });

  it("goes by when the claim was sent, however late it arrived", () => {
    expect(wrong(claimed([100, "pass", 8_300], [180, "other", 8_300]))).toHaveLength(1);
    const held = claimed([50, "pass", 8_300], [180, "other", 8_300]).asks(["m1"], 150, { claimedAt: 200 });
    expect(wrong(held)).toEqual([]);
  });

  it("takes the lease of any session that the message named until the claim", () => {
    const moved = new Story().message("m1", { sessionId: "two" }).lease(100);
    expect(wrong(moved.edit("m1", 190, { sessionId: "account" }).claim("m1", 200))).toEqual([]);
    const away = new Story().message("m1").lease(100).edit("m1", 190, { sessionId: "two" });
    expect(wrong(away.claim("m1", 200))).toEqual([]);
  });

  it("finds a claim that ends when its lease does, or later", () => {
    expect(wrong(claimed([100, "pass", 8_201]))).toEqual([]);
    expect(wrong(claimed([100, "pass", 8_200]))).toEqual([
      "m1: claimed by pass until 0 ms after its lease ends",
    ]);
  });

  it("takes a renewal just before the claim into account", () => {
    expect(wrong(claimed([100, "pass", 8_200], [195, "pass", 8_295]))).toEqual([]);
  });

  it("finds a claim that lasts for too long, as long as the storm's settings count", () => {
    const long = () => new Story().message("m1").lease(100, "pass", 30_000).claim("m1", 200, "pass", 15_301);
    expect(wrong(long())).toEqual(["m1: claimed by pass for 15101 ms, not 15000 at most"]);
    const calm = long();
    calm.record.calmFrom = ms(150);
    expect(wrong(calm)).toEqual([]);
    const short = long();
    short.record.settings.passSeconds = 600;
    expect(wrong(short)).toHaveLength(1);
  });

  it("excuses a process that was stopped before it asked, and no other", () => {
    const late = () => claimed([100, "pass", 150]).asks(["m1"], 200);
    expect(wrong(late().interrupt("frozen", 140, 195))).toEqual([]);
    expect(wrong(late().interrupt("frozen", 140, 180))).toHaveLength(1);
    expect(wrong(late().interrupt("frozen", 140, 195, "two"))).toHaveLength(1);
  });

  it("excuses a pass whose lease the harness has ended, until it is told, and no other", () => {
    expect(wrong(endLease(claimed([100, "pass", 190]), 185, 205))).toEqual([]);
    expect(wrong(endLease(claimed([100, "pass", 190]), 185, 205, "other"))).toHaveLength(1);
    expect(wrong(endLease(claimed([-900]), -800, -210))).toHaveLength(1);
  });
});

describe("rests", () => {
  const wrong = (story: Story) => story.wrong("rests");
  /** Under a lease the process has its session rest, at some moments until others. */
  const resting = (...rests: [at: number, until: number | undefined][]) => {
    const story = new Story().message("m1").lease(100).claim("m1", 200).intend("m1", 220);
    for (const rest of rests) story.rest(...rest);
    return story;
  };

  it("finds a POST in the middle of a rest, and none before it was heard of, after it, or after it was lifted", () => {
    const rest: [number, number][] = [[300, 5_000]];
    expect(wrong(resting(...rest).post("m1", 500))).toEqual([]);
    expect(wrong(resting(...rest).post("m1", 600))).toEqual([
      expect.stringContaining("on account, which was to rest for 4400 ms more"),
    ]);
    expect(wrong(resting(...rest).post("m1", 5_000))).toEqual([]);
    expect(wrong(resting([300, 5_000], [900, undefined]).post("m1", 1_200))).toEqual([]);
    expect(wrong(resting([300, 5_000], [900, 9_000]).post("m1", 5_100))).toHaveLength(1);
  });

  it("lets a process that was stopped go on where it was", () => {
    expect(wrong(resting([300, 5_000]).interrupt("frozen", 230, 590).post("m1", 600))).toEqual([]);
  });

  it("excuses a process that can't know of a rest, as another one wrote it under the same lease", () => {
    const other = { instance: "two", passIds: ["other"] };
    const told = () => resting().rest(300, 5_000, other);
    expect(wrong(told().post("m1", 600))).toEqual([]);
    expect(wrong(told().rest(320, 6_000).post("m1", 600))).toHaveLength(1);
    // A longer rest stands already.
    expect(wrong(told().rest(320, 5_000).post("m1", 600))).toHaveLength(1);
    // Its own rest was another one, and is lifted.
    const earlier = resting([300, 5_000], [900, undefined]).rest(1_000, 9_000, other);
    expect(wrong(earlier.post("m1", 1_300))).toEqual([]);
  });

  it("holds a process to a rest that was stopped, and went on, before its intent", () => {
    const late = resting([300, 5_000]).interrupt("frozen", 10, 20);
    expect(wrong(late.post("m1", 600))).toHaveLength(1);
  });

  it("finds a POST under a lease that was taken in the middle of a rest", () => {
    const later = resting([300, 5_000]);
    const history = later.record.leases.get("account") ?? [];
    history.push({ at: ms(400), document: { ...history.at(-1)?.document, passId: "other" } });
    expect(wrong(later.post("m1", 700, { instance: "two", passIds: ["other"] }))).toHaveLength(1);
  });

  it("counts the sessions that rested", () => {
    expect(resting([300, 5_000]).finding("rests")).toMatchObject({ cases: 1 });
    expect(resting([300, undefined]).finding("rests")).toMatchObject({ cases: 0 });
  });
});
