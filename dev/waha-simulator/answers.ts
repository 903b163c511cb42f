import type { Call } from "./calls.ts";
import type { Engine, Settings } from "./options.ts";

/** An HTTP answer. An object is sent as JSON, a string as it is; an empty string sends no content type. */
export type Answer = { status: number; body: object | string; headers?: Record<string, string> };

/** Thrown by a handler to answer with something else than success, as NestJS, WAHA's framework, does it. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`Refused with ${answer.status}`);
    this.answer = answer;
  }
}

/** An error as NestJS words it. */
export function nestError(status: number, error: string, message: string): Answer {
  return { status, body: { statusCode: status, message, error } };
}

/** The key is missing or wrong; unlike other errors it has no `error`. */
export function unauthorized(): Answer {
  return { status: 401, body: { statusCode: 401, message: "Unauthorized" } };
}

/** A route that this version of WAHA does not have. */
export function noRoute(call: Call): Answer {
  return nestError(404, "Not Found", `Cannot ${call.method} ${call.url}`);
}

/** An unknown session, or a stopped one: WAHA has one answer for both. */
export function noSession(name: string): Answer {
  const advice = `Please start it first by using POST /api/sessions/${name}/start request`;
  return nestError(404, "Not Found", `We didn't find a session with name '${name}'.\n${advice}`);
}

/** Core's answer to any other session than `default`. */
export function coreOnly(name: string): Answer {
  const base64 = Buffer.from(name).toString("base64");
  return nestError(
    422,
    "Unprocessable Entity",
    `WAHA Core support only 'default' session. You tried to access '${name}' session (base64: ${base64}). ` +
      "If you want to run more then one WhatsApp account - please get WAHA PLUS version.",
  );
}

/** What a tier lacks. */
export function plusOnly(engine: Engine): Answer {
  return nestError(
    422,
    "Unprocessable Entity",
    `The feature is available only in Plus version for '${engine}' engine. Check this out: https://waha.devlike.pro/`,
  );
}

/** A file that is neither an address nor there itself. */
export function noFile(): Answer {
  return nestError(422, "Unprocessable Entity", 'Either "file.url" or "file.data" must be specified.');
}

/** A session that is there, but did not become WORKING while WAHA waited for it. */
export function notWorking(session: string, status: string): Answer {
  const error = "Session status is not as expected. Try again later or restart the session";
  return { status: 422, body: { error, session, status, expected: ["WORKING"] } };
}

/** NOWEB without its store has nothing to look messages up in. */
export function noStore(): Answer {
  return nestError(
    400,
    "Bad Request",
    'Enable NOWEB store "config.noweb.store.enabled=True" and "config.noweb.store.full_sync=True" when starting a new session.',
  );
}

/**
 * WAHA's catch-all 500. It gives away a stack and the request's body, with the message's text or the file's address
 * and caption.
 */
export function exception(settings: Settings, call: Call, error: { name: string; message: string }): Answer {
  const stack = `${error.name}: ${error.message}\n    at ChattingController.${call.route} (/app/dist/api/chatting.controller.js:30:25)`;
  return {
    status: 500,
    body: {
      statusCode: 500,
      timestamp: new Date().toISOString(),
      exception: { ...error, stack },
      request: {
        path: call.path,
        method: call.method,
        body: call.body,
        query: Object.fromEntries(call.query),
      },
      version: serverVersion(settings),
    },
  };
}

/** GOWS passes on WhatsApp's own refusal; 463 means that the account is restricted. */
export function gowsRefusal(settings: Settings, call: Call, code: number): Answer {
  const details = `server returned error ${code}`;
  const error = { name: "Error", message: `2 UNKNOWN: ${details}`, code: 2, details, metadata: {} };
  return exception(settings, call, error);
}

/** What `/api/server/version` answers. Only WEBJS drives a browser. */
export function serverVersion({ version, engine, tier }: Settings): object {
  return { version, engine, tier, browser: engine === "WEBJS" ? "/usr/bin/chromium" : null };
}
