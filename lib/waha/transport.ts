import { Agent, type Dispatcher } from "undici";

/** What goes with a request, and what limits it. */
export interface Sending {
  /** Goes to the socket as it is: as the body of a Request it would become a stream, only to be read again. */
  body: string | undefined;
  /** Ends the whole exchange, the answer's body included. */
  signal: AbortSignal;
  /** A longer body is not read to its end, and left out. */
  maxBytes: number;
}

/** Makes a request; see {@link openTransport}. */
export interface Transport {
  send(request: Request, sending: Sending): Promise<Response>;
  /** Cuts off whatever is still under way. */
  close(): Promise<void>;
}

/**
 * Opens sockets to one server, and sends requests over them as fetch does, for ky to use in its place. Node's own
 * fetch takes nearly twice the processor's time, and it may by its standard make a request twice: a POST that
 * is answered with 421 (Misdirected Request), say. Here a request is made once. No redirect is followed, and an
 * answer that is compressed, which nobody asked for, is not unpacked.
 *
 * @param connectTimeoutMs where nothing accepts a connection for so long, there is none
 */
export function openTransport(connectTimeoutMs: number): Transport {
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
  // Whoever answered so answered: that must not look like a lost answer.
  return Object.defineProperty(new Response(body, { headers }), "status", { value: status });
}
