/**
 * What a problem means for the messages that have it:
 *
 * - `unsent`: not posted; a later pass sends it, or it is `missed` when its window closes first
 * - `changed`: not posted, as the app changed it; nothing is wrong
 * - `failed`: it ends as `failed`, for a reason that lies in itself or its account
 * - `unproven`: it may have arrived; it ends as `unknown` if nothing can be proved
 *
 * and for a pass:
 *
 * - `waha`, `database`: that service is away, or turns it down
 * - `pass`: it did not end, or did not come
 * - `setup`: it ran, and its settings don't fit the app, so that nothing is sent
 * - `defect`: a fault of the scheduler
 * - `notice`: it keeps no message that is due from being sent, but a person should look at it
 */
export type ProblemKind =
  | "unsent"
  | "changed"
  | "failed"
  | "unproven"
  | "waha"
  | "database"
  | "pass"
  | "setup"
  | "defect"
  | "notice";

/** A reason in plain words: what happened, and what to do, which is empty where there is nothing to do. */
export interface Problem {
  kind: ProblemKind;
  happened: string;
  remedy: string;
  /** It always ends the message, which must be sent again once the remedy was applied. */
  again?: true;
}

const problems = {
  // A message that was not sent, and why.
  pass_died: {
    kind: "unsent",
    happened: "a pass claimed the message and ended before sending it; nothing was posted",
    remedy: "Check the function's logs for a time-out or a crash",
  },
  out_of_time: {
    kind: "unsent",
    happened: "the message was claimed, but the pass's time was up before its turn; nothing was posted",
    remedy: "Check how many messages fall due at once, SEND_GAP_MS and WAHA's speed",
  },
  claim_ran_out: {
    kind: "unsent",
    happened: "the message was claimed, but its claim ended before its turn; nothing was posted",
    remedy: "If there are many, check WAHA's speed and SEND_GAP_MS",
  },
  message_changed: {
    kind: "changed",
    happened: "the message was edited, rescheduled or deleted after it was claimed; the claim was given back",
    remedy: "",
  },
  no_session: {
    kind: "unsent",
    happened: "neither the message nor its campaign names a session",
    remedy: "Name one on either, or set WAHA_DEFAULT_SESSION",
  },
  no_chat: {
    kind: "unsent",
    happened: "neither the message nor its campaign or group names a chat",
    remedy: "Set it where it is missing",
  },
  session_not_found: {
    kind: "unsent",
    happened: "the session is unknown to WAHA",
    remedy: "Check which session the message names, that session's name, and WAHA's list",
  },
  session_not_working: {
    kind: "unsent",
    happened: "the session is not WORKING",
    remedy: "Open WAHA's dashboard and start it or scan its QR code",
  },
  session_paused: {
    kind: "unsent",
    happened:
      "an earlier message of the session had no provable outcome, or its chat was refused too often, so it waits for now",
    remedy: "Check WAHA's log",
  },
  session_sick: {
    kind: "unsent",
    happened:
      "message after message of the session came to nothing, whatever its chat, so nothing is sent on it for a while",
    remedy: "Restart the session in WAHA's dashboard",
  },
  session_throttled: {
    kind: "unsent",
    happened: "WhatsApp, or a proxy before WAHA, throttles the session, so nothing is sent on it for a while",
    remedy: "Send less on it, and slower. It goes on by itself",
  },
  account_restricted: {
    kind: "unsent",
    happened: "WhatsApp restricts the session's account (463), so it may not write to people for a while",
    remedy: "Check the phone, and slow down. It goes on by itself",
  },
  chat_unavailable: {
    kind: "unsent",
    happened: "WAHA could not prepare the chat for sending: its members, devices or keys",
    remedy: "Check that the chat exists and that the account is in it",
  },
  waha_core_default_only: {
    kind: "unsent",
    happened: "WAHA Core knows only the session 'default'",
    remedy: "Use that name, or WAHA Plus",
  },
  waha_bad_request: {
    kind: "failed",
    happened: "WAHA answered 400",
    remedy: "If it does so for every message, restart WAHA",
  },
  media_unavailable: {
    kind: "unsent",
    happened: "WAHA could not load the message's file from its address, or could not upload it to WhatsApp",
    remedy: "Check that WAHA reaches the file's address",
  },
  campaign_not_found: {
    kind: "unsent",
    happened: "the message's campaign does not exist",
    remedy:
      "Restore the campaign, or delete the message. Only a message that names a session and a chat itself is sent without it",
  },
  database_lost: {
    kind: "unsent",
    happened: "the database did not acknowledge the intent to send, so nothing was posted",
    remedy: "Check the database",
  },
  window_closed: {
    kind: "unsent",
    happened: "the message's window closed before a pass reached it",
    remedy:
      "Check whether too many fell due at once, the campaign was on hold, or the message was written too late",
  },
  window_closing: {
    kind: "unsent",
    happened: "messages wait, and the first of their windows closes before they can be sent",
    remedy: "Check what they wait for: waiting in the answer counts it",
  },
  too_old_at_first_pass: {
    kind: "unsent",
    happened: "the message's window had closed before the first pass began",
    remedy: "If it is still wanted, send it again",
  },
  no_pass_in_time: {
    kind: "unsent",
    happened: "no pass got through while the message was due",
    remedy: "Check that the cron is on, that the function answers, and that the database was up",
  },
  // A message that can't be sent.
  whatsapp_refused: {
    kind: "failed",
    happened: "WhatsApp refused the message",
    remedy: "Check that the chat exists and that the account may write to it",
  },
  number_not_found: {
    kind: "failed",
    happened: "the number is not on WhatsApp, or not in this form",
    remedy: "Correct the number (in Brazil, Mexico and Argentina there are two forms)",
    again: true,
  },
  message_too_large: {
    kind: "failed",
    happened: "WAHA, or a proxy before it, takes no message of this size (413)",
    remedy: "Shorten it or raise that limit",
    again: true,
  },
  media_not_loaded: {
    kind: "failed",
    happened: "WAHA can't load the message's file: its address says that it is not there, or may not be read",
    remedy: "Correct the address or what it allows",
    again: true,
  },
  waha_plus_only: {
    kind: "failed",
    happened: "this WAHA Core sends texts alone: files only from version 2026.6.1 on",
    remedy: "Upgrade WAHA",
    again: true,
  },
  invalid_message: {
    kind: "failed",
    happened: "the message can't be sent as it stands: its chat, text or file is missing or malformed",
    remedy: "Correct it",
    again: true,
  },
  // A message whose POST may have arrived, and what was seen last.
  answer_lost: {
    kind: "unproven",
    happened: "a pass ended between the POST and the record of its answer",
    remedy: "",
  },
  waha_timeout: {
    kind: "unproven",
    happened: "WAHA did not answer in time; it may still send the message",
    remedy: "Check WAHA's load and WAHA_TIMEOUT_MS",
  },
  lease_ran_out: {
    kind: "unproven",
    happened:
      "the request to WAHA was cut off, as the database did not renew the session's lease in time; WAHA may still send the message",
    remedy: "Check the database's load and the connection to it",
  },
  waha_connection_lost: {
    kind: "unproven",
    happened: "the connection to WAHA broke before the answer; WAHA may have sent the message",
    remedy: "Check WAHA and its proxy",
  },
  waha_gateway: {
    kind: "unproven",
    happened: "the proxy before WAHA gave up (502, 503 or 504); WAHA may have sent the message",
    remedy: "Check WAHA and its proxy",
  },
  waha_error: {
    kind: "unproven",
    happened: "WAHA answered 500, which proves neither sent nor unsent",
    remedy: "Check WAHA's log",
  },
  waha_unproven: {
    kind: "unproven",
    happened: "WAHA's answer proves neither sent nor unsent",
    remedy: "Check WAHA's log and WAHA_API_URL",
  },
  // What stops a pass.
  waha_unreachable: {
    kind: "waha",
    happened: "WAHA can't be reached",
    remedy: "Check that it runs and that WAHA_API_URL is right from where the function runs",
  },
  waha_key_refused: {
    kind: "waha",
    happened: "WAHA refuses the key",
    remedy: "Check WAHA_API_KEY",
  },
  waha_redirect: {
    kind: "waha",
    happened: "WAHA_API_URL leads to a redirect, which is never followed",
    remedy: "Set the address that it names",
  },
  waha_bad_answer: {
    kind: "waha",
    happened: "what answers at WAHA_API_URL does not answer as WAHA does",
    remedy: "Check WAHA_API_URL and WAHA's health",
  },
  database_unreachable: {
    kind: "database",
    happened: "the database can't be reached",
    remedy: "Check that it runs, and its allow-list, host name and certificates",
  },
  database_refused: {
    kind: "database",
    happened: "the database refuses an operation",
    remedy:
      "Check the user and password, the user's rights (readWrite), and any validation rules and unique indexes of the app's",
  },
  database_not_replica_set: {
    kind: "database",
    happened: "the database is a standalone server",
    remedy: "It must be a replica set (one node is enough)",
  },
  database_slow: {
    kind: "database",
    happened: "the database is too slow: it gave up a search that took too long",
    remedy: "Check its load, and that the indexes exist",
  },
  pass_overran: {
    kind: "pass",
    happened: "the pass did not end in time and was cut off; the next one puts right what it left",
    remedy: "",
  },
  passes_stopped: {
    kind: "pass",
    happened: "no pass has ended for three minutes, so nothing is sent",
    remedy: "Check that the cron is on, that the function answers, and its log",
  },
  documents_not_found: {
    kind: "setup",
    happened: "unsent messages are in a collection that DOCUMENTS does not name, so they are not sent",
    remedy: "Set DOCUMENTS as npm run doctor proposes",
  },
  internal_error: {
    kind: "defect",
    happened: "an unexpected error, which is a defect of the scheduler",
    remedy: "The function's log says where it arose; report it",
  },
  // What a person should look at.
  waha_version_unknown: {
    kind: "notice",
    happened:
      "WAHA did not tell its version, so messages are sent without ids and a lost answer can't be looked up",
    remedy: "",
  },
  refused_after_accepting: {
    kind: "notice",
    happened: "WhatsApp refused messages that WAHA had accepted; they stay sent, and did not arrive",
    remedy: "Check their chats, and the account on its phone",
  },
  session_silent: {
    kind: "notice",
    happened:
      "WAHA calls the session WORKING, and WhatsApp has reported nothing of the last twenty messages that it sent to people",
    remedy:
      "Set up its webhook if no receipt of it ever came (npm run doctor looks). Else look on its phone whether they are there. If not, restart the session in WAHA; if they are, its webhooks don't come any more",
  },
  clock_skew: {
    kind: "notice",
    happened: "the function's clock and the database's differ by more than 5 s",
    remedy: "Check both hosts' time",
  },
  time_impossible: {
    kind: "notice",
    happened: "the scheduler's own records held a time that lies too far ahead, and it was not believed",
    remedy: "Check the clocks of the database's hosts, and what else writes to the scheduler collection",
  },
  indexes_missing: {
    kind: "notice",
    happened: "indexes could not be created",
    remedy: "The log says why. Give the database's user createIndex, or create them by hand",
  },
  flags_missing: {
    kind: "notice",
    happened: "messages lack isSent, isDeleted or isPicked as a boolean, so they are never seen",
    remedy: "Set all three to false or true",
  },
  flag_reset: {
    kind: "notice",
    happened:
      "isPicked or isSent was reset on a message that was or may have been sent; the flag was set back, and the message not sent again",
    remedy: "",
  },
  date_wrong: {
    kind: "notice",
    happened: "messages have a scheduledAt that is no Date, so they are never seen",
    remedy: "Write a Date",
  },
  never_picked: {
    kind: "notice",
    happened: "messages are over 24 hours past their time and were never picked; they are left alone",
    remedy: "Give what is still wanted a new scheduledAt, and set isDeleted to true on the rest",
  },
  picked_elsewhere: {
    kind: "notice",
    happened: "messages are picked by something else than this scheduler",
    remedy:
      "Stop any other scheduler on them. Decide about each: set isSent to true, set isDeleted to true, or send it again",
  },
} as const satisfies Record<string, Problem>;

/** The reasons' short names, as written to `delivery.error.code` and the summary. */
export type ProblemCode = keyof typeof problems;

/**
 * Every reason that a message, a campaign or a pass can give. A code, once published, keeps its meaning. docs/errors.md
 * is made from these (`npm run docs`).
 */
export const PROBLEMS: Readonly<Record<ProblemCode, Problem>> = problems;

/** With `isPicked` alone the message would be `missed`, as its window is over by then. */
const AGAIN =
  "Then, in one update, set isPicked to false and scheduledAt to a new time, or use npm run resend";

/** A reason as documents, answers, alerts and the log say it. */
export function messageOf(code: ProblemCode, detail?: string): string {
  const words = wordsOf(code);
  return withDetail(PROBLEMS[code].again ? `${words}. ${AGAIN}` : words, detail);
}

/** What happened, or would happen to a message that no pass has taken yet, and the remedy. */
export function wordsOf(code: ProblemCode): string {
  const { happened, remedy } = PROBLEMS[code];
  return remedy ? `${happened}. ${remedy}` : happened;
}

/** Words with what is particular in this case: a session's name, a status. */
export function withDetail(words: string, detail?: string): string {
  return detail ? `${words} (${detail})` : words;
}

/** What was particular in a reason, given the words that {@link messageOf} made of it; undefined if nothing was. */
export function detailOf(code: ProblemCode, message: string): string | undefined {
  const words = `${messageOf(code)} (`;
  return message.startsWith(words) && message.endsWith(")") ? message.slice(words.length, -1) : undefined;
}

/** Where a code is explained, in this repository. */
export function errorPage(code: ProblemCode): string {
  return `docs/errors.md#${code}`;
}

/** The homepage of package.json, which the deployed function does not have. */
const HOMEPAGE = "https://github.com/waha-scheduler/waha-scheduler";

/** The same on the web. */
export function errorUrl(code: ProblemCode): string {
  return `${HOMEPAGE}/blob/main/${errorPage(code)}`;
}

/** Whether a document's word for a reason is one of these. */
export function isProblemCode(word: unknown): word is ProblemCode {
  return typeof word === "string" && Object.hasOwn(PROBLEMS, word);
}

/** Why a message ends or goes back; `detail` is added to the code's own words, and never quotes a text. */
export interface Reason {
  code: ProblemCode;
  detail?: string;
}

/** What was met, as the reason to write: without the particulars where there are none. */
export function asReason({ code, detail }: { code: ProblemCode; detail?: string | undefined }): Reason {
  return detail === undefined ? { code } : { code, detail };
}
