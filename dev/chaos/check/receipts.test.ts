import { describe, expect, it } from "vitest";
import { date, Story } from "../../../test/support/chaos-story.ts";

/** A message that is sent under an id of its own, and whose receipts are awaited. */
const attempt = () =>
  new Story()
    .message("m1")
    .claim("m1", 100)
    .intend("m1", 110, { changes: { "delivery.receiptsUntil": date(900_000) } })
    .post("m1", 120)
    .accept("m1", 130);
const sent = () => attempt().sent("m1", 150);

const receipt = (receipt: string, at: number) => ({
  "delivery.receipt": receipt,
  "delivery.receiptAt": date(at),
});
const hear = (story: Story, at: number, ack: number, as: string) =>
  story.hear("m1", at, ack, receipt(as, at));
const wrong = (story: Story) => story.wrong("receipts");

describe("receipts", () => {
  it("may rise, and are counted", () => {
    const story = hear(hear(sent(), 200, 1, "server"), 300, 3, "read");
    expect(story.finding("receipts")).toMatchObject({ cases: 2, violations: [] });
    expect(story.wrong("life-cycle")).toEqual([]);
  });

  it("may come before the answer", () => {
    const story = hear(attempt(), 140, 2, "delivered").sent("m1", 150);
    expect([wrong(story), story.wrong("life-cycle")]).toEqual([[], []]);
  });

  it("may settle what was given back, and is then looked after", () => {
    const settled = {
      isSent: true,
      isPicked: true,
      sentAt: date(110),
      "delivery.state": "sent",
      "delivery.settledAt": date(300),
      "delivery.nextLookupAt": date(300),
      "delivery.error": undefined,
    };
    const story = attempt().ends("m1", 200, "released");
    story.hear("m1", 300, 1, { ...receipt("server", 300), ...settled });
    expect([wrong(story), story.wrong("life-cycle")]).toEqual([[], []]);
  });

  it("must not fall", () => {
    const story = hear(hear(sent(), 200, 3, "read"), 300, 2, "delivered");
    expect(wrong(story)).toContain("m1: its receipt fell from read to delivered");
  });

  it("must be what WAHA told of that message", () => {
    expect(wrong(sent().write("m1", 200, receipt("read", 200)))).toEqual([
      "m1: its receipt is read, of which WAHA told nothing",
    ]);
    const other = sent().hear("m2", 190, 3, {}).write("m1", 200, receipt("read", 200));
    expect(wrong(other)).toEqual(["m1: its receipt is read, of which WAHA told nothing"]);
  });

  it("must agree with how the message ends", () => {
    const story = hear(attempt(), 140, 1, "server").ends("m1", 200, "failed");
    expect(wrong(story)).toEqual(["m1: its receipt is server, and it ends as failed"]);
    const refused = hear(attempt(), 140, -1, "refused").ends("m1", 200, "failed", "whatsapp_refused");
    expect(wrong(refused)).toEqual([]);
    const untold = hear(sent(), 200, -1, "refused");
    expect(wrong(untold)).toEqual(["m1: its receipt is refused, and it ends as sent"]);
    const error = { code: "refused_after_accepting", message: "in words", at: date(210) };
    expect(wrong(untold.write("m1", 210, { "delivery.error": error }))).toEqual([]);
    const asUnknown = hear(attempt(), 140, -1, "refused").ends("m1", 200, "unknown");
    expect(wrong(asUnknown)).toEqual(["m1: its receipt is refused, and it ends as unknown"]);
  });

  it("is given by a message of GOWS's own, as that is told once WhatsApp has it", () => {
    const told = (engine: "GOWS" | "NOWEB") =>
      sent().hear("m1", 200, 0, receipt("server", 200), { event: "message.any", engine });
    expect(wrong(told("GOWS"))).toEqual([]);
    expect(wrong(told("NOWEB"))).toEqual(["m1: its receipt is server, of which WAHA told nothing"]);
  });

  it("may be a refusal that a lookup found", () => {
    const refused = { "delivery.state": "failed", ...receipt("refused", 200) };
    const of = (ack: number) => attempt().accept("m1", 140, { ack }).write("m1", 200, refused);
    expect(wrong(of(-1))).toEqual([]);
    expect(wrong(of(1))).toContain("m1: its receipt is refused, of which WAHA told nothing");
  });

  it("must not be lost again", () => {
    const story = hear(sent(), 200, 3, "read");
    story.history("m1").splice(-1, 1);
    expect(wrong(story)).toEqual(["m1: its receipt is undefined, and read was taken up"]);
  });
});
