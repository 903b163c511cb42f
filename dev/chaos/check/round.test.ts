import { describe, expect, it } from "vitest";
import { date, LOOKBACK_MS, ms, Story } from "../../../test/support/chaos-story.ts";
import { checkRound } from "./index.ts";

const sentOne = () => new Story().message("m1").send("m1", 100);
const answer = (status: number, body: unknown = {}) => ({ answer: { status, body } });

/** Two messages that one pass claims together and sends, of a campaign that is settled then. */
function goodRound(): Story {
  const story = new Story().campaign("c1").lease(90);
  const campaignId = story.id("c1");
  story
    .message("m1", { campaignId })
    .message("m2", { campaignId: String(campaignId), scheduledAt: date(10) });
  story.claim("m1", 100).claim("m2", 100).touch("c1", 105);
  for (const [label, at] of [
    ["m1", 110],
    ["m2", 160],
  ] as const) {
    story
      .intend(label, at)
      .post(label, at + 10)
      .accept(label, at + 20)
      .sent(label, at + 40);
  }
  return story.settle("c1", 500, { total: 2, sent: 2 });
}

describe("a round in which all goes well", () => {
  const story = goodRound();

  it("holds every invariant, each in order and against something, as no request was redirected and no pass was killed", () => {
    const findings = [...checkRound(story.record)];
    expect(findings.flatMap(({ violations }) => violations)).toEqual([]);
    expect(findings.map(({ invariant }) => invariant)).toEqual([
      "once",
      "intent-first",
      "as-stored",
      "routed",
      "isSent-true",
      "life-cycle",
      "stale-writes",
      "final",
      "agrees",
      "order",
      "one-sender",
      "under-lease",
      "rests",
      "taken-over",
      "campaigns",
      "receipts",
      "redirects",
      "answers",
    ]);
    const unproven = findings.filter(({ cases }) => cases === 0).map(({ invariant }) => invariant);
    expect(unproven).toEqual(["rests", "taken-over", "receipts", "redirects"]);
  });
});

describe("once", () => {
  it("counts each message that was posted or accepted", () => {
    expect(sentOne().message("m2").finding("once")).toMatchObject({ cases: 1, violations: [] });
  });

  it("finds a message that WAHA accepted twice", () => {
    expect(sentOne().accept("m1", 900).wrong("once")).toEqual([
      "m1: accepted twice by WAHA (no. 1 and 2), and WhatsApp did not refuse the earlier one",
    ]);
  });

  it("lets one go out again that WhatsApp refused, if a person asked, and else not", () => {
    const refused = () =>
      new Story()
        .message("m1")
        .claim("m1", 100)
        .intend("m1", 110)
        .post("m1", 120, { answer: undefined, delivered: false })
        .accept("m1", 130, { ack: -1 })
        .ends("m1", 300, "failed", "whatsapp_refused");
    const again = (story: Story) =>
      story.claim("m1", 500).intend("m1", 510).post("m1", 520).accept("m1", 530);
    expect(again(refused().edit("m1", 400, { isPicked: false })).wrong("once")).toEqual([]);
    expect(again(refused()).wrong("once")).toEqual([
      "m1: accepted twice by WAHA (no. 1 and 2), and no person asked again",
      "m1: posted again by one 400 ms after a POST by one whose answer (no answer) is no proof; no person asked again",
    ]);
  });

  it("does not take what a person asked before the first POST for asking again", () => {
    const story = new Story().message("m1").ends("m1", 10, "missed", "window_closed");
    story.edit("m1", 50, { isPicked: false }).send("m1", 100).accept("m1", 900, { ack: 1 });
    expect(story.wrong("once")).toHaveLength(1);
  });

  it("finds what WAHA accepted for a chat that no message has", () => {
    const story = sentOne().message("m2").accept("m2", 300, { chatId: "1@c.us" });
    expect(story.wrong("once")).toEqual([
      ": WAHA accepted a message to 1@c.us, a chat that no message ever had",
    ]);
  });

  it("tells messages of one chat apart by their texts", () => {
    const story = sentOne().message("m2", { chatId: "49150000001@c.us" }).send("m2", 300);
    expect(story.wrong("once")).toEqual([]);
  });

  it("knows a chat of bare digits by its full form", () => {
    const story = new Story().message("m1", { chatId: "49150000001" }).send("m1", 100);
    story.record.posts = story.record.posts.map((post) => ({ ...post, chatId: "49150000001@c.us" }));
    expect(story.accept("m1", 900, { chatId: "49150000001@c.us" }).wrong("once")).toHaveLength(1);
  });

  it.each([
    ["400, its body cut off", answer(400, undefined)],
    ["401", answer(401)],
    ["301", answer(301)],
    ["308", answer(308)],
    ["404 of an unknown session", answer(404, { message: "We didn't find a session with name 'a'" })],
    ["422 of a session that does not work", answer(422, { error: "Session status is not as expected. Try" })],
    ["422 of Core", answer(422, { message: "WAHA Core support only 'default' session." })],
  ])("lets a message be posted again after a %s", (_, first) => {
    const story = new Story().message("m1").post("m1", 100, first).post("m1", 300);
    expect(story.finding("once")).toMatchObject({ cases: 1, violations: [] });
  });

  it.each([
    ["201", answer(201)],
    ["201 without a body", answer(201, undefined)],
    ["200", answer(200)],
    ["303", answer(303)],
    ["421", answer(421)],
    ["404 of another kind", answer(404, { error: { message: "ENOENT: We didn't find a session" } })],
    ["404 without a body", answer(404, undefined)],
    ["422 that quotes a refusal", answer(422, { message: "it says: Session status is not as expected" })],
    ["500", answer(500, { exception: { message: "Simulated failure" } })],
    ["500 by which WhatsApp refuses", answer(500, { exception: { message: "server returned error 479" } })],
    ["502 with WAHA's own words", answer(502, { message: "We didn't find a session" })],
    ["400 that never arrived", { ...answer(400), delivered: false }],
    ["broken connection", { answer: undefined, delivered: false }],
  ])("finds a message that was posted again after a %s", (_, first) => {
    const story = new Story().message("m1").post("m1", 100, first).post("m1", 300);
    expect(story.wrong("once")).toHaveLength(1);
  });
});

describe("intent-first", () => {
  it("counts every POST", () => {
    expect(sentOne().finding("intent-first")).toMatchObject({ cases: 1, violations: [] });
  });

  const withWrite = (change: object) => {
    const story = sentOne();
    Object.assign(story.record.writes[0] ?? {}, change);
    return story.wrong("intent-first");
  };

  it("takes an intent that was acknowledged at the very moment of the POST", () => {
    expect(withWrite({ repliedAt: ms(120) })).toEqual([]);
  });

  it.each([
    ["was acknowledged after the POST", { repliedAt: ms(121) }],
    ["was not acknowledged", { acknowledged: false }],
    ["was never answered", { acknowledged: false, repliedAt: undefined }],
    ["another process wrote", { instance: "two" }],
    ["is no intent", { to: "sent" }],
    ["is another message's", { message: "another" }],
  ])("finds a POST whose intent %s", (_, change) => {
    expect(withWrite(change)).toEqual(["m1: posted by one without an acknowledged intent of its own"]);
  });

  it("finds a second POST on one intent", () => {
    const story = sentOne().post("m1", 200);
    expect(story.finding("intent-first").cases).toBe(2);
    expect(story.wrong("intent-first")).toHaveLength(1);
  });
});

describe("as-stored", () => {
  it("counts every POST", () => {
    expect(sentOne().finding("as-stored")).toMatchObject({ cases: 1, violations: [] });
  });

  it("does not mind what the app writes after the intent", () => {
    const story = new Story().message("m1").claim("m1", 100).intend("m1", 110).post("m1", 120);
    story.edit("m1", 115, { content: "m1 v1", isDeleted: true });
    expect(story.wrong("as-stored")).toEqual([]);
  });

  it("takes the full form of a chat that was stored as bare digits", () => {
    const story = new Story().message("m1", { chatId: "49150000001" }).claim("m1", 100);
    story.intend("m1", 110, { changes: { "delivery.chatId": "49150000001@c.us" } });
    expect(story.post("m1", 120, { chatId: "49150000001@c.us" }).wrong("as-stored")).toEqual([]);
    expect(story.post("m1", 130).wrong("as-stored")).toHaveLength(1);
  });

  const attempted = (fields: Record<string, unknown>, claimedAt = 100, changes = {}) =>
    new Story()
      .message("m1", fields)
      .claim("m1", claimedAt)
      .intend("m1", claimedAt + 10, { changes });

  it.each([
    ["text", attempted({}).post("m1", 120, { text: "m1 v1" }), 'its text was "m1 v0", not "m1 v1"'],
    [
      "session",
      attempted({}).post("m1", 120, { session: "two" }),
      'delivery.session was "account", not "two"',
    ],
    [
      "chat",
      attempted({}, 100, { "delivery.chatId": "2@c.us" }).post("m1", 120),
      'delivery.chatId was "2@c.us", not "49150000001@c.us"',
    ],
    ["deletion", attempted({ isDeleted: true }).post("m1", 120), "it was deleted"],
    ["being sent", attempted({ isSent: true }).post("m1", 120), "it was sent already"],
  ])("finds a POST that disregards the stored %s", (_, story, wrong) => {
    expect(story.wrong("as-stored")).toEqual([`m1: posted by one, but at its intent ${wrong}`]);
  });

  it("finds a POST to a chat that the app had given up before the intent", () => {
    const story = new Story().message("m1").claim("m1", 100).edit("m1", 105, { chatId: "49150000002@c.us" });
    story.intend("m1", 110).post("m1", 120, { chatId: "49150000001@c.us" });
    expect(story.wrong("as-stored")[0]).toContain('its chat was "49150000002@c.us"');
  });

  it.each([
    ["at the end of the window", LOOKBACK_MS, 0],
    ["past the window", LOOKBACK_MS + 11, 1],
    ["before its time", -11, 1],
  ])("tells a claim %s", (_, claimedAt, found) => {
    const story = attempted({}, claimedAt).post("m1", claimedAt + 20);
    expect(story.wrong("as-stored")).toHaveLength(found);
  });

  it.each([
    ["took no effect", new Story().message("m1").claim("m1", 100).post("m1", 120)],
    ["is another pass's", attempted({}).post("m1", 120, { passIds: ["other"] })],
    ["took effect only later", new Story().message("m1").claim("m1", 100).intend("m1", 150).post("m1", 120)],
  ])("finds a POST whose intent %s", (_, story) => {
    expect(story.wrong("as-stored")).toEqual(["m1: posted by one, none of whose intents had taken effect"]);
  });

  it("finds a POST to a chat that no message has", () => {
    const story = new Story().message("m1").post("m1", 120, { chatId: "1@c.us" });
    expect(story.wrong("as-stored")).toEqual([": one posted to 1@c.us, a chat that no message ever had"]);
  });
});

describe("isSent-true", () => {
  it("counts every setting of it, and none that the app did", () => {
    expect(sentOne().finding("isSent-true")).toMatchObject({ cases: 1, violations: [] });
    expect(new Story().message("m1").edit("m1", 10, { isSent: true }).finding("isSent-true").cases).toBe(0);
  });

  const sentWith = (acceptedAt: number) =>
    new Story().message("m1").claim("m1", 100).intend("m1", 110).accept("m1", acceptedAt).sent("m1", 200);

  it("finds what WAHA accepted only later, or never", () => {
    expect(sentWith(210).wrong("isSent-true")).toEqual([]);
    const wrong = ["m1: isSent was set, and WAHA had not accepted it"];
    expect(sentWith(211).wrong("isSent-true")).toEqual(wrong);
    const never = new Story().message("m1").claim("m1", 100).intend("m1", 110).sent("m1", 200);
    expect(never.wrong("isSent-true")).toEqual(wrong);
  });

  it("finds isSent without the state", () => {
    expect(new Story().message("m1").write("m1", 10, { isSent: true }).wrong("isSent-true")).toHaveLength(1);
  });

  it("does not count what WAHA had accepted in an earlier attempt", () => {
    const story = new Story().message("m1").accept("m1", 50).claim("m1", 100).intend("m1", 110);
    expect(story.sent("m1", 200).wrong("isSent-true")).toHaveLength(1);
  });

  it("lets flags be set back that the app had reset on what was sent", () => {
    const story = sentOne().edit("m1", 300, { isSent: false, isPicked: false });
    story.write("m1", 400, { isSent: true, isPicked: true });
    expect(story.finding("isSent-true")).toMatchObject({ cases: 1, violations: [] });
    expect(story.wrong("life-cycle")).toEqual([]);
  });
});

describe("routed", () => {
  /** One of a campaign on session `a`, claimed at 100 and posted at 120 on `session`. */
  const posted = (session: string, own: object = {}, campaign: object = {}) => {
    const story = new Story().campaign("c1", { sessionId: "a", ...campaign });
    const message = { campaignId: story.id("c1"), sessionId: undefined, ...own };
    story
      .message("m1", message)
      .claim("m1", 100)
      .intend("m1", 110, { changes: { "delivery.session": session } });
    return story.post("m1", 120, { session });
  };

  it("counts every POST that has an intent, on its campaign's session or its own", () => {
    expect(posted("a").finding("routed")).toMatchObject({ cases: 1, violations: [] });
    expect(posted("b", { sessionId: "b" }).wrong("routed")).toEqual([]);
  });

  it("knows a session's name by the id of the app's document", () => {
    const story = posted("named", { sessionId: "64f000000000000000000001" });
    story.record.sessions.set("64f000000000000000000001", "named");
    expect(story.wrong("routed")).toEqual([]);
  });

  it("finds one on another session than its own, or than its campaign's", () => {
    expect(posted("a", { sessionId: "b" }).wrong("routed")).toEqual(["m1: went out on a, not on b"]);
    expect(posted("b").wrong("routed")).toEqual(["m1: went out on b, not on a"]);
  });

  it("finds one without any session, its campaign being gone", () => {
    const story = posted("a");
    story.record.campaigns.clear();
    expect(story.wrong("routed")).toEqual(["m1: went out on a, not on any"]);
  });

  it("finds one whose campaign was on hold all the time, and not one whose campaign was paused just now", () => {
    expect(posted("a", {}, { status: "paused" }).wrong("routed")).toEqual([
      "m1: went out, and its campaign was on hold",
    ]);
    expect(posted("a").edit("c1", 90, { status: "paused" }).wrong("routed")).toEqual([]);
  });
});
