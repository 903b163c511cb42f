import { ConfigError, type Failure, UnavailableError } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import { messageOf, type ProblemCode } from "../problems.ts";

/** What a program is asked for that did not send the secret. */
export const BEARER_CHALLENGE = { "WWW-Authenticate": "Bearer" };

/** Says in plain words what an error means, without a secret or a stack trace. The log says where it arose. */
export function explain(error: unknown, log: Log): Failure {
  if (error instanceof ConfigError) {
    log.error({ settings: error.problems }, "settings are wrong");
    const errors = error.problems.map(({ setting, problem }) => ({
      code: "setting_wrong" as const,
      setting,
      message: `${setting} ${problem}`,
    }));
    return { status: 500, errors };
  }
  if (error instanceof UnavailableError) {
    log.error({ code: error.code, error: describeError(error) }, error.message);
    return { status: 503, errors: [{ code: error.code, message: error.message, count: 1 }] };
  }
  log.error({ error: describeError(error) }, "unexpected error");
  const code: ProblemCode = "internal_error";
  return { status: 500, errors: [{ code, message: messageOf(code), count: 1 }] };
}

/** An answer as JSON, which is kept nowhere on its way. */
export function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}
