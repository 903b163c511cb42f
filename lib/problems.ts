/**
 * Every reason that a message, a campaign or a pass can give, in plain words: what happened, and what to
 * check. A code, once published, keeps its meaning; the README explains each at more length.
 */
export const PROBLEMS = {
  // A message that was not sent, and why.
  pass_died:
    "a pass claimed it and ended before sending; nothing was posted. Check the function's logs for a time-out or a crash",
  out_of_time:
    "claimed, but the pass's time was up before its turn; nothing was posted. Check how many messages fall due at once, SEND_GAP_MS and WAHA's speed",
  message_changed: "it was edited, rescheduled or deleted after it was claimed; the claim was given back",
  no_session: "neither it nor its campaign names a session. Set sessionId, or WAHA_DEFAULT_SESSION",
  session_not_found:
    "its session is unknown to WAHA. Check sessionId, the session's name and WAHA's list of sessions",
  session_not_working: "its session is not WORKING. Open WAHA's dashboard and start it or scan its QR code",
  session_paused:
    "an earlier message of its session had no provable outcome, so nothing more is sent on it for now. Check WAHA's log",
  account_restricted:
    "WhatsApp restricts the session's account (463), so nothing is sent on it for an hour. Check the phone, and slow down",
  whatsapp_refused: "WhatsApp refused it. Check that the chat exists and that the account may write to it",
  waha_core_default_only: "WAHA Core knows only the session 'default'. Use that name, or WAHA Plus",
  waha_bad_request: "WAHA answered 400. If it does so for every message, restart WAHA",
  invalid_message:
    "it can't be sent as it stands: chatId or content is missing or malformed. Correct it, then set isPicked to false",
  database_lost:
    "the database did not acknowledge the intent to send, so nothing was posted. Check the database",
  window_closed:
    "its window closed before a pass reached it. Check whether too many fell due at once, its campaign was on hold, or it was written too late",
  no_pass_in_time:
    "no pass got through while it was due. Check that the cron is on, that the function answers, and that the database was up",
  // A message whose POST may have arrived, and what was seen last.
  answer_lost: "a pass ended between the POST and the record of its answer",
  waha_timeout: "WAHA did not answer in time; it may still send. Check WAHA's load and WAHA_TIMEOUT_MS",
  waha_connection_lost:
    "the connection to WAHA broke before the answer; it may have sent. Check WAHA and its proxy",
  waha_gateway:
    "the proxy before WAHA gave up (502, 503 or 504); WAHA may have sent. Check WAHA and its proxy",
  waha_error: "WAHA answered 500, which proves neither sent nor unsent. Check WAHA's log",
  waha_unproven: "WAHA's answer proves neither sent nor unsent. Check WAHA's log and WAHA_API_URL",
  // What stops a pass, or was noticed by one.
  waha_unreachable:
    "WAHA can't be reached. Check that it runs and that WAHA_API_URL is right from where the function runs",
  waha_key_refused: "WAHA refuses the key. Check WAHA_API_KEY",
  waha_redirect: "WAHA_API_URL leads to a redirect, which is never followed. Set the address that it names",
  waha_bad_answer:
    "what answers at WAHA_API_URL does not answer as WAHA does. Check WAHA_API_URL and WAHA's health",
  database_unreachable:
    "the database can't be reached. Check that it runs, and its allow-list, user and password",
  database_refused:
    "the database refuses an operation. Check the user's rights (readWrite) and any validation rules",
  database_not_replica_set:
    "the database is a standalone server. It must be a replica set (one node is enough)",
  database_slow:
    "the database is too slow: it gave up a search that took too long. Check its load, and that the indexes exist",
  internal_error:
    "an unexpected error, which is a defect of the scheduler. The function's log says where it arose; report it",
  pass_overran: "the pass did not end in time and was cut off; the next one puts right what it left",
  passes_stopped:
    "no pass has ended for three minutes, so nothing is sent. Check that the cron is on, that the function answers, and its log",
  // What a person should look at.
  waha_version_unknown:
    "WAHA did not tell its version, so messages are sent without ids and a lost answer can't be looked up",
  clock_skew: "the function's clock and the database's differ by more than 5 s. Check both hosts' time",
  indexes_missing:
    "the indexes could not be created. Give the database's user createIndex, or create them by hand",
  campaign_not_found:
    "the campaign that it names does not exist. It is sent only if it names a session itself; restore the campaign, or clear campaignId",
  flags_missing:
    "messages lack isSent, isDeleted or isPicked, so they are never seen. Set all three to false or true",
  flag_reset:
    "isPicked or isSent was reset on a message that was or may have been sent; it was set back, and not sent again",
  date_wrong:
    "messages have a scheduledAt that is no Date, so they are never seen. Write a Date, not a text or a number",
  never_picked: "messages are over 24 hours past their time and nobody picked them; they are left alone",
  picked_elsewhere:
    "messages are picked by something else than this scheduler. Stop any other scheduler on this collection",
} as const;

/** The reasons' short names, as written to `delivery.error.code` and the summary. */
export type ProblemCode = keyof typeof PROBLEMS;

/** What does not keep any message that is due from being sent, but should be looked at. */
export const NOTICES: ReadonlySet<ProblemCode> = new Set([
  "waha_version_unknown",
  "clock_skew",
  "indexes_missing",
  "flags_missing",
  "flag_reset",
  "date_wrong",
  "never_picked",
  "picked_elsewhere",
]);

/** Messages with these end as `failed`, for a reason that lies in themselves or their account. */
export const FAILING: ReadonlySet<ProblemCode> = new Set([
  "invalid_message",
  "whatsapp_refused",
  "account_restricted",
]);

/** Messages with these may have arrived; they end as `unknown` if nothing can be proved. */
export const UNPROVEN: ReadonlySet<ProblemCode> = new Set([
  "answer_lost",
  "waha_timeout",
  "waha_connection_lost",
  "waha_gateway",
  "waha_error",
  "waha_unproven",
]);

/** A reason's words in two: what happened, and what to do, which is empty where there is nothing to do. */
export function splitWords(message: string): { happened: string; remedy: string } {
  const [happened = "", ...rest] = message.split(". ");
  return { happened, remedy: rest.join(". ") };
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
