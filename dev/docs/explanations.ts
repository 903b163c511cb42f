import type { ProblemCode } from "../../lib/problems.ts";

/** What docs/errors.md says of a code where that is more than its own words. */
export interface Explanation {
  happened?: string;
  remedy?: string;
}

/** The code of a wrong setting, which has no words of its own: its message names the setting. */
export const SETTING_WRONG = "setting_wrong";

export const EXPLANATIONS: Partial<Record<ProblemCode | typeof SETTING_WRONG, Explanation>> = {
  // Why a message was not sent.
  pass_died: {
    happened:
      "A pass took the message and ended before its turn: a crash, a deployment, or the platform's time limit",
    remedy:
      "Usually nothing. Often: look for time-outs in the log; `PASS_SECONDS` must not exceed the platform's limit",
  },
  out_of_time: {
    happened: "The message was taken, but the pass's time was up before its turn",
    remedy:
      "A few are normal. Many: too much is due at once for the session, or WAHA is slow. See [Pacing](pacing.md)",
  },
  claim_ran_out: {
    happened:
      "The message was taken, but did not start within the 15 seconds of its claim. The same pass takes it again",
    remedy: "A few are normal. Many: WAHA is slow, or `SEND_GAP_MS` long. See [Pacing](pacing.md)",
  },
  message_changed: {
    happened: "The app edited, moved or deleted the message between the claim and the send",
    remedy: "Nothing: the new version is sent when it is due, and a deleted one is not",
  },
  no_session: { remedy: "Set `sessionId` on either, or `WAHA_DEFAULT_SESSION`" },
  session_not_found: {
    happened: "WAHA has no session of that name",
    remedy: "[Session not found](troubles.md#session-not-found-or-not-working)",
  },
  session_not_working: {
    happened: "The session's status is not WORKING",
    remedy: "[Session not working](troubles.md#session-not-found-or-not-working)",
  },
  session_paused: {
    happened:
      "An earlier message of the session got no provable answer, so the pass sends nothing more on it, to keep the order. The next pass goes on, or a pass that stays, after a minute at most",
    remedy: "Look at the session's message that is `attempting` or `unknown`, and WAHA's log",
  },
  session_sick: {
    happened: "Messages to three chats in a row met answers that may be about it as well as about the chats",
    remedy: "[Restart the session](operations.md#a-session-that-rests), though it is WORKING",
  },
  session_throttled: {
    happened: "WhatsApp throttles the account (its errors 420, 429, 475), or a proxy answered 429",
    remedy: "Nothing. If it repeats: [slower](pacing.md)",
  },
  account_restricted: {
    happened: "WhatsApp restricts the account (its error 463): its messages to people wait",
    remedy:
      "Look at the phone; send less, and not to strangers. [Until when?](operations.md#a-session-that-rests)",
  },
  chat_unavailable: {
    happened: "WAHA could not get the chat's members, devices or keys. The session goes on",
    remedy: "If it repeats: is the account in the group?",
  },
  waha_core_default_only: {
    happened: "WAHA Core serves only the session `default`",
    remedy: "Use that name (or `WAHA_DEFAULT_SESSION=default`), or WAHA Plus",
  },
  waha_bad_request: {
    happened:
      "WAHA answered 400. The message is due until a later one of its session is accepted, then `failed`",
    remedy: "`failed`: look at its `chatId`. If every message gets it: restart WAHA",
  },
  media_unavailable: {
    happened: "WAHA could not load or upload its file; the detail says where. The session goes on",
    remedy: "Does the address answer, from where WAHA runs?",
  },
  campaign_not_found: {
    happened:
      "The message's campaign does not exist. If the message names a `sessionId` and a chat itself it is sent, and this is a notice. Otherwise it is not, and `ok` is false",
    remedy: "[Orphaned campaigns](troubles.md#orphaned-campaigns)",
  },
  database_lost: { remedy: "[Database connection lost](troubles.md#database-connection-lost)" },
  window_closed: {
    happened: "The message's window closed before a pass could take it",
    remedy:
      "Look at the passes in the minutes after `scheduledAt`. `more: true`: too much was due at once, see [Pacing](pacing.md). Or the campaign was on hold, or the app wrote the message too late",
  },
  window_closing: {
    happened:
      "A pass ended, and messages wait that will be `missed` unless they are sent at once; the detail names their sessions",
    remedy:
      "`waiting` in [the answer](api.md#get-apicron) counts what they wait for. Too much at once: see [Pacing](pacing.md)",
  },
  too_old_at_first_pass: {
    happened: "The message's window had closed before the first pass began",
    remedy: "Still wanted? [Send it again](operations.md#send-again)",
  },
  no_pass_in_time: {
    happened: "No pass got through between the message's time and the end of its window",
    remedy: "Look at the log of those minutes, as for [`passes_stopped`](#passes_stopped)",
  },
  whatsapp_refused: {
    happened:
      'WhatsApp refused the message: the detail is its error number, or "ack -1". It is due until a later one of its session is accepted, then `failed`',
    remedy:
      "Is the number on WhatsApp? Is the account a member of the group, an admin of the channel, not blocked?",
  },
  number_not_found: {
    happened: "WhatsApp knows no such number. Only GOWS tells",
    remedy: "Correct it. Brazil, Mexico and Argentina have an old and a new form",
  },
  message_too_large: { happened: "Something answered 413", remedy: "Shorten it, or raise the proxy's limit" },
  media_not_loaded: {
    happened: "The address of its file answered WAHA with 403, 404 or 410",
    remedy: "Was it deleted, or its link signed for too short a time? Correct it",
  },
  waha_plus_only: { remedy: "Upgrade it" },
  invalid_message: {
    happened:
      "The chat, the text, or the file's kind or address is missing, of the wrong type, malformed, empty or too long; the message says which. Or its `delivery` is not the scheduler's",
    remedy: "Correct it. Digits with a `+` or spaces are the usual cause",
  },
  // When a POST may have arrived.
  answer_lost: {
    happened:
      "A pass ended between the POST and the record of its answer: a crash, or a database that went away",
    remedy: "Nothing at first; if it ends `unknown`, [decide](operations.md#decide-about-an-unknown-message)",
  },
  waha_timeout: {
    happened:
      "WAHA did not answer within `WAHA_TIMEOUT_MS`, or before the pass had to end; it may still send the message",
    remedy: "Check WAHA's load and the phone's connection. Raise `WAHA_TIMEOUT_MS` if WAHA is always slow",
  },
  lease_ran_out: { remedy: "Check the database's load, and the connection to it. The message is looked up" },
  waha_connection_lost: {
    happened: "The connection broke before the answer came",
    remedy: "Did WAHA restart just then? Does its proxy cut requests short?",
  },
  waha_gateway: {
    happened: "The proxy before WAHA gave up: 502, 503 or 504",
    remedy: "Raise the proxy's time limit above 75 seconds, which WAHA may need. Was WAHA up?",
  },
  waha_error: {
    happened: "WAHA answered 500 and did not say that WhatsApp refused it",
    remedy: "Look at WAHA's log. The body is not logged here, as it repeats the message's text",
  },
  waha_unproven: {
    happened: "Any other answer: the HTTP status is in the message",
    remedy: "Check that `WAHA_API_URL` leads to WAHA and not to something else, and WAHA's log",
  },
  // What stops a pass.
  waha_unreachable: {
    happened: "No connection to WAHA, or no list of sessions within 10 seconds, before any POST",
    remedy: "[WAHA unreachable](troubles.md#waha-unreachable)",
  },
  waha_key_refused: {
    happened: "WAHA answered 401",
    remedy: "Compare `WAHA_API_KEY` with WAHA's own setting",
  },
  waha_redirect: {
    happened: "`WAHA_API_URL` answers with a redirect, which is never followed. The message names the host",
    remedy: "Set that address",
  },
  waha_bad_answer: {
    happened: "What answers gives no list of sessions; the HTTP status is in the message",
    remedy: "Check `WAHA_API_URL` (a path too many?), the proxy, and WAHA's `/health`",
  },
  database_unreachable: {
    happened: "No connection, no primary, or no answer in time",
    remedy: "[Database connection lost](troubles.md#database-connection-lost)",
  },
  database_refused: {
    happened:
      "The server turned an operation away: wrong user or password, or missing rights. In a 200: it turned documents away, by a validation rule or for their length. Such messages are not sent, or `delivery` alone says so",
    remedy:
      "Give the user `readWrite`; allow [what the scheduler writes](documents.md#rules-for-your-app) in the rule. The log line has the server's error code",
  },
  database_not_replica_set: {
    happened: "The server is standalone; majority writes mean nothing there",
    remedy: "Start it with `--replSet` and run `rs.initiate()` once, or use Atlas",
  },
  database_slow: {
    happened:
      "The database gave up a search that took too long. In a 200: only [what is never seen](#what-a-person-should-look-at) was not counted",
    remedy: "Look at the database's load, and whether [the indexes](indexes.md) exist",
  },
  pass_overran: {
    happened: "The pass hung and was cut off half a second before its time limit",
    remedy:
      "Nothing: the next pass puts right what it left. If it repeats, the database or WAHA hangs rather than fails; look at both",
  },
  passes_stopped: {
    happened: "No pass has ended for three minutes",
    remedy:
      "Is the cron on (project settings → Cron Jobs), or the process running? Does the function answer 401, 500 or 503? See its log",
  },
  documents_not_found: {
    happened:
      "In a 200: a collection that `DOCUMENTS` does not name holds unsent messages; or overdue ones, where `DOCUMENTS` leads to messages, too",
    remedy: "Set `DOCUMENTS` as the message or [the doctor](operations.md#check-a-set-up) says",
  },
  // What a person should look at.
  waha_version_unknown: {
    happened:
      "WAHA did not tell its version. Messages are sent without ids, so a lost answer can't be looked up",
    remedy: "Check that `/api/server/version` answers with this key",
  },
  clock_skew: {
    happened: "The function's clock and the database's are more than 5 seconds apart",
    remedy: "Put the wrong host's time right (NTP). The database's clock decides what is due",
  },
  time_impossible: {
    happened:
      "A lease, or what is remembered of alerts, held a time that lies too far ahead: a clock was wrong, or another program wrote there. It was not believed; a lease is cut to 20 seconds",
    remedy: "Check the clocks of the database's hosts",
  },
  indexes_missing: {
    happened: "These could not be created; the log says why. Everything works, slower",
    remedy: "Give the user `createIndex`, or [create them by hand](indexes.md)",
  },
  refused_after_accepting: {
    happened:
      "WhatsApp refused messages that WAHA had accepted. They stay `sent`, with this as `delivery.error`, and did not arrive",
    remedy: "Does the chat exist, and may the account write to it? Look at the account's phone",
  },
  session_silent: {
    happened:
      "The session is WORKING, and of the last twenty messages that it sent to people over ten minutes ago none has a receipt, though other sessions' webhooks came before and still do, or its own did",
    remedy:
      "If none of it ever came, [set up its webhook](monitoring.md#receipts). Else look on its phone. If they are not there, restart the session; they stay `sent`, so write them anew. If they are, look at its webhook",
  },
  flags_missing: {
    happened:
      "Messages lack `isSent`, `isDeleted` or `isPicked`, or hold no boolean there: no pass ever sees them",
    remedy: "Give the app defaults, and [set the missing ones](documents.md#messages-that-lack-a-flag)",
  },
  flag_reset: {
    happened:
      "The app set `isPicked` (and perhaps `isSent`) back on a message that was, or may have been, sent",
    remedy:
      "Nothing was sent, and the flags were set back. To send such a text once more, [write a new message](operations.md#decide-about-an-unknown-message)",
  },
  date_wrong: {
    happened: "Messages have a `scheduledAt` that is neither a Date nor `null`: no pass ever sees them",
    remedy:
      "Make the app write a Date, and [convert the ones there are](documents.md#messages-whose-date-is-a-text)",
  },
  never_picked: {
    happened:
      "Messages are over 24 hours past their time, and were never taken: older than this deployment, or written too late",
    remedy:
      "[Give them a new time](operations.md#send-again), or set `isDeleted: true`. Until then their campaign stays open",
  },
  picked_elsewhere: {
    happened:
      "Messages are picked and unsent, and have no `delivery`, or are `released`: another scheduler, or the app, took them",
    remedy:
      "Stop the other scheduler. Decide for each message: `isSent: true` (it arrived), `isDeleted: true` (not wanted any more), or [send it again](operations.md#send-again)",
  },
  // Wrong settings and defects.
  setting_wrong: {
    happened:
      "500. A setting is missing or malformed; `setting` and `message` say which and how. Where `CRON_SECRET` is usable, only those who know it get this answer",
    remedy: "Correct the [setting](configuration.md), and deploy again",
  },
  internal_error: {
    happened: "500. A defect of the scheduler. The other steps of the pass ran",
    remedy: "Report it, with the error's name and place from the log",
  },
};
