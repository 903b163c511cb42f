import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { SENDS } from "../../waha-simulator/calls.ts";
import type { Post } from "../record.ts";

/** The points of the protocol at WAHA. */
export const WAHA_POINTS = ["sessions", "version", "sendText", "sendMedia", "lookup"] as const;

/** Who decides about the requests of the processes under test; each resolves to whether to go on. */
export interface WahaInterceptor {
  /** A request has arrived, and WAHA does not know of it; false: the connection breaks. */
  onRequest(instance: string, point: string): Promise<boolean> | boolean;
  /** WAHA has answered, and the process does not know; false: the connection breaks, and the answer is lost. */
  onAnswer(instance: string, point: string): Promise<boolean> | boolean;
  /** The passes that ran in a process so far. */
  passIdsOf(instance: string): string[];
}

/** What WAHA answered; `whole` is false where the connection broke in the middle. */
interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
  whole: boolean;
}

/** Stands between the processes and WAHA, so that each request can be met, and each POST is on record. */
export interface WahaGateway {
  /** WAHA's address for one process. */
  url(instance: string): string;
  readonly posts: Post[];
  /** Refuses connections, and breaks those that are open. */
  pause(): void;
  resume(): Promise<void>;
  close(): void;
}

export async function startWahaGateway(wahaUrl: string, interceptor: WahaInterceptor): Promise<WahaGateway> {
  const posts: Post[] = [];
  const server = createServer((request, response) => {
    const post = { posts, isOpen: () => server.listening };
    serve(wahaUrl, interceptor, post, request, response).catch(() => response.destroy());
  });
  let port = 0;
  const resume = async () => {
    if (server.listening) return;
    await once(server.listen(port, "127.0.0.1"), "listening");
    port = (server.address() as AddressInfo).port;
  };
  const pause = () => {
    server.close();
    server.closeAllConnections();
  };
  await resume();
  return { url: (instance) => `http://127.0.0.1:${port}/${instance}`, posts, pause, resume, close: pause };
}

/** Where POSTs are put on record, and whether the gateway is open: if not, connections break through it. */
interface Desk {
  posts: Post[];
  isOpen(): boolean;
}

async function serve(
  wahaUrl: string,
  interceptor: WahaInterceptor,
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, instance = "", path = ""] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? "") ?? [];
  const point = pointOf(path);
  const body = await buffer(request);
  const kind = kindOf(path);
  const post = kind ? recordPost(desk, interceptor, instance, { kind, body }, response) : undefined;
  const reset = () => {
    post?.breaks();
    response.socket?.resetAndDestroy();
  };
  if (!(await interceptor.onRequest(instance, point))) return reset();
  const answer = await forward(wahaUrl, path, request, body);
  if (!answer || !(await interceptor.onAnswer(instance, point))) return reset();
  post?.isGiven(answer);
  response.writeHead(answer.status, answer.headers);
  if (answer.whole) response.end(answer.body);
  else response.write(answer.body, () => response.socket?.destroy());
}

function pointOf(path: string): (typeof WAHA_POINTS)[number] {
  const kind = kindOf(path);
  if (kind) return kind === "text" ? "sendText" : "sendMedia";
  if (path.startsWith("/api/sessions")) return "sessions";
  if (path.endsWith("/version")) return "version";
  return "lookup";
}

/** What a path sends; undefined if it sends nothing. */
function kindOf(path: string): Post["kind"] | undefined {
  const route = path.replace("/api/", "");
  return Object.hasOwn(SENDS, route) ? SENDS[route as keyof typeof SENDS] : undefined;
}

/** What is posted; a text is a caption where there is a file. */
interface Body extends Pick<Post, "session" | "chatId"> {
  id?: string;
  text?: string;
  caption?: string;
  file?: { url?: string };
}

/** A POST that is on record and not over yet. */
interface OpenPost {
  /** The answer is about to be handed over. */
  isGiven(answer: Answer): void;
  /** The connection is about to be broken from this side. */
  breaks(): void;
}

/** Puts a POST on record as it arrives. */
function recordPost(
  { posts, isOpen }: Desk,
  interceptor: WahaInterceptor,
  instance: string,
  { kind, body }: { kind: Post["kind"]; body: Buffer },
  response: ServerResponse,
): OpenPost {
  const { session, chatId, id, caption = "", text = caption, file } = JSON.parse(body.toString()) as Body;
  const content = { kind, id, text, url: file?.url };
  const passIds = interceptor.passIdsOf(instance);
  const open = { endedAt: Number.POSITIVE_INFINITY, answer: undefined, delivered: false, cutOff: false };
  const post: Post = { instance, passIds, session, chatId, ...content, at: Date.now(), ...open };
  posts.push(post);
  let isBroken = false;
  response.once("close", () => {
    post.endedAt = Date.now();
    post.cutOff = !post.delivered && !isBroken && isOpen();
  });
  return {
    isGiven: ({ status, headers, body: given, whole }) => {
      const { server, "retry-after": retryAfter } = headers;
      const body = whole ? readBody(given) : undefined;
      post.answer = { status, body, server: String(server), retryAfter: retryAfter as string | undefined };
      // A client that went away in the meantime never saw it.
      post.delivered = !response.destroyed;
    },
    breaks: () => {
      isBroken = true;
    },
  };
}

function readBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** Asks WAHA, whether or not the process still waits; undefined where the connection broke before an answer. */
function forward(
  wahaUrl: string,
  path: string,
  { method = "GET", headers }: IncomingMessage,
  body: Buffer,
): Promise<Answer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const { host: _host, ...passedOn } = headers;
  const asked = httpRequest(
    `${wahaUrl}${path}`,
    { method, headers: { ...passedOn, connection: "close" } },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      const { statusCode: status = 0, headers: given } = answer;
      answer.once("close", () =>
        resolve({ status, headers: given, body: Buffer.concat(chunks), whole: answer.complete }),
      );
      answer.on("error", () => {});
    },
  );
  asked.on("error", () => resolve(undefined));
  asked.end(body);
  return promise;
}
