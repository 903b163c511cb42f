import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A request as it came over the wire: nothing decoded, nothing joined. */
export interface RawRequest {
  method: string;
  /** Path and query as the request line has them. */
  target: string;
  headers: [name: string, value: string][];
  body: string;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** The connection breaks off before the body is complete. */
  isCut?: boolean;
}

/** Any answer at all; `reset` is none. */
export type RawAnswer = "reset" | Answer;

/** An HTTP server that answers as it is told, until the test ends, and keeps what it was asked. */
export async function startRawServer(
  answer: (request: RawRequest) => RawAnswer,
): Promise<{ url: string; requests: RawRequest[] }> {
  const requests: RawRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const request = await readRequest(incoming);
    requests.push(request);
    send(response, answer(request));
  });
  // A connection that is closed while a test is busy elsewhere would look like an answer that was lost.
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function readRequest(incoming: IncomingMessage): Promise<RawRequest> {
  const { method = "", url = "", rawHeaders } = incoming;
  const headers = rawHeaders.flatMap((name, n): [string, string][] =>
    n % 2 === 0 ? [[name, rawHeaders[n + 1] ?? ""]] : [],
  );
  return { method, target: url, headers, body: await text(incoming) };
}

function send(response: ServerResponse, answer: RawAnswer): void {
  if (answer === "reset") {
    response.socket?.resetAndDestroy();
    return;
  }
  const { status, headers = {}, body = "", isCut = false } = answer;
  const bytes = Buffer.from(body as string);
  const length = String(bytes.length + (isCut ? 1 : 0));
  response.writeHead(status, {
    ...headers,
    ...(status === 204 || status === 304 ? {} : { "content-length": length }),
  });
  if (isCut) response.write(bytes, () => response.socket?.destroy());
  else response.end(bytes);
}
