import { PROBLEMS, type ProblemCode } from "../../problems.ts";

/** How to send messages again that had a problem. */
export interface ResendHint {
  /** What to do before that. */
  first: string;
  /** The command, to be run where the settings are. */
  command: string;
}

/** How to send again what a problem stopped within the last day; null where nothing is to be sent again. */
export function resendHint(code: ProblemCode): ResendHint | null {
  const command = (state: string, more = "") =>
    `npm run resend -- --state ${state} --code ${code} --since 1d${more}`;
  switch (PROBLEMS[code].kind) {
    case "failed":
      return { first: "Put right what is wrong", command: command("failed,missed") };
    case "unsent":
    case "waha":
      return { first: "For what was missed by it, once the cause is gone", command: command("missed") };
    case "unproven":
      return {
        first: "It may have arrived: look at the chats. Only for what did not",
        command: command("unknown", " --may-arrive-twice"),
      };
    default:
      return null;
  }
}
