import { MongoServerError } from "mongodb";
import { ConfigError, UnavailableError } from "../../lib/errors.ts";
import { asUnavailable } from "../../lib/mongo/errors.ts";
import { type CheckName, type Finding, ofCode, problem, warning } from "./finding.ts";

/** No question to the database takes longer: the doctor must not be a burden to what it looks at. */
export const LOOK_MS = 10_000;

/** The server's code for an operation that took longer than its `maxTimeMS`. */
const MAX_TIME_EXPIRED = 50;

/** Runs a check; whatever stops it becomes a finding of its own. */
export async function runCheck(check: CheckName, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [stopped(check, error)];
  }
}

/** Why a check could not be made, in plain words. */
export function stopped(check: CheckName, error: unknown): Finding {
  if (error instanceof ConfigError)
    return problem(check, error.message, "docs/configuration.md says what it must look like");
  if (error instanceof MongoServerError && error.code === MAX_TIME_EXPIRED)
    return warning(
      check,
      `not checked to the end: the database took longer than ${LOOK_MS / 1000} s over it`,
      "Run this again when the indexes exist and the database is less busy",
    );
  const reason = asUnavailable(error);
  if (reason instanceof UnavailableError) return ofCode("problem", check, reason.code, reason.detail);
  const name = error instanceof Error ? error.name : typeof error;
  return problem(check, `not checked: an unexpected ${name}`, "This is a defect of the doctor; report it");
}
