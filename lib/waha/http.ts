import ky from "ky";
import { openTransport } from "./transport.ts";

/** What WAHA, or something before it, answered. */
export interface Answer {
  status: number;
  /** The parsed JSON body, or undefined where there is none that can be read. */
  body: unknown;
  location: string | null;
}

/**
 * Why there is no answer: it never left (`unsent`: nothing was connected, so nothing was posted), it took too
 * long (`timeout`), or the connection broke somewhere (`lost`). The last two prove nothing.
 */
export interface NoAnswer {
  fault: "unsent" | "timeout" | "lost";
  cause: unknown;
}

export type Exchange = Answer | NoAnswer;

/** A request to WAHA; its path is relative to WAHA_API_URL. */
export interface WahaRequest {
  method: "get" | "post";
  path: string;
  json?: object;
  /** For the whole exchange, the answer's body included. */
  timeoutMs: number;
  /** A body that is longer is not read to its end. */
  maxBytes?: number;
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

/** Where nothing accepts a connection for so long, it is sure that nothing was sent. */
const CONNECT_TIMEOUT_MS = 5_000;

const OF_JSON = { "content-type": "application/json" };

/**
 * Opens WAHA. The sockets are the pass's own: those of an instance that was frozen between two passes may be
 * dead without its knowing, and a POST on a dead socket is a message whose fate nobody knows.
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
    exchange: async ({ method, path, json, timeoutMs, maxBytes = MAX_ANSWER_BYTES }) => {
      const signal = AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs)));
      const body = json && JSON.stringify(json);
      const send = (request: unknown) => transport.send(request as Request, { body, signal, maxBytes });
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
          body: await readJson(response),
        };
      } catch (cause) {
        return { fault: signal.aborted ? "timeout" : neverConnected(cause) ? "unsent" : "lost", cause };
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

/** System calls that come before the first byte of a request (Node's `error.syscall`). */
const BEFORE_CONNECTION = new Set<unknown>(["connect", "getaddrinfo"]);

/** Whether the innermost cause of a failed request is that there was no connection: refused, no such host, no route. */
function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  const { syscall, code } = error as NodeJS.ErrnoException;
  if (BEFORE_CONNECTION.has(syscall) || code === "UND_ERR_CONNECT_TIMEOUT") return true;
  return error.cause !== undefined && neverConnected(error.cause);
}
