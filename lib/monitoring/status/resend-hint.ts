import { FAILING, type ProblemCode, UNPROVEN } from "../../problems.ts";

/** How to send messages again that had a problem. */
export interface ResendHint {
  /** What to do before that. */
  first: string;
  /** The command, to be run where the settings are. */
  command: string;
}

/** Messages with these problems are sent by a later pass, or end as `missed` if their window closes first. */
const MISSED = new Set<ProblemCode>([
  "pass_died",
  "out_of_time",
  "no_session",
  "session_not_found",
  "session_not_working",
  "session_paused",
  "waha_core_default_only",
  "waha_bad_request",
  "database_lost",
  "window_closed",
  "no_pass_in_time",
  "campaign_not_found",
  "waha_unreachable",
  "waha_key_refused",
  "waha_redirect",
  "waha_bad_answer",
]);

/** How to send again what a problem stopped within the last day; null where nothing is to be sent again. */
export function resendHint(code: ProblemCode): ResendHint | null {
  const command = (state: string, more = "") =>
    `npm run resend -- --state ${state} --code ${code} --since 1d${more}`;
  if (FAILING.has(code)) return { first: "Put right what is wrong", command: command("failed,missed") };
  if (MISSED.has(code))
    return { first: "For what was missed by it, once the cause is gone", command: command("missed") };
  if (!UNPROVEN.has(code)) return null;
  return {
    first: "It may have arrived: look at the chats. Only for what did not",
    command: command("unknown", " --may-arrive-twice"),
  };
}
