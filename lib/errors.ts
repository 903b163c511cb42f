import { messageOf, type ProblemCode } from "./problems.ts";

/** One wrong setting: its name and what is wrong with it, never its value. */
export interface SettingProblem {
  setting: string;
  problem: string;
}

/** The service is not set up: nothing can run until a person changes the settings. Answered with 500. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map(({ setting, problem }) => `${setting} ${problem}`).join("; "));
    this.problems = problems;
  }
}

/** What `read` gives; undefined if settings are wrong, which are then among the problems. */
export function collectProblems<T>(read: () => T, problems: SettingProblem[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** A pass cannot do its work now, and a later one may: the database or WAHA is away. Answered with 503. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly code: ProblemCode;
  readonly detail: string | undefined;

  /** `detail` adds to the code's own words what is particular here, and holds no key, no text and no secret. */
  constructor(code: ProblemCode, { detail, cause }: { detail?: string; cause?: unknown } = {}) {
    super(messageOf(code, detail), { cause });
    this.code = code;
    this.detail = detail;
  }
}

/** One thing that is wrong, as callers are told. */
interface ToldError {
  code: ProblemCode | "setting_wrong";
  message: string;
  /** The setting that is wrong. */
  setting?: string;
  count?: number;
}

/** Why a request can't be served: 500 for wrong settings or a defect, 503 for a service that is away. */
export interface Failure {
  status: 500 | 503;
  errors: ToldError[];
}
