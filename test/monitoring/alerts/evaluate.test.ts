import { describe, expect, test } from "vitest";
import { addSeconds } from "../../../lib/clock.ts";
import { UnavailableError } from "../../../lib/errors.ts";
import type { Alert, AlertsDocument, Entry } from "../../../lib/monitoring/alerts/alert.ts";
import { afterPost, evaluate, type Findings } from "../../../lib/monitoring/alerts/evaluate.ts";
import { PassStats } from "../../../lib/pass/stats.ts";
import { messageOf, type ProblemCode } from "../../../lib/problems.ts";
import type { WahaSession } from "../../../lib/waha/responses.ts";

const NOW = new Date("2027-03-01T12:00:00Z");
const secondsAgo = (seconds: number) => addSeconds(NOW, -seconds);

const NOTHING: AlertsDocument = {
  rev: 7,
  entries: [],
  working: [],
  seenAt: null,
  unannounced: {},
  gapsUntil: null,
};

const remembered = (fields: Partial<AlertsDocument> = {}): AlertsDocument => ({ ...NOTHING, ...fields });

/** An entry that stands, and that people know. */
const entry = (kind: Alert["kind"], fields: Partial<Entry> = {}): Entry => ({
  kind,
  about: "",
  code: null,
  message: "as it was met",
  since: secondsAgo(3000),
  lastAt: secondsAgo(60),
  state: "standing",
  told: "standing",
  claimedUntil: null,
  ...fields,
});

/** WAHA's sessions, by name and status. */
const sessions = (statuses: Record<string, string>) =>
  new Map(Object.entries(statuses).map(([name, status]) => [name, { name, status } as WahaSession]));

type Counts = Partial<Record<"failed" | "missed" | "unknown", number>> & { errors?: ProblemCode[] };

/** A pass that looked at WAHA 50 seconds ago and saw one session that works, unless told otherwise. */
function report(fields: Partial<Findings> = {}, { errors = [], ...counts }: Counts = {}): Findings {
  const summary = { ...new PassStats().summary("pass", secondsAgo(50), 50_000), ...counts };
  return {
    summary: { ...summary, errors: errors.map((code) => ({ code, message: messageOf(code), count: 1 })) },
    unavailable: [],
    defective: false,
    sessions: sessions({ default: "WORKING" }),
    seenAt: secondsAgo(50),
    silence: { silent: [], heard: [] },
    recorded: true,
    gap: undefined,
    isDatabaseTold: false,
    suspensions: [],
    ...fields,
  };
}

const away = (code: ProblemCode) => ({ unavailable: [new UnavailableError(code)] });
const wahaAway = { ...away("waha_unreachable"), sessions: undefined };

const names = (entries: Entry[]) => entries.map(({ kind, about, state }) => `${kind}:${about} ${state}`);

describe("a pass without news", () => {
  test("changes nothing but when WAHA was looked at, and tells nothing", () => {
    const known = remembered({
      working: ["default"],
      seenAt: secondsAgo(110),
      entries: [entry("session", { about: "x" })],
    });
    expect(evaluate(known, report(), NOW)).toEqual({
      document: { ...known, seenAt: secondsAgo(50) },
      toTell: [],
      wasImpossible: false,
    });
  });

  test("leaves what it was given as it was", () => {
    const known = remembered({ entries: [entry("waha")], unannounced: { failed: 1 } });
    const copy = structuredClone(known);
    evaluate(known, report(), NOW);
    expect(known).toEqual(copy);
  });
});

describe("what a pass met", () => {
  test.each([
    ["waha", report(wahaAway), messageOf("waha_unreachable")],
    ["database", report(away("database_refused")), messageOf("database_refused")],
    ["defect", report({ defective: true }), messageOf("internal_error")],
    [
      "failed",
      report({}, { failed: 1, errors: ["invalid_message"] }),
      "1 message ended as failed. invalid_message: ",
    ],
    ["missed", report({}, { missed: 2 }), "2 messages ended as missed. The status page says why"],
    [
      "missed",
      report({}, { missed: 1, errors: ["session_not_working", "window_closed"] }),
      "1 message ended as missed. For one of these reasons: session_not_working: ",
    ],
    [
      "unknown",
      report({}, { unknown: 1, errors: ["waha_error"] }),
      "1 message ended as unknown. waha_error: ",
    ],
  ])("begins to stand, and is told by this pass: %s", (kind, met, message) => {
    const { document, toTell } = evaluate(remembered(), met, NOW);
    expect(document.entries).toMatchObject([
      {
        kind,
        about: "",
        since: NOW,
        lastAt: NOW,
        state: "standing",
        told: null,
        claimedUntil: addSeconds(NOW, 30),
      },
    ]);
    expect(document.entries[0]?.message).toContain(message);
    expect(toTell).toEqual(document.entries);
  });

  test("stands on under its beginning, with the last words, and is told no second time", () => {
    const known = remembered({ entries: [entry("waha", { code: "waha_unreachable" })] });
    const met = report({ ...away("waha_key_refused"), sessions: undefined });
    const { document, toTell } = evaluate(known, met, NOW);
    const message = messageOf("waha_key_refused");
    expect(document.entries).toEqual([entry("waha", { code: "waha_key_refused", message, lastAt: NOW })]);
    expect(toTell).toEqual([]);
  });

  test("was met last by the pass that ended last, whichever is evaluated last", () => {
    const known = remembered({ entries: [entry("defect", { lastAt: addSeconds(NOW, 5) })] });
    expect(evaluate(known, report({ defective: true }), NOW).document.entries[0]?.lastAt).toEqual(
      addSeconds(NOW, 5),
    );
  });

  test("stands again if people were not told yet that it is over, and then there is nothing to tell", () => {
    const known = remembered({ entries: [entry("waha", { state: "over" })] });
    const { document, toTell } = evaluate(known, report(wahaAway), NOW);
    expect(names(document.entries)).toEqual(["waha: standing"]);
    expect(toTell).toEqual([]);
  });

  test("is told in the order of the sessions' names, numbers by their value", () => {
    const working = ["s1", "s10", "s2"];
    const { toTell } = evaluate(remembered({ working }), report({ sessions: sessions({}) }), NOW);
    expect(toTell.map(({ about }) => about)).toEqual(["s1", "s2", "s10"]);
  });
});

describe("WAHA", () => {
  test("that the last look of a pass found is not away, whatever an earlier one met", () => {
    expect(evaluate(remembered(), report(away("waha_unreachable")), NOW).document.entries).toEqual([]);
  });

  test("is back once a pass sees its sessions", () => {
    const known = remembered({ entries: [entry("waha")] });
    expect(names(evaluate(known, report(), NOW).toTell)).toEqual(["waha: over"]);
    expect(names(evaluate(known, report({ sessions: undefined }), NOW).document.entries)).toEqual([
      "waha: standing",
    ]);
  });
});

describe("a session", () => {
  const look = (status: string | undefined, fields: Partial<AlertsDocument>) =>
    evaluate(remembered(fields), report({ sessions: sessions(status ? { s: status } : {}) }), NOW).document;

  test.each([
    ["WORKING", [], ["s"]],
    ["STARTING", [], ["s"]],
    ["FAILED", ["session:s standing"], []],
    ["STOPPED", ["session:s standing"], []],
    ["SCAN_QR_CODE", ["session:s standing"], []],
    [undefined, ["session:s standing"], []],
  ])("that worked and is %s now: %j", (status, entries, working) => {
    const document = look(status, { working: ["s"] });
    expect([names(document.entries), document.working]).toEqual([entries, working]);
  });

  test.each(["STARTING", "FAILED", undefined])("that never worked and is %s is not told", (status) => {
    expect(look(status, {})).toMatchObject({ entries: [], working: [] });
  });

  test("is over only when it works, not when it is being started", () => {
    const entries = [entry("session", { about: "s" })];
    expect(names(look("STARTING", { entries }).entries)).toEqual(["session:s standing"]);
    expect(names(look("WORKING", { entries }).entries)).toEqual(["session:s over"]);
  });

  test.each([
    ["STOPPED", 86_400, ["session:s standing"]],
    ["STOPPED", 86_401, []],
    [undefined, 86_401, []],
    ["FAILED", 86_401, ["session:s standing"]],
  ])("that is %s and was met %i seconds ago: %j, and nothing is told", (status, seconds, entries) => {
    const known = { entries: [entry("session", { about: "s", lastAt: secondsAgo(seconds) })] };
    expect(names(look(status, known).entries)).toEqual(entries);
  });

  test("that is over is told so, also where it is gone by then", () => {
    const over = entry("session", { about: "s", state: "over", lastAt: secondsAgo(90_000) });
    expect(names(look(undefined, { entries: [over] }).entries)).toEqual(["session:s over"]);
  });
});

describe("a pass that looked at WAHA before another one did", () => {
  const earlier = remembered({ seenAt: secondsAgo(49), working: ["s"], entries: [entry("waha")] });
  const asLate = { ...earlier, seenAt: secondsAgo(50) };

  test("tells nothing of sessions and of WAHA, and brings no older look back", () => {
    const { document, toTell } = evaluate(earlier, report(), NOW);
    expect(document).toEqual(earlier);
    expect(toTell).toEqual([]);
    expect(evaluate({ ...earlier, entries: [] }, report(wahaAway), NOW).toTell).toEqual([]);
  });

  test("tells all of it where both looked at the same moment", () => {
    expect(names(evaluate(asLate, report(), NOW).toTell)).toEqual(["waha: over", "session:s standing"]);
    expect(names(evaluate({ ...asLate, entries: [] }, report(wahaAway), NOW).toTell)).toEqual([
      "waha: standing",
    ]);
  });

  test("tells what it counted all the same", () => {
    const { toTell } = evaluate(earlier, report({}, { failed: 1 }), NOW);
    expect(names(toTell)).toEqual(["failed: standing"]);
  });
});

describe("the database", () => {
  const known = remembered({ entries: [entry("database")] });

  test("is back once a pass was kept from nothing", () => {
    expect(names(evaluate(known, report(), NOW).toTell)).toEqual(["database: over"]);
    expect(evaluate(known, report(away("database_refused")), NOW).toTell).toEqual([]);
  });

  test("of which this instance has told already is not remembered, too; nor is what stands over", () => {
    const met = report({ ...away("database_refused"), isDatabaseTold: true });
    expect(evaluate(remembered(), met, NOW).document.entries).toEqual([]);
    expect(evaluate(known, met, NOW).document.entries).toEqual(known.entries);
  });
});

describe("messages that did not go out, and defects", () => {
  test.each(["failed", "missed", "unknown", "defect"] as const)(
    "are over after more than ten minutes without: %s",
    (kind) => {
      const at = (seconds: number) =>
        evaluate(remembered({ entries: [entry(kind, { lastAt: secondsAgo(seconds) })] }), report(), NOW)
          .toTell;
      expect(at(600)).toEqual([]);
      expect(names(at(601))).toEqual([`${kind}: over`]);
    },
  );

  test("are told, too, if the passes that counted them died before they told", () => {
    const known = remembered({ unannounced: { failed: 3, missed: 1 } });
    const { document, toTell } = evaluate(known, report({}, { failed: 1, errors: ["invalid_message"] }), NOW);
    expect(toTell.map(({ message }) => message)).toEqual([
      `3 messages ended as failed. invalid_message: ${messageOf("invalid_message")}`,
      "1 message ended as missed. The status page says why",
    ]);
    expect(document.unannounced).toEqual({});
  });

  test("name a code only if there is one, and at most three in words", () => {
    const codes: ProblemCode[] = ["no_session", "session_not_found", "window_closed", "no_pass_in_time"];
    const told = (errors: ProblemCode[]) =>
      evaluate(remembered(), report({}, { missed: 1, errors }), NOW).toTell[0];
    expect(told(codes.slice(0, 1))?.code).toBe("no_session");
    expect(told(codes)?.code).toBeNull();
    for (const code of codes.slice(0, 3)) expect(told(codes)?.message).toContain(code);
    expect(told(codes)?.message).not.toContain("no_pass_in_time");
  });
});

describe("a gap between passes", () => {
  const gap = { from: secondsAgo(900), to: secondsAgo(300), passId: "p" };
  const told = (fields: Partial<AlertsDocument>) => evaluate(remembered(fields), report({ gap }), NOW);

  test("is told as over, and remembered as known", () => {
    const { document, toTell } = told({});
    expect(toTell).toMatchObject([
      { kind: "passes", since: gap.from, state: "over", code: "passes_stopped" },
    ]);
    expect(document.gapsUntil).toEqual(gap.to);
  });

  test("is told once: not if it, or a later one, is known", () => {
    expect(told({ gapsUntil: addSeconds(gap.to, -1) }).toTell).toHaveLength(1);
    expect(told({ gapsUntil: gap.to }).toTell).toEqual([]);
    expect(told({ gapsUntil: addSeconds(gap.to, 1) }).toTell).toEqual([]);
  });

  test("waits while people are still to be told of the one before", () => {
    const claimed = entry("passes", { state: "over", told: null, claimedUntil: addSeconds(NOW, 10) });
    expect(told({ entries: [claimed] })).toMatchObject({
      document: { entries: [claimed], gapsUntil: null },
      toTell: [],
    });
  });
});

describe("a notification", () => {
  const untold = (claimedUntil: Date | null) =>
    evaluate(remembered({ entries: [entry("defect", { told: null, claimedUntil })] }), report(), NOW);

  test("is claimed by the pass that finds it unclaimed, for half a minute", () => {
    expect(untold(null).toTell).toMatchObject([{ claimedUntil: addSeconds(NOW, 30) }]);
  });

  test("that another pass has claimed is left to it, until the claim is over", () => {
    expect(untold(NOW).toTell).toEqual([]);
    expect(untold(secondsAgo(1)).toTell).toHaveLength(1);
  });
});

describe("after a post", () => {
  const claimedUntil = addSeconds(NOW, 30);
  const posted = entry("waha", { told: null, claimedUntil });
  const noted = (now: Entry[], isTaken: boolean, claim = posted) =>
    afterPost(remembered({ entries: now }), [claim], isTaken).entries;

  test("that was taken, people know the alert", () => {
    expect(noted([posted], true)).toEqual([{ ...posted, told: "standing", claimedUntil: null }]);
  });

  test("that was not taken, the notification is free for the next pass", () => {
    expect(noted([posted], false)).toEqual([{ ...posted, claimedUntil: null }]);
  });

  test("of the end of an alert, it is forgotten, unless nothing was taken", () => {
    const over = { ...posted, state: "over" as const };
    expect(noted([over], true, over)).toEqual([]);
    expect(noted([over], false, over)).toEqual([{ ...over, claimedUntil: null }]);
  });

  test("what has changed in the meantime is still to be told", () => {
    const over = { ...posted, state: "over" as const };
    expect(noted([over], true)).toEqual([{ ...over, told: "standing", claimedUntil: null }]);
    expect(noted([posted], true, over)).toEqual([{ ...posted, told: "over", claimedUntil: null }]);
  });

  test("an entry that another pass has claimed since is left to that one", () => {
    const others = { ...posted, claimedUntil: addSeconds(claimedUntil, 1) };
    for (const isTaken of [true, false]) expect(noted([others], isTaken)).toEqual([others]);
  });

  test("other entries stay as they are", () => {
    const others = [entry("session", { about: "s", claimedUntil }), entry("defect")];
    expect(noted(others, true)).toEqual(others);
  });
});
