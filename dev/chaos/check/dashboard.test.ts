import { describe, expect, it } from "vitest";
import { date, Story } from "../../../test/support/chaos-story.ts";

const CHAT = "120363021234567890@g.us";
const OTHER = "120363021234567891@g.us";

/** Two messages of a campaign whose group is the chat, the first with an intent. */
function ofGroup(claimedAt = date(100)): Story {
  const story = new Story().byDashboard().group("g1", CHAT);
  story.campaign("c1", { groupId: story.id("g1") });
  for (const label of ["m1", "m2"]) story.message(label, { chatId: undefined, campaignId: story.id("c1") });
  const changes = { "delivery.claimedAt": claimedAt, "delivery.chatId": CHAT };
  return story.claim("m1", 100).intend("m1", 110, { changes });
}

describe("a message whose campaign's group is its chat", () => {
  const wrong = (story: Story) => story.wrong("as-stored");

  it("is told by its text from the others of that chat", () => {
    const story = ofGroup().post("m1", 120, { chatId: CHAT });
    expect(wrong(story)).toEqual([]);
    expect(story.post("m2", 130, { chatId: CHAT }).wrong("intent-first")).toEqual([
      "m2: posted by one without an acknowledged intent of its own",
    ]);
  });

  it("goes where the group was between its claim and its intent", () => {
    const moved = ofGroup().edit("g1", 115, { chatId: OTHER });
    expect(wrong(moved.post("m1", 120, { chatId: CHAT }))).toEqual([]);
    const before = ofGroup().edit("g1", 50, { chatId: OTHER });
    expect(wrong(before.post("m1", 120, { chatId: CHAT }))).toEqual([
      `m1: posted by one, but at its intent its chat was "${OTHER}", not "${CHAT}"`,
    ]);
  });
});

it("is held against the group of its claim also where the clock of its pass is ahead", () => {
  const ahead = ofGroup(date(200)).post("m1", 120, { chatId: CHAT });
  expect(ahead.wrong("as-stored")).toEqual([]);
});

describe("a message with a file", () => {
  const media = { kind: "image", url: "https://files.example.com/1" };
  const attempted = () => new Story().message("m1", { media }).claim("m1", 100).intend("m1", 110);

  it("is posted as that kind, with that address", () => {
    expect(attempted().post("m1", 120).wrong("as-stored")).toEqual([]);
    expect(attempted().post("m1", 120, { kind: "video" }).wrong("as-stored")).toEqual([
      "m1: posted by one, but at its intent its kind was image, not video",
    ]);
    expect(attempted().post("m1", 120, { url: undefined }).wrong("as-stored")).toEqual([
      `m1: posted by one, but at its intent its file was at "${media.url}", not absent`,
    ]);
  });

  const failed = (name: string, message: string) => ({
    answer: { status: 500, body: { exception: { name, message } } },
  });
  const again = (first: object, engine: string, kind = media.kind) => {
    const story = new Story().message("m1", { media: { ...media, kind } });
    story.record.engines.set("account", engine);
    return story.post("m1", 100, first).post("m1", 300).wrong("once").length;
  };

  it.each([
    ["AxiosError", "Request failed with status code 500", "GOWS", 0],
    ["AxiosError", "connect ECONNREFUSED 127.0.0.1:443", "NOWEB", 0],
    ["Error", "2 UNKNOWN: failed to upload media", "GOWS", 0],
    ["AxiosError", "Request failed with status code 404", "GOWS", 1],
    ["AxiosError", "Request failed with status code 500", "WEBJS", 1],
    ["Error", "Request failed with status code 500", "GOWS", 1],
    ["Error", "2 UNKNOWN: failed to upload media", "NOWEB", 1],
  ])("posted again after %s, %s, on %s is wrong %i times", (name, message, engine, wrong) => {
    expect(again(failed(name, message), engine)).toBe(wrong);
  });

  it("is proven unsent by words that prove nothing for a text", () => {
    const first = failed("AxiosError", "Request failed with status code 500");
    const text = new Story().message("m1").post("m1", 100, first).post("m1", 300);
    expect(text.wrong("once")).toHaveLength(1);
  });
});

describe("what the app's own screens show", () => {
  const missed = (shown: object) =>
    new Story()
      .byDashboard()
      .message("m1")
      .ends("m1", 100, "missed", "window_closed")
      .write("m1", 100, { ...shown });
  const reason = "window_closed: window_closed, in words";

  it("is that it failed, and why", () => {
    expect(shownOf({ failed: true, failedReason: reason })).toEqual([]);
    expect(shownOf({ failed: false, failedReason: reason })).toEqual([
      "m1: is missed, and for the app failed is false",
    ]);
    expect(shownOf({ failed: true, failedReason: null })).toEqual([
      "m1: is missed, and for the app the reason is null",
    ]);
  });

  function shownOf(shown: object): string[] {
    return missed(shown).wrong("agrees");
  }

  it("is nothing of the kind once it is sent, and for one that is unknown the reason alone", () => {
    const sent = new Story().byDashboard().message("m1").send("m1", 100);
    expect(sent.wrong("agrees")).toHaveLength(2);
    expect(sent.write("m1", 200, { failed: false, failedReason: null }).wrong("agrees")).toEqual([]);
    const unknown = new Story().byDashboard().message("m1").claim("m1", 100).intend("m1", 110);
    unknown.ends("m1", 200, "unknown", "waha_timeout");
    unknown.write("m1", 200, { failed: true, failedReason: "waha_timeout: waha_timeout, in words" });
    expect(unknown.wrong("agrees")).toEqual(["m1: is unknown, and for the app failed is true"]);
  });

  it("is nothing where the app has no such fields", () => {
    const plain = new Story().message("m1").ends("m1", 100, "missed", "window_closed");
    expect(plain.wrong("agrees")).toEqual([]);
  });

  it.each([
    ["completed", true, 0],
    ["completed", false, 1],
    ["completed_with_failures", true, 1],
    ["sending", true, 1],
    ["sending", false, 0],
    ["cancelled", true, 0],
  ])("of a campaign that is %s: completed is %s, %i wrong", (status, completed, wrong) => {
    const story = new Story().byDashboard().campaign("c1").touch("c1", 90);
    story.message("m1", { campaignId: story.id("c1"), scheduledAt: date(60_000) });
    story.write("c1", 100, { status, completed });
    expect(story.wrong("campaigns").length).toBe(wrong);
  });
});
