import { z } from "zod";
import vercel from "../vercel.json" with { type: "json" };
import { databaseUrl } from "./database-url.ts";
import { parseMapping } from "./documents/parse.ts";
import { ConfigError, collectProblems, type SettingProblem } from "./errors.ts";

/** Messages due longer ago are left alone: a first deployment over old data must not rewrite it. */
export const SWEPT_SECONDS = 24 * 3600;

/** The platform kills the function at this age, in seconds (`maxDuration`). */
const MAX_DURATION_SECONDS = vercel.functions["api/cron.ts"].maxDuration;

/** Below this WAHA's refusal of a session that is not working, sent after 5 s, looks like a time-out. */
const WAHA_REFUSAL_WAIT_MS = 6_000;

/** Whether an address is no more than scheme, host, port and path; one that can't be read is not this check's. */
function isPlain(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password, search, hash } = new URL(address);
  return username + password + search + hash === "";
}

/** Whether an address names no user; one that can't be read is not this check's. */
function hasNoUser(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password } = new URL(address);
  return username + password === "";
}

/** What a header can carry unharmed. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const NOT_VISIBLE_ASCII = "may hold only visible ASCII characters, no spaces";

const seconds = (fallback: number) => z.coerce.number().positive().default(fallback);
const milliseconds = (fallback: number) => z.coerce.number().int().nonnegative().default(fallback);
const collection = (fallback: string) =>
  z
    .string()
    .regex(/^(?!system\.)[^$\0]+$/, "is not a collection's name")
    .default(fallback);
/** An address that is itself a secret: with it one may post there. */
const webAddress = z
  .url({ protocol: /^https?$/, error: "must be an http:// or https:// address" })
  .refine(hasNoUser, "must hold no user or password: requests can't carry them");

const secret = z.string().min(16, "must have 16 characters or more").regex(VISIBLE_ASCII, NOT_VISIBLE_ASCII);

const LogLevel = z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info");

/** The level to log at, also when other settings are wrong. */
export function logLevel(env: NodeJS.ProcessEnv): string {
  return LogLevel.catch("info").parse(env.LOG_LEVEL?.trim() || undefined);
}

/**
 * The settings. What `meta` says of each is its row in docs/configuration.md, and its first sentence the line in
 * .env.example (`npm run docs`); `example` is what the latter shows where a value is required.
 */
export const SettingsSchema = z.object({
  DATABASE_URL: z.string().transform(databaseUrl).meta({
    description:
      "The database: `mongodb://…` or `mongodb+srv://…`, with its name in it. Percent-encode `@ : / %` in the password. Options that would weaken the protocol (`w`, `journal`, `wtimeoutMS`, `readConcernLevel`, `readPreference…`, `maxStalenessSeconds`, `retryWrites`, `retryReads`) are overruled: writes go to the majority, reads to the primary.",
    example: "mongodb+srv://USER:PASSWORD@HOST/DATABASE",
  }),
  WAHA_API_URL: z
    .url({ protocol: /^https?$/, error: "must be an http:// or https:// address" })
    .refine(isPlain, "must hold no user, password, query or fragment: requests can't carry them")
    .transform((url) => (url.endsWith("/") ? url : `${url}/`))
    .meta({
      description:
        "WAHA's address, `http://` or `https://`, as the function reaches it. Give the final one: redirects are never followed. A path is kept; a user, password, query or fragment is refused.",
      example: "https://waha.example.com",
    }),
  WAHA_API_KEY: z
    .string()
    .regex(VISIBLE_ASCII, NOT_VISIBLE_ASCII)
    .optional()
    .meta({ description: "WAHA's key, sent as `X-Api-Key`. Set it unless WAHA has none." }),
  CRON_SECRET: secret.meta({
    description:
      "What callers send as `Authorization: Bearer …`, for example from `openssl rand -hex 32`. At least 16 visible ASCII characters, no spaces.",
    example: "",
  }),
  STATUS_SECRET: secret.optional().meta({
    description:
      "A second secret, which opens [the status page](monitoring.md#the-status-page) and its JSON, and nothing else: for those who look and may not send. As `CRON_SECRET`, and another than that.",
  }),
  WAHA_DEFAULT_SESSION: z.string().optional().meta({
    description:
      "The WAHA session for messages that name none, and whose campaign names none either. On WAHA Core: `default`.",
  }),
  LOOKBACK_SECONDS: seconds(120)
    .refine((value) => value <= SWEPT_SECONDS, {
      error: `must not exceed ${SWEPT_SECONDS} (24 hours): what is older is never touched`,
    })
    .meta({
      description:
        "The window: how long after `scheduledAt` a message may still be sent. At most 24 hours (86400). Read [Pacing](pacing.md) before you change it.",
    }),
  PASS_SECONDS: seconds(MAX_DURATION_SECONDS)
    .refine((value) => value <= MAX_DURATION_SECONDS, {
      error: `must not exceed maxDuration of vercel.json (${MAX_DURATION_SECONDS})`,
    })
    .meta({
      description:
        "How long a pass may take in all. It defaults to `maxDuration` in `vercel.json`, and must not exceed it.",
    }),
  TAIL_SECONDS: seconds(10).meta({
    description:
      "The end of the pass, in which no send starts any more; what is under way is finished and recorded. Less than `PASS_SECONDS`.",
  }),
  STAY_SECONDS: z.coerce.number().nonnegative().default(0).meta({
    description:
      "How long a pass stays to send each message [at its time](pacing.md#on-time). 0: it sends what is due, and ends (`npm start`: 50). At most `PASS_SECONDS` less `TAIL_SECONDS`, which is what `npm start` takes unless this is set.",
  }),
  SESSION_CONCURRENCY: z.coerce
    .number()
    .int()
    .positive()
    .default(20)
    .meta({ description: "How many sessions send side by side; each sends one message at a time." }),
  SEND_GAP_MS: milliseconds(0).meta({
    description:
      "The pause between two messages of a session, from the answer to one to the next, in milliseconds. See [Pacing](pacing.md).",
  }),
  SEND_GAP_JITTER_MS: milliseconds(0).meta({
    description: "A random time, up to this many milliseconds, on top of each pause.",
  }),
  WAHA_TIMEOUT_MS: z.coerce.number().int().positive().default(30_000).meta({
    description:
      "How long to wait for WAHA's answer, in milliseconds. Not under 6000, or the function warns. WAHA takes 5 seconds to refuse for a session that is not working, and a refusal that is not waited for looks like a lost answer.",
  }),
  WAHA_MEDIA_TIMEOUT_MS: z.coerce.number().int().positive().default(300_000).meta({
    description:
      "How long to wait for the answer to a picture, video, voice message or file, which WAHA fetches and uploads first. Not under 6000, or the function warns. Never beyond the end of the pass: with the defaults 58 seconds at most, and such a message starts only while 30 seconds are left.",
  }),
  RECONCILE_AFTER_SECONDS: seconds(120).meta({
    description: "How long after an attempt without a known outcome WAHA is first asked what became of it.",
  }),
  UNKNOWN_AFTER_SECONDS: seconds(600).meta({
    description: 'How long after the attempt WAHA\'s "not found" makes the message `unknown`.',
  }),
  DOCUMENTS: z
    .string()
    .default("plain")
    .transform((value, context) => {
      const read = parseMapping(value);
      if ("mapping" in read) return read.mapping;
      context.addIssue(read.problems.join("; "));
      return z.NEVER;
    })
    .meta({
      description:
        "What your app calls its collections and fields. `plain`: as in [Documents](documents.md). `whatsapp-waha-dashboard`: as [that app](mapping.md#whatsapp-waha-dashboard) does. Or a JSON object that [changes some names](mapping.md).",
    }),
  LINK_PREVIEW: z
    .enum(["true", "false"])
    .transform((word) => word === "true")
    .optional()
    .meta({
      description:
        "Sent with texts as `linkPreview`, where it is set: `true` or `false`. A preview may add ten seconds to a text with a link.",
    }),
  WAHA_WEBHOOK_KEY: secret.optional().meta({
    description:
      "The key with which WAHA signs its webhooks: it opens `/api/waha`, where WAHA tells what became of messages. For example from `openssl rand -hex 32`; none: the path is closed. At least 16 visible ASCII characters, no spaces.",
  }),
  SCHEDULER_COLLECTION: collection("scheduler").meta({
    description: "The scheduler's own small collection. It is made on first use.",
  }),
  ALERT_WEBHOOK_URL: webAddress.optional().meta({
    description:
      "Where to post [alerts](monitoring.md#alerts), as JSON that Slack, Discord and generic receivers accept. It is a secret, and never logged. A user or password in it is refused, as requests can't carry them. Redirects are not followed.",
  }),
  HEARTBEAT_URL: webAddress.optional().meta({
    description:
      "What to call (GET) after [each good pass](monitoring.md#heartbeat), so that silence raises the alarm. It is a secret, too, and without a user or password. Redirects are not followed.",
  }),
  LOG_LEVEL: LogLevel.meta({
    description:
      "`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. `debug` logs each step of each message: search for its id.",
  }),
});

/** The settings, checked. */
export type Config = z.infer<typeof SettingsSchema>;

/** Settings of earlier versions, and the keys of DOCUMENTS that say now what they said. */
export const MOVED_SETTINGS: Readonly<Record<string, string>> = {
  MESSAGES_COLLECTION: "messages.collection",
  CAMPAIGNS_COLLECTION: "campaigns.collection",
  SESSIONS_COLLECTION: "sessions.collection",
  CAMPAIGN_STATUS_SENDING: "campaigns.sending",
  CAMPAIGN_STATUS_COMPLETED: "campaigns.completedWord",
  CAMPAIGN_STATUS_FAILED: "campaigns.failedWord",
  CAMPAIGN_STATUS_HOLD: "campaigns.hold",
};

/** A hold word that is ignored would send a campaign on hold, so a setting that has moved stops the function. */
function movedSettings(env: NodeJS.ProcessEnv): SettingProblem[] {
  return Object.entries(MOVED_SETTINGS)
    .filter(([setting]) => env[setting] !== undefined)
    .map(([setting, key]) => ({
      setting,
      problem: `is no setting any more: set ${key} in DOCUMENTS, and remove it`,
    }));
}

/** On an older one a pass ends somewhere in the middle, as something is missing. */
const OLDEST_NODE = 24;

function checkNode(version: string): SettingProblem[] {
  const problem = `is ${version} here, and must be ${OLDEST_NODE} or newer. Under vercel dev it is the machine's own`;
  return Number.parseInt(version, 10) < OLDEST_NODE ? [{ setting: "Node", problem }] : [];
}

/**
 * Reads the settings from an environment. Values are trimmed; an empty one counts as absent.
 *
 * @param node the version of Node that runs this
 * @throws ConfigError naming every wrong setting, never a value; and a Node that is too old
 */
export function parseConfig(env: NodeJS.ProcessEnv, node = process.versions.node): Config {
  const problems: SettingProblem[] = [...checkNode(node), ...movedSettings(env)];
  const config = collectProblems(() => parseSettings(SettingsSchema, env), problems);
  const times = readTimes(env);
  if (times) problems.push(...crossCheck(times));
  if (config) problems.push(...checkCollections(config), ...checkSecrets(config));
  if (!config || problems.length > 0) throw new ConfigError(problems);
  return config;
}

const { LOOKBACK_SECONDS, PASS_SECONDS, STAY_SECONDS, TAIL_SECONDS } = SettingsSchema.shape;
const TimesSchema = z.object({ LOOKBACK_SECONDS, PASS_SECONDS, STAY_SECONDS, TAIL_SECONDS });

/** The settings that must fit one another. */
export type Times = z.infer<typeof TimesSchema>;

/** These alone, so that they are compared also where another setting is wrong; undefined if one of them is. */
export function readTimes(env: NodeJS.ProcessEnv): Times | undefined {
  return collectProblems(() => parseSettings(TimesSchema, env), []);
}

/**
 * Reads the settings that a schema names, as {@link parseConfig} does.
 *
 * @throws ConfigError naming every wrong setting, never a value: the schema's own messages must hold none
 */
export function parseSettings<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: NodeJS.ProcessEnv,
): z.output<z.ZodObject<Shape>> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = env[name]?.trim();
    if (value) given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error, given));
  return parsed.data;
}

/** With less a pass that stays ends before the next one, a minute later, has taken over. */
const STAYING_PASS_SECONDS = 90;

/** From one call of the cron to the next. */
const CRON_SECONDS = 60;

/** One pass comes every minute and takes a minute at most: if none ended in this time, passes do not run. */
export const RECENT_PASS_SECONDS = 180;

/** For how long none may have ended before passes are taken for stopped: each records itself at its end only. */
export function quietSeconds({ PASS_SECONDS, STAY_SECONDS }: Times): number {
  return RECENT_PASS_SECONDS + Math.max(STAY_SECONDS, PASS_SECONDS - CRON_SECONDS);
}

/**
 * What is allowed but worth a warning, one line each.
 *
 * @param isFollowed the next pass begins when this one ends, so none has to outlast a minute
 */
export function configWarnings(config: Config, isFollowed = false): string[] {
  const { PASS_SECONDS, STAY_SECONDS } = config;
  const warnings: string[] = [];
  if (STAY_SECONDS > 0 && !isFollowed && PASS_SECONDS < STAYING_PASS_SECONDS) {
    warnings.push(
      `STAY_SECONDS is set, and PASS_SECONDS is under ${STAYING_PASS_SECONDS}: with passes every minute none sends from the end of one to the start of the next. Raise maxDuration in vercel.json`,
    );
  } else if (STAY_SECONDS > 0 && !isFollowed && STAY_SECONDS < CRON_SECONDS) {
    warnings.push(
      `STAY_SECONDS is under ${CRON_SECONDS}: with passes every minute none sends from the end of one's stay to the start of the next. Set it to PASS_SECONDS less 15`,
    );
  }
  for (const setting of ["WAHA_TIMEOUT_MS", "WAHA_MEDIA_TIMEOUT_MS"] as const) {
    if (config[setting] >= WAHA_REFUSAL_WAIT_MS) continue;
    warnings.push(
      `${setting} is under ${WAHA_REFUSAL_WAIT_MS}: WAHA refuses for a session that is not working only after 5 s, so such refusals will look like time-outs and end as unknown`,
    );
  }
  return warnings;
}

function checkCollections({ DOCUMENTS, SCHEDULER_COLLECTION }: Config): SettingProblem[] {
  const isTheApps = Object.values(DOCUMENTS).some((part) => part?.collection === SCHEDULER_COLLECTION);
  return isTheApps
    ? [{ setting: "SCHEDULER_COLLECTION", problem: "must not be a collection that DOCUMENTS names" }]
    : [];
}

function checkSecrets({ CRON_SECRET, STATUS_SECRET }: Config): SettingProblem[] {
  return STATUS_SECRET === CRON_SECRET
    ? [{ setting: "STATUS_SECRET", problem: "must not be CRON_SECRET, which gives the right to send" }]
    : [];
}

function crossCheck({ PASS_SECONDS, STAY_SECONDS, TAIL_SECONDS }: Times): SettingProblem[] {
  if (TAIL_SECONDS >= PASS_SECONDS)
    return [{ setting: "TAIL_SECONDS", problem: "must be less than PASS_SECONDS" }];
  if (STAY_SECONDS <= PASS_SECONDS - TAIL_SECONDS) return [];
  return [{ setting: "STAY_SECONDS", problem: "must not exceed PASS_SECONDS less TAIL_SECONDS" }];
}

/** zod's own messages may quote the value, so only those written here, and its bare kinds, are passed on. */
function problemsOf(error: z.ZodError, given: Record<string, string>): SettingProblem[] {
  const problems = new Map<string, string>();
  for (const issue of error.issues) {
    const setting = String(issue.path[0]);
    if (problems.has(setting)) continue;
    problems.set(setting, setting in given ? plain(issue) : "is not set");
  }
  return [...problems].map(([setting, problem]) => ({ setting, problem }));
}

function plain(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be a ${issue.expected === "int" ? "whole number" : issue.expected}`;
    case "too_small":
      return issue.origin === "string"
        ? issue.message
        : `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "invalid_value":
      return `must be one of ${issue.values.join(", ")}`;
    default:
      return issue.message;
  }
}
