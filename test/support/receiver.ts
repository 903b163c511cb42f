import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** One call that a receiver took. */
interface Taken {
  method: string;
  path: string;
  contentType: string | undefined;
  /** As it was sent; empty for a GET. */
  body: string;
}

/** A server that takes whatever it is sent, as the receivers of alerts and heartbeats do. */
export interface Receiver {
  /** Holds a word that is a secret, as a webhook's address does. */
  readonly url: string;
  /** All that arrived, oldest first. */
  readonly taken: Taken[];
  /** What it answers from now on; 0: it hangs. A redirect leads to itself. */
  status: number;
  /** Lets those go that hang, unanswered. */
  release(): void;
}

/** What no line of a log may hold. */
export const RECEIVERS_SECRET = "webhook-secret-7q";

/** Starts a receiver on this computer, until the test ends. */
export async function startReceiver(): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { method = "", url: path = "", headers } = request;
    receiver.taken.push({ method, path, contentType: headers["content-type"], body });
    if (receiver.status > 0) response.writeHead(receiver.status, redirection()).end("ok");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const isRedirect = () => receiver.status >= 300 && receiver.status < 400;
  const redirection = () => (isRedirect() ? { location: "/elsewhere" } : {});
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hooks/${RECEIVERS_SECRET}`,
    taken: [],
    status: 200,
    release: () => server.closeAllConnections(),
  };
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  return receiver;
}
