import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type Config, configWarnings, parseConfig } from "../lib/config.ts";
import { MAPPINGS } from "../lib/documents/mapping.ts";
import { ConfigError } from "../lib/errors.ts";
import vercel from "../vercel.json" with { type: "json" };

const REQUIRED = {
  DATABASE_URL: "mongodb://db.example.net/app",
  WAHA_API_URL: "http://waha.example.net:3000",
  CRON_SECRET: "sixteen-letters!",
};
const MAX_DURATION = vercel.functions["api/cron.ts"].maxDuration;

const parse = (env: NodeJS.ProcessEnv = {}): Config => parseConfig({ ...REQUIRED, ...env });

/** The error that these settings cause; throws if they cause none. */
function errorOf(env: NodeJS.ProcessEnv): ConfigError {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the settings are accepted");
}

/** The names of the settings that are said to be wrong. */
const blamed = (env: NodeJS.ProcessEnv) => errorOf(env).problems.map(({ setting }) => setting);

test("what is not set has its default", () => {
  expect(parse()).toEqual({
    DATABASE_URL: { url: expect.stringContaining("mongodb://db.example.net/app"), name: "app" },
    WAHA_API_URL: "http://waha.example.net:3000/",
    WAHA_API_KEY: undefined,
    CRON_SECRET: REQUIRED.CRON_SECRET,
    STATUS_SECRET: undefined,
    LOOKBACK_SECONDS: 120,
    PASS_SECONDS: MAX_DURATION,
    SESSION_CONCURRENCY: 20,
    SEND_GAP_MS: 0,
    SEND_GAP_JITTER_MS: 0,
    WAHA_TIMEOUT_MS: 30_000,
    WAHA_DEFAULT_SESSION: undefined,
    RECONCILE_AFTER_SECONDS: 120,
    UNKNOWN_AFTER_SECONDS: 600,
    STAY_SECONDS: 0,
    TAIL_SECONDS: 10,
    DOCUMENTS: MAPPINGS.plain,
    LINK_PREVIEW: undefined,
    WAHA_MEDIA_TIMEOUT_MS: 300_000,
    SCHEDULER_COLLECTION: "scheduler",
    LOG_LEVEL: "info",
  });
});

const NUMBERS = [
  "LOOKBACK_SECONDS",
  "PASS_SECONDS",
  "SESSION_CONCURRENCY",
  "SEND_GAP_MS",
  "SEND_GAP_JITTER_MS",
  "WAHA_TIMEOUT_MS",
  "RECONCILE_AFTER_SECONDS",
  "UNKNOWN_AFTER_SECONDS",
  "TAIL_SECONDS",
] as const;
const WORDS = ["WAHA_API_KEY", "WAHA_DEFAULT_SESSION", "SCHEDULER_COLLECTION"] as const;

test.each(NUMBERS)("%s takes a number, blanks around it or not", (setting) => {
  expect(
    parse({ [setting]: " 12 ", ...(setting === "PASS_SECONDS" && { TAIL_SECONDS: "3" }) }),
  ).toMatchObject({ [setting]: 12 });
});

test.each(WORDS)("%s takes a word, without the blanks around it", (setting) => {
  expect(parse({ [setting]: " word\n" })).toMatchObject({ [setting]: "word" });
});

test.each(["fatal", "error", "warn", "info", "debug", "trace", "silent"])("LOG_LEVEL takes %s", (level) => {
  expect(parse({ LOG_LEVEL: level }).LOG_LEVEL).toBe(level);
});

test.each(["", "   "])("a setting that is empty (%j) counts as absent", (empty) => {
  const settings = [...NUMBERS, "LOG_LEVEL", ...WORDS];
  expect(parse(Object.fromEntries(settings.map((name) => [name, empty])))).toEqual(parse());
});

test.each([
  ["MESSAGES_COLLECTION", "messages.collection"],
  ["CAMPAIGNS_COLLECTION", "campaigns.collection"],
  ["SESSIONS_COLLECTION", "sessions.collection"],
  ["CAMPAIGN_STATUS_SENDING", "campaigns.sending"],
  ["CAMPAIGN_STATUS_COMPLETED", "campaigns.completedWord"],
  ["CAMPAIGN_STATUS_FAILED", "campaigns.failedWord"],
  ["CAMPAIGN_STATUS_HOLD", "campaigns.hold"],
])("%s of earlier versions, also an empty one, is named with its new place", (setting, key) => {
  for (const value of ["word", ""])
    expect(() => parse({ [setting]: value })).toThrow(
      `${setting} is no setting any more: set ${key} in DOCUMENTS`,
    );
});

test("a Node that is too old is named, and one that is new enough is not", () => {
  expect(() => parseConfig(REQUIRED, "20.19.0")).toThrow("Node is 20.19.0 here, and must be 24 or newer");
  expect(() => parseConfig(REQUIRED, "24.0.0")).not.toThrow();
});

test("a setting of earlier versions is named beside whatever else is wrong", () => {
  const error = errorOf({ ...REQUIRED, CRON_SECRET: "short", CAMPAIGN_STATUS_HOLD: "hunter2" });
  expect(error.problems.map(({ setting }) => setting)).toEqual(["CAMPAIGN_STATUS_HOLD", "CRON_SECRET"]);
});

test("DOCUMENTS is a mapping: by name, as JSON, or plain", () => {
  expect(parse().DOCUMENTS).toEqual(MAPPINGS.plain);
  expect(parse({ DOCUMENTS: " whatsapp-waha-dashboard " }).DOCUMENTS).toEqual(
    MAPPINGS["whatsapp-waha-dashboard"],
  );
  const json = '{"extends": "whatsapp-waha-dashboard", "campaigns": {"hold": ["PAUSED"]}}';
  expect(parse({ DOCUMENTS: json }).DOCUMENTS.campaigns.hold).toEqual(["PAUSED"]);
});

test("DOCUMENTS names every wrong key in one line, and no value", () => {
  const json = '{"messages": {"content": "hunter2.text", "chat": "hunter2"}, "sessions": {"name": 7}}';
  const error = errorOf({ ...REQUIRED, DOCUMENTS: json });
  expect(error.problems.map(({ setting }) => setting)).toEqual(["DOCUMENTS"]);
  expect(error.message).toMatch(
    /messages\.content must be .*; has no key messages\.chat; sessions\.name must/,
  );
  expect(error.message).not.toContain("hunter2");
});

test("the scheduler's own collection is none of the app's", () => {
  for (const SCHEDULER_COLLECTION of ["messages", "campaigns", "sessions"])
    expect(() => parse({ SCHEDULER_COLLECTION })).toThrow("SCHEDULER_COLLECTION must not be");
});

test.each([
  ["http://waha:3000", "http://waha:3000/"],
  ["https://waha.example.net/", "https://waha.example.net/"],
  ["https://example.net/waha", "https://example.net/waha/"],
  ["http://[::1]:3000", "http://[::1]:3000/"],
])("WAHA_API_URL takes %s", (given, address) => {
  expect(parse({ WAHA_API_URL: given }).WAHA_API_URL).toBe(address);
});

/** Values that are refused, each unlike anything that an error could say by itself. */
const WRONG: [setting: string, value: string, why: string][] = [
  ...[...NUMBERS].flatMap((name): [string, string, string][] => [
    [name, "hunter2", "a word"],
    [name, "12s", "a number with a unit"],
    [name, "1_2", "a number with a separator"],
    [name, "-77", "negative"],
    [name, "Infinity", "endless"],
    [name, "NaN", "not a number"],
  ]),
  ...["LOOKBACK_SECONDS", "PASS_SECONDS", "SESSION_CONCURRENCY", "WAHA_TIMEOUT_MS", "TAIL_SECONDS"].map(
    (name): [string, string, string] => [name, "0.000", "zero"],
  ),
  ...["SESSION_CONCURRENCY", "SEND_GAP_MS", "SEND_GAP_JITTER_MS", "WAHA_TIMEOUT_MS"].map(
    (name): [string, string, string] => [name, "7.25", "a fraction"],
  ),
  ["PASS_SECONDS", `${MAX_DURATION}.25`, "more than maxDuration"],
  ["PASS_SECONDS", "86400", "far more than maxDuration"],
  ["WAHA_API_URL", "waha.hunter2.net", "without a scheme"],
  ["WAHA_API_URL", "hunter2:3000", "a host and a port alone"],
  ["WAHA_API_URL", "ftp://hunter2.net", "of another scheme"],
  ["WAHA_API_URL", "http://", "without a host"],
  ["WAHA_API_URL", "http://bob:hunter2@waha.net", "with credentials, which no request can carry"],
  ["ALERT_WEBHOOK_URL", "https://bob:hunter2@hooks.net/x", "with credentials, which no request can carry"],
  ["HEARTBEAT_URL", "https://hunter2@hooks.net/x?y", "with a user, whom no request can carry"],
  ["WAHA_API_URL", "HTTPS://bob:hunter2@waha.net", "with credentials and a scheme in upper case"],
  ["WAHA_API_KEY", "hunter2 hunter2", "with a blank"],
  ["WAHA_API_KEY", "hunter2\r\nX-Other: 1", "with a line break"],
  ["WAHA_API_KEY", "hunter2é", "outside ASCII"],
  ["CRON_SECRET", "fifteen-letters", "too short"],
  ["CRON_SECRET", `${"hunter2".repeat(3)} x`, "with a blank"],
  ["STATUS_SECRET", "fifteen-letters", "too short"],
  ["STATUS_SECRET", `${"hunter2".repeat(3)} x`, "with a blank"],
  ["STATUS_SECRET", REQUIRED.CRON_SECRET, "the secret that gives the right to send"],
  ["CRON_SECRET", `${"hunter2".repeat(3)}é`, "outside ASCII"],
  ["LOG_LEVEL", "hunter2", "unknown"],
  ["LOG_LEVEL", "WARN", "in upper case"],
];

test.each(WRONG)("%s may not be %j (%s), and the error names it without its value", (setting, value) => {
  const error = errorOf({ ...REQUIRED, [setting]: value });
  expect(error.problems.map((problem) => problem.setting)).toEqual([setting]);
  expect(error.message).toMatch(new RegExp(`^${setting} (must|may|is not) `));
  for (const text of [error.message, JSON.stringify(error.problems), inspect(error, { depth: null })])
    expect(text.replaceAll("http:// or https://", "")).not.toContain(value);
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain("hunter2");
});

test.each(Object.keys(REQUIRED))("%s is required: absent, empty or blank it is named", (setting) => {
  for (const value of [undefined, "", "  "]) {
    const error = errorOf({ ...REQUIRED, [setting]: value });
    expect(error.problems).toEqual([{ setting, problem: "is not set" }]);
    expect(error.message).toBe(`${setting} is not set`);
  }
});

test("several wrong settings are named at once, each once", () => {
  expect(blamed({ CRON_SECRET: "é short", SEND_GAP_MS: "-1.5", LOG_LEVEL: "loud" }).sort()).toEqual([
    "CRON_SECRET",
    "DATABASE_URL",
    "LOG_LEVEL",
    "SEND_GAP_MS",
    "WAHA_API_URL",
  ]);
});

test("settings that don't fit one another are named together with those that are wrong by themselves", () => {
  expect(blamed({ PASS_SECONDS: "10", TAIL_SECONDS: "10", LOG_LEVEL: "loud" }).sort()).toEqual([
    "CRON_SECRET",
    "DATABASE_URL",
    "LOG_LEVEL",
    "TAIL_SECONDS",
    "WAHA_API_URL",
  ]);
  expect(blamed({ ...REQUIRED, PASS_SECONDS: "ten", TAIL_SECONDS: "10" })).toEqual(["PASS_SECONDS"]);
});

describe("the length of a pass", () => {
  test("may be as long as the platform lets a function run, and shorter", () => {
    expect(parse({ PASS_SECONDS: `${MAX_DURATION}` }).PASS_SECONDS).toBe(MAX_DURATION);
    expect(parse({ PASS_SECONDS: "30.5" }).PASS_SECONDS).toBe(30.5);
    expect(blamed({ ...REQUIRED, PASS_SECONDS: `${MAX_DURATION + 1}` })).toEqual(["PASS_SECONDS"]);
  });

  test.each([
    ["9.9", undefined],
    ["10", undefined],
    ["30", "30"],
    [undefined, `${MAX_DURATION}`],
  ])("is longer than its tail: not %s of a tail of %s", (PASS_SECONDS, TAIL_SECONDS) => {
    expect(blamed({ ...REQUIRED, PASS_SECONDS, TAIL_SECONDS })).toEqual(["TAIL_SECONDS"]);
  });

  test("may exceed its tail by little", () => {
    expect(parse({ PASS_SECONDS: "10.1" })).toMatchObject({ PASS_SECONDS: 10.1, TAIL_SECONDS: 10 });
  });
});

test.each([
  ["5999", 1],
  ["6000", 0],
  [undefined, 0],
])("a time limit of %s for WAHA causes %d warnings, since WAHA refuses after 5 s", (limit, count) => {
  for (const setting of ["WAHA_TIMEOUT_MS", "WAHA_MEDIA_TIMEOUT_MS"]) {
    const warnings = configWarnings(parse({ [setting]: limit }));
    expect(warnings).toHaveLength(count);
    for (const warning of warnings) expect(warning).toContain(`${setting} is under`);
  }
});

test("a pass stays no longer than it may send", () => {
  expect(parse({ STAY_SECONDS: "50" })).toMatchObject({ STAY_SECONDS: 50 });
  expect(blamed({ ...REQUIRED, STAY_SECONDS: "50.1" })).toEqual(["STAY_SECONDS"]);
  expect(blamed({ ...REQUIRED, STAY_SECONDS: "-1" })).toEqual(["STAY_SECONDS"]);
});

test("passes that stay and do not reach over to the next are warned about", () => {
  expect(configWarnings(parse({ STAY_SECONDS: "50" }))).toEqual([
    expect.stringContaining("STAY_SECONDS is set, and PASS_SECONDS is under 90"),
  ]);
  const staying = { ...parse({}), PASS_SECONDS: 90 };
  expect(configWarnings({ ...staying, STAY_SECONDS: 59 })).toEqual([
    expect.stringContaining("STAY_SECONDS is under 60"),
  ]);
  expect(configWarnings({ ...staying, STAY_SECONDS: 75 })).toEqual([]);
  expect(configWarnings(parse({ STAY_SECONDS: "0" }))).toEqual([]);
});
