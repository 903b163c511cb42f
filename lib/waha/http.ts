import ky from "ky";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { readUpTo } from "../async.ts";

/** What WAHA, or something before it, answered. */
export interface Answer {
  status: number;
  /** The parsed JSON body, or undefined where there is none that can be read. */
  body: unknown;
  location: string | null;
  /** What calls itself the server: a proxy says so. */
  server: string | null;
  /** The header, in seconds or as a date. */
  retryAfter: string | null;
}

/**
 * Why there is no answer: it never left (`unsent`: nothing was connected, so nothing was posted), it took too
 * long (`timeout`), the caller ended it (`cut-off`), or the connection broke somewhere (`lost`). The last three prove
 * nothing.
 */
export interface NoAnswer {
  fault: "unsent" | "timeout" | "cut-off" | "lost";
  cause: unknown;
  /** The innermost error's code, such as `ENOTFOUND`; undefined where it has none. */
  code: string | undefined;
}

export type Exchange = Answer | NoAnswer;

/** A request to WAHA; its path is relative to WAHA_API_URL. */
interface WahaRequest {
  method: "get" | "post";
  path: string;
  json?: object;
  /** For the whole exchange, the answer's body included. */
  timeoutMs: number;
  /** Ends it earlier, as if its time were up. */
  cutOff?: AbortSignal;
  /** A body that is longer is not read to its end. */
  maxBytes?: number;
  /** The status that says all there is to know: its body is waited for for a second only. */
  proof?: number;
}

/** A connection to WAHA for the length of one pass. `exchange` never rejects. */
export interface WahaConnection {
  exchange(request: WahaRequest): Promise<Exchange>;
  /** Cuts off whatever is still under way. */
  close(): Promise<void>;
}

/**
 * Only a list of sessions is longer. An error that repeats a text, every character of it escaped, is not; and many
 * sessions may each be answered at once.
 */
const MAX_ANSWER_BYTES = 512 * 1024;

/** How long the body is waited for where the status is all the proof that is needed. In milliseconds. */
const SPARE_BODY_MS = 1_000;

/** Where nothing accepts a connection within this time, nothing was sent. In milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

const OF_JSON = { "content-type": "application/json" };

/**
 * Opens WAHA. The sockets are the pass's own: those of an instance that was frozen between two passes may be
 * dead without its knowing, and the fate of a POST on a dead socket is not known.
 */
export function connectWaha(baseUrl: string, key: string | undefined, timeoutMs: number): WahaConnection {
  const transport = openTransport(Math.min(CONNECT_TIMEOUT_MS, timeoutMs / 2));
  const client = ky.create({
    headers: key ? { "X-Api-Key": key } : {},
    throwHttpErrors: false,
    retry: 0,
    timeout: false,
  });
  return {
    exchange: async ({ method, path, json, timeoutMs, cutOff, maxBytes = MAX_ANSWER_BYTES, proof }) => {
      const limit = limited(timeoutMs, cutOff);
      const { signal } = limit;
      const body = json && JSON.stringify(json);
      const send = (request: unknown) =>
        transport.send(request as Request, { body, signal, maxBytes, proof });
      try {
        // Not by ky's `baseUrl`, which makes a second Request for each.
        const response = await client(new URL(path, baseUrl), {
          method,
          fetch: send,
          ...(body ? { headers: OF_JSON } : {}),
        });
        return {
          status: response.status,
          location: response.headers.get("location"),
          server: response.headers.get("server"),
          retryAfter: response.headers.get("retry-after"),
          body: await readJson(response),
        };
      } catch (cause) {
        const code = codeOf(cause);
        if (transport.neverConnected(cause)) return { fault: "unsent", cause, code };
        return limit.ended ? { fault: limit.ended, cause, code: undefined } : { fault: "lost", cause, code };
      } finally {
        limit.lift();
      }
    },
    close: () => transport.close(),
  };
}

/** The status counts even when its body is missing or not JSON: a 201 is a 201. */
async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

/** What ends a request early, and whether it has. */
interface Limit {
  signal: AbortSignal;
  readonly ended: "timeout" | "cut-off" | undefined;
  /** The request is over. */
  lift(): void;
}

/**
 * Ends a request when its time is up, or when the caller says so. In a process that stood still the answer may lie in
 * the socket by then, and timers run before sockets are read: so they are read once more before it counts.
 */
function limited(timeoutMs: number, cutOff: AbortSignal | undefined): Limit {
  const controller = new AbortController();
  let ended: Limit["ended"];
  const end = (why: Limit["ended"]) => {
    setImmediate(() => {
      if (controller.signal.aborted) return;
      ended = why;
      controller.abort();
    });
  };
  const onCutOff = () => end("cut-off");
  const timer = setTimeout(() => end("timeout"), Math.max(1, Math.floor(timeoutMs)));
  if (cutOff?.aborted) onCutOff();
  cutOff?.addEventListener("abort", onCutOff);
  return {
    signal: controller.signal,
    get ended() {
      return ended;
    },
    lift: () => {
      clearTimeout(timer);
      cutOff?.removeEventListener("abort", onCutOff);
    },
  };
}

/** What an error's code may be: it is shown, and a message would quote addresses. */
const CODE = /^[A-Z][A-Z0-9_]{2,63}$/;

/** The code of the innermost error that has one. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  const { code } = error as NodeJS.ErrnoException;
  const own = typeof code === "string" && CODE.test(code) ? code : undefined;
  return codeOf(error.cause ?? first) ?? own;
}

/** What goes with a request, and what limits it. */
interface Sending {
  /** Goes to the socket as it is: as the body of a Request it would become a stream, only to be read again. */
  body: string | undefined;
  /** Ends the whole exchange, the answer's body included. */
  signal: AbortSignal;
  /** A longer body is not read to its end, and left out. */
  maxBytes: number;
  /** See {@link WahaRequest}. */
  proof: number | undefined;
}

/** Makes a request; see {@link openTransport}. */
interface Transport {
  send(request: Request, sending: Sending): Promise<Response>;
  /** Whether a request failed since there was no connection for it: by the connector's own failure, TLS included. */
  neverConnected(error: unknown): boolean;
  /** Cuts off whatever is still under way. */
  close(): Promise<void>;
}

/**
 * Opens sockets to one server, and sends requests over them as fetch does, for ky to use in its place. Node's own
 * fetch takes nearly twice the processor's time, and it may by its standard make a request twice: a POST that
 * is answered with 421 (Misdirected Request), say. Here a request is made once. No redirect is followed, and an
 * answer that is compressed, which was not asked for, is not unpacked.
 *
 * @param connectTimeoutMs how long to wait for a connection to be accepted
 */
function openTransport(connectTimeoutMs: number): Transport {
  const failures = new WeakSet<object>();
  const connect = buildConnector({ timeout: connectTimeoutMs });
  const neverConnected = (error: unknown): boolean =>
    error instanceof Error && (failures.has(error) || neverConnected(error.cause));
  const agent = new Agent({
    connect: (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (!error) return callback(null, socket);
        failures.add(error);
        callback(error, null);
      }),
    // The signal of each request limits it.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: (request, sending) => send(agent, request, sending),
    neverConnected,
    close: () => agent.destroy(),
  };
}

async function send(
  agent: Agent,
  request: Request,
  { body: content, signal, maxBytes, proof }: Sending,
): Promise<Response> {
  const { origin, pathname, search } = new URL(request.url);
  const { statusCode, headers, body } = await agent.request({
    origin,
    path: pathname + search,
    method: request.method as Dispatcher.HttpMethod,
    headers: Object.fromEntries(request.headers),
    ...(content === undefined ? {} : { body: content }),
    signal,
  });
  const spare = statusCode === proof ? setTimeout(() => body.destroy(), SPARE_BODY_MS) : undefined;
  // The status counts also where the body can't be had.
  const bytes = await readUpTo(maxBytes, body);
  clearTimeout(spare);
  return answer(statusCode, headers, bytes ?? null);
}

/** By its standard a Response of these may have no body, and can't be made of a status beyond 200 to 599. */
const WITHOUT_BODY = new Set([204, 205, 304]);
const isStandard = (status: number) => status >= 200 && status <= 599;

/** What a header of a Response can't hold. */
const NOT_ASCII = /[^\x20-\x7e]+/gu;

/** The headers that tell something. */
const TELLING = ["location", "server", "retry-after"];

function answer(status: number, received: Record<string, unknown>, body: Buffer | null): Response {
  const headers = TELLING.flatMap((name): [string, string][] => {
    const value = [received[name]].flat()[0];
    return typeof value === "string" ? [[name, value.replace(NOT_ASCII, encodeURIComponent)]] : [];
  });
  if (isStandard(status)) return new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers });
  // It was answered: that must not look like a lost answer.
  return Object.defineProperty(new Response(body, { headers }), "status", { value: status });
}
