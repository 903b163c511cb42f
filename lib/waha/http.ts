import ky from "ky";
import { Agent, type Dispatcher } from "undici";

/** What WAHA, or something before it, answered. */
export interface Answer {
  status: number;
  /** The parsed JSON body, or undefined where there is none that can be read. */
  body: unknown;
  location: string | null;
}

/**
 * Why there is no answer: it never left (`unsent`: nothing was connected, so nothing was posted), it took too
 * long (`timeout`), the caller ended it (`cut-off`), or the connection broke somewhere (`lost`). The last three prove
 * nothing.
 */
export interface NoAnswer {
  fault: "unsent" | "timeout" | "cut-off" | "lost";
  cause: unknown;
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
    exchange: async ({ method, path, json, timeoutMs, cutOff, maxBytes = MAX_ANSWER_BYTES }) => {
      const timeUp = AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs)));
      const signal = cutOff ? AbortSignal.any([timeUp, cutOff]) : timeUp;
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
        if (timeUp.aborted) return { fault: "timeout", cause };
        if (cutOff?.aborted) return { fault: "cut-off", cause };
        return { fault: neverConnected(cause) ? "unsent" : "lost", cause };
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

/** What goes with a request, and what limits it. */
interface Sending {
  /** Goes to the socket as it is: as the body of a Request it would become a stream, only to be read again. */
  body: string | undefined;
  /** Ends the whole exchange, the answer's body included. */
  signal: AbortSignal;
  /** A longer body is not read to its end, and left out. */
  maxBytes: number;
}

/** Makes a request; see {@link openTransport}. */
interface Transport {
  send(request: Request, sending: Sending): Promise<Response>;
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
  const agent = new Agent({
    connect: { timeout: connectTimeoutMs },
    // The signal of each request limits it.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: (request, sending) => send(agent, request, sending),
    close: () => agent.destroy(),
  };
}

async function send(
  agent: Agent,
  request: Request,
  { body: content, signal, maxBytes }: Sending,
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
  return answer(statusCode, [headers.location].flat()[0], await read(body, maxBytes));
}

/** The body as far as it can be had: the status counts even when it is cut off or too large. */
async function read(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      // Leaving the loop closes the connection.
      if (size > maxBytes) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}

/** By its standard a Response of these may have no body, and can't be made of a status beyond 200 to 599. */
const WITHOUT_BODY = new Set([204, 205, 304]);
const isStandard = (status: number) => status >= 200 && status <= 599;

/** What a header of a Response can't hold. */
const NOT_ASCII = /[^\x20-\x7e]+/gu;

function answer(status: number, location: string | undefined, body: Buffer | null): Response {
  const headers = location === undefined ? {} : { location: location.replace(NOT_ASCII, encodeURIComponent) };
  if (isStandard(status)) return new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers });
  // It was answered: that must not look like a lost answer.
  return Object.defineProperty(new Response(body, { headers }), "status", { value: status });
}
