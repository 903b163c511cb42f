import { describe, expect, it } from "vitest";
import { because, date, LOOKBACK_MS, Story } from "../../../test/support/chaos-story.ts";

const fresh = (fields = {}) => new Story().message("m1", fields);
const claimed = (fields = {}) => fresh(fields).claim("m1", 100);
const attempting = () => claimed().intend("m1", 110);
const unknown = () => attempting().ends("m1", 200, "unknown", "waha_timeout");
const sent = () => attempting().sent("m1", 200);
const wrong = (story: Story) => story.wrong("life-cycle");

describe("life-cycle", () => {
  it("counts the scheduler's writes alone", () => {
    const story = claimed().edit("m1", 105, { content: "new" }).age("m1", 300, 1000);
    expect(story.finding("life-cycle")).toMatchObject({ cases: 1, violations: [] });
  });

  const stays = { "delivery.nextLookupAt": date(9_000) };
  const forgotten = { "delivery.nextLookupAt": undefined };
  const noted = { "delivery.state": "released", "delivery.error": because("no_session", 10) };
  const setBack = (isSent: boolean) => ({ isPicked: true, isSent });
  const reset = { isPicked: false, isSent: false };
  const pastWindow = LOOKBACK_MS + 50;

  it.each([
    ["claim, intent and 201", sent()],
    ["claim of what has a delivery that is none", claimed({ delivery: "sent" })],
    ["claim of what has a list for a delivery", claimed({ delivery: [{ state: "sent" }] })],
    ["claim of what was tried before", claimed({ delivery: { state: "released", attempts: 3, error: {} } })],
    ["note", fresh().write("m1", 10, noted)],
    ["note on what has no delivery but null", fresh({ delivery: null }).write("m1", 10, noted)],
    ["rescue", claimed().write("m1", 8_200, { ...rescued(8_150), isPicked: false })],
    ["release before the intent", claimed().ends("m1", 150, "released")],
    ["release of what never came to its turn", claimed().write("m1", 150, untried("claim_ran_out"))],
    ["release after it", attempting().ends("m1", 150, "released")],
    ["end of an invalid document", claimed().ends("m1", 150, "failed", "invalid_message")],
    ["refusal by WhatsApp", attempting().ends("m1", 150, "failed", "whatsapp_refused")],
    [
      "answer that proves nothing",
      attempting().write("m1", 150, { "delivery.error": because("waha_error", 150) }),
    ],
    ["lookup that is repeated", attempting().write("m1", 150, stays)],
    ["lookup of what is unknown", unknown().write("m1", 300, stays)],
    ["late 201", unknown().sent("m1", 300)],
    ["refusal that is found late", unknown().ends("m1", 300, "failed", "whatsapp_refused")],
    ["settlement of which the campaign knows", unknown().sent("m1", 300).write("m1", 400, forgotten)],
    ["refusal of which it knows", unknown().ends("m1", 300, "failed").write("m1", 400, forgotten)],
    ["closed window", fresh().ends("m1", pastWindow, "missed", "window_closed")],
    ["flags set back on what is sent", sent().edit("m1", 300, reset).write("m1", 400, setBack(true))],
    ["flags set back on what is unknown", unknown().edit("m1", 300, reset).write("m1", 400, setBack(false))],
    [
      "failure of what the app had unpicked",
      attempting().edit("m1", 120, reset).write("m1", 150, failedUnpicked()),
    ],
  ])("lets a %s pass", (_, story) => {
    expect(wrong(story)).toEqual([]);
  });

  it.each([
    ["none → sent", fresh().sent("m1", 50)],
    ["none → attempting", fresh().write("m1", 50, { "delivery.state": "attempting" })],
    ["none → failed", fresh().ends("m1", 50, "failed")],
    ["claimed → unknown", claimed().ends("m1", 150, "unknown")],
    ["claimed → missed", claimed().ends("m1", 150, "missed")],
    ["attempting → claimed", attempting().claim("m1", 200)],
    ["attempting → missed", attempting().ends("m1", 200, "missed")],
    ["unknown → released", unknown().ends("m1", 300, "released")],
    ["unknown → claimed", unknown().claim("m1", 300)],
    ["unknown → attempting", unknown().intend("m1", 300)],
    ["sent → released", sent().ends("m1", 300, "released")],
    ["sent → failed", sent().ends("m1", 300, "failed")],
    ["sent → claimed", sent().claim("m1", 300)],
    ["sent → none", sent().write("m1", 300, { delivery: undefined })],
  ])("finds %s, which is no step", (step, story) => {
    expect(wrong(story)).toEqual([expect.stringContaining(`m1: ${step} is no step of its life`)]);
  });

  it("finds a second claim of what is claimed, and a receipt of it that is no refusal", () => {
    expect(wrong(claimed().claim("m1", 200))).toEqual([
      expect.stringContaining(
        "m1: claimed → claimed, but delivery.claimedAt, delivery.claimExpiresAt changed",
      ),
    ]);
    const heard = (receipt: string) =>
      claimed({ "delivery.receiptsUntil": date(900_000) }).write("m1", 200, {
        "delivery.receiptsUntil": date(900_000),
        "delivery.receipt": receipt,
        "delivery.receiptAt": date(200),
      });
    expect(wrong(heard("server"))).toEqual([expect.stringContaining("its receipt would prove it sent")]);
  });

  it.each([
    ["claimed → sent", claimed().sent("m1", 150)],
    ["failed → sent", attempting().ends("m1", 150, "failed").sent("m1", 200)],
  ])("finds %s where no receipt of it was awaited", (step, story) => {
    expect(wrong(story)).toEqual([expect.stringContaining(`m1: ${step}, but no receipt of it was awaited`)]);
  });

  it.each(["content", "chatId", "scheduledAt", "sessionId", "campaignId", "isDeleted", "label", "extra"])(
    "finds %s changed on the way",
    (field) => {
      const story = claimed().write("m1", 150, { ...releasedAt(150), [field]: "other" });
      expect(wrong(story)).toEqual([`m1: claimed → released, but ${field} changed`]);
    },
  );

  it("finds a field that was lost, and one that became another type", () => {
    expect(
      wrong(claimed({ note: 1 }).write("m1", 150, { ...releasedAt(150), note: undefined })),
    ).toHaveLength(1);
    expect(wrong(claimed({ note: 1 }).write("m1", 150, { ...releasedAt(150), note: "1" }))).toHaveLength(1);
  });

  it("finds a write in a final state that is none of those allowed there", () => {
    expect(wrong(sent().write("m1", 300, { sentAt: date(300) }))).toEqual([
      "m1: sent → sent, but sentAt changed",
    ]);
  });

  it("finds a message that the scheduler added", () => {
    expect(wrong(fresh({ appRev: undefined }))).toEqual(["m1: the scheduler added a message of its own"]);
  });
});

describe("a claim", () => {
  it.each([
    [{ isSent: true }, "the three flags were not all false"],
    [{ isDeleted: true }, "the three flags were not all false"],
    [{ isPicked: true }, "the three flags were not all false"],
    [{ isSent: undefined }, "the three flags were not all false"],
    [{ scheduledAt: date(111) }, "it was not due then"],
    [{ scheduledAt: date(100 - LOOKBACK_MS - 11) }, "it was not due then"],
    [{ scheduledAt: "2026-01-02T12:00:00.000Z" }, "it was not due then"],
  ])("takes nothing that is %o", (fields, why) => {
    expect(wrong(claimed(fields))).toEqual([`m1: none → claimed, but ${why}`]);
  });

  it.each([date(110), date(100 - LOOKBACK_MS)])("takes what is at the edge of the window", (scheduledAt) => {
    expect(wrong(claimed({ scheduledAt }))).toEqual([]);
  });

  it.each([
    [
      "keeps something of the delivery before",
      { "delivery.error": because("no_session", 1) },
      "its delivery is not just a claim",
    ],
    ["names no pass", { "delivery.passId": undefined }, "it names no pass"],
    ["loses the attempts", { "delivery.attempts": 0 }, "attempts did not live on"],
    ["never ends", { "delivery.claimExpiresAt": undefined }, "the claim ends before it begins"],
    ["does not pick it", { isPicked: false }, "isPicked is not true"],
  ])("is found where it %s", (_, changes, why) => {
    const story = claimed({ delivery: { state: "released", attempts: 2 } });
    story.write("m1", 100, changes);
    // One write, and not two.
    story.history("m1").splice(-2, 1);
    expect(wrong(story)).toEqual([`m1: released → claimed, but ${why}`]);
  });
});

describe("an intent", () => {
  it.each([
    ["a new pass", { "delivery.passId": "other" }, "delivery.passId changed"],
    ["a new claim", { "delivery.claimedAt": date(109) }, "delivery.claimedAt changed"],
    ["no count", { "delivery.attempts": 0 }, "attempts did not grow by one"],
    ["a count of two", { "delivery.attempts": 2 }, "attempts did not grow by one"],
    ["no session", { "delivery.session": undefined }, "it does not say where to"],
    ["no time", { "delivery.attemptAt": undefined }, "it does not say when"],
    ["an expiry", { "delivery.claimExpiresAt": date(9_000) }, "claimExpiresAt is still there"],
  ])("is found with %s", (_, changes, why) => {
    expect(wrong(claimed().intend("m1", 110, { changes }))).toEqual([
      expect.stringContaining(`claimed → attempting, but ${why}`),
    ]);
  });

  it("is found on what the app has deleted, or sent itself, since the claim", () => {
    expect(wrong(claimed().edit("m1", 105, { isDeleted: true }).intend("m1", 110))).toEqual([
      "m1: claimed → attempting, but it was deleted",
    ]);
    expect(wrong(claimed().edit("m1", 105, { isSent: true }).intend("m1", 110))).toEqual([
      "m1: claimed → attempting, but it was sent already",
    ]);
  });

  it("is found after its claim expired, give or take what a write takes", () => {
    expect(wrong(claimed().intend("m1", 8_199))).toEqual([]);
    expect(wrong(claimed().intend("m1", 8_200))).toEqual([
      "m1: claimed → attempting, but its claim had expired",
    ]);
  });
});

describe("a settlement", () => {
  it.each([
    [sent().write("m1", 201, { isSent: false }), "sent → sent"],
    [attempting().ends("m1", 150, "failed").write("m1", 151, { isPicked: false }), "failed → failed"],
    [attempting().write("m1", 150, { ...releasedAt(150), isPicked: true }), "isPicked is not false"],
    [attempting().write("m1", 150, { ...releasedAt(150), "delivery.error": undefined }), "it has no error"],
    [
      attempting().write("m1", 150, { ...releasedAt(150), "delivery.settledAt": undefined }),
      "it has no settledAt",
    ],
    [attempting().write("m1", 150, { "delivery.state": "sent", isPicked: true }), "isSent is not true"],
    [
      attempting().write("m1", 150, { "delivery.attempts": 2, ...releasedAt(150) }),
      "delivery.attempts changed",
    ],
  ])("is found where it leaves something wrong", (story, why) => {
    expect(wrong(story).at(-1)).toContain(why);
  });

  it("of what was unknown has its campaign counted again", () => {
    const gone = { "delivery.nextLookupAt": undefined };
    const forgetful = (story: Story) => {
      story.write("m1", 300, gone).history("m1").splice(-2, 1);
      return wrong(story);
    };
    const why = "its campaign would not be counted again, as nextLookupAt is gone";
    expect(forgetful(unknown().sent("m1", 300))).toEqual([`m1: unknown → sent, but ${why}`]);
    expect(forgetful(unknown().ends("m1", 300, "failed"))).toEqual([`m1: unknown → failed, but ${why}`]);
  });

  it("of an attempt leaves nothing to look up", () => {
    const looked = { "delivery.nextLookupAt": date(900) };
    for (const [state, story] of [
      ["sent", sent()],
      ["failed", attempting().ends("m1", 200, "failed")],
    ] as const) {
      story.write("m1", 200, looked).history("m1").splice(-2, 1);
      expect(wrong(story)).toEqual([`m1: attempting → ${state}, but nextLookupAt is still there`]);
    }
  });

  it("sets sentAt once, whatever the app wrote there before", () => {
    const again = (story: Story) => story.edit("m1", 300, { "delivery.state": "unknown" }).sent("m1", 400);
    expect(wrong(again(sent()))).toEqual(["m1: unknown → sent, but sentAt was set before"]);
    expect(
      wrong(
        claimed({ sentAt: date(-5) })
          .intend("m1", 110)
          .sent("m1", 200),
      ),
    ).toEqual([]);
  });

  it("as missed waits for the window to close", () => {
    const missed = (at: number) => wrong(fresh().ends("m1", at, "missed", "window_closed"));
    expect(missed(LOOKBACK_MS - 10)).toEqual([]);
    expect(missed(LOOKBACK_MS - 11)).toEqual(["m1: none → missed, but its window was still open"]);
  });

  it("as missed takes nothing that is picked", () => {
    const story = fresh({ isPicked: true }).ends("m1", LOOKBACK_MS + 50, "missed");
    expect(wrong(story)).toEqual(["m1: none → missed, but the three flags were not all false"]);
  });
});

describe("a release of what never came to its turn", () => {
  const neverBegun = (code: string, changes = {}) =>
    wrong(claimed().write("m1", 150, { ...untried(code), ...changes }));

  it("gives any reason but that its pass died", () => {
    for (const code of ["claim_ran_out", "out_of_time", "session_paused"])
      expect(neverBegun(code)).toEqual([]);
    expect(neverBegun("pass_died")).toEqual([
      expect.stringMatching(/it says that its pass died|had not expired/),
    ]);
  });

  it("of an attempt says that it could not start in time", () => {
    const became = (code: string) =>
      wrong(attempting().write("m1", 150, { ...untried(code), "delivery.nextLookupAt": undefined }));
    for (const code of ["claim_ran_out", "out_of_time"]) expect(became(code)).toEqual([]);
    expect(became("session_paused")).toEqual([expect.stringContaining("attempting → released, but")]);
  });

  it.each([
    ["its flags", { isPicked: true }, "isPicked is not false"],
    ["its reason", { "delivery.error": undefined }, "it has no error"],
    ["its expiry", { "delivery.claimExpiresAt": date(8_100) }, "claimExpiresAt is still there"],
  ])("sees to %s", (_, changes, why) => {
    expect(neverBegun("claim_ran_out", changes)).toEqual([expect.stringContaining(why)]);
  });
});

describe("a rescue", () => {
  it("waits for the claim to expire", () => {
    const at = (now: number) => wrong(claimed().write("m1", 8_200, { ...rescued(now), isPicked: false }));
    expect(at(8_100)).toEqual([]);
    expect(at(8_099)).toEqual([expect.stringContaining("its claim had not expired")]);
  });

  it("does not touch an attempt", () => {
    const story = attempting().write("m1", 9_000, { ...rescued(9_000), isPicked: false });
    expect(wrong(story)).toEqual([expect.stringContaining("attempting → released, but it has no settledAt")]);
  });
});

function untried(code: string) {
  const { "delivery.error": _error, ...rescue } = rescued(150);
  return { ...rescue, isPicked: false, "delivery.error": because(code, 150) };
}

function rescued(now: number) {
  return {
    "delivery.state": "released",
    "delivery.error": because("pass_died", now),
    "delivery.claimExpiresAt": undefined,
  };
}

function releasedAt(at: number) {
  return {
    isPicked: false,
    "delivery.state": "released",
    "delivery.settledAt": date(at),
    "delivery.error": because("waha_bad_request", at),
    "delivery.claimExpiresAt": undefined,
    "delivery.nextLookupAt": undefined,
  };
}

function failedUnpicked() {
  return { ...releasedAt(150), "delivery.state": "failed" };
}
