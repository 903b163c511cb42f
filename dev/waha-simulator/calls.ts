import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

/** The routes that send, and what each of them sends. */
export const SENDS = {
  sendText: "text",
  sendImage: "image",
  sendVideo: "video",
  sendVoice: "voice",
  sendFile: "file",
} as const;

type SendRoute = keyof typeof SENDS;

/** What a request asks for; `unknown` is anything that WAHA, as simulated, has no route for. */
export type RouteName =
  | SendRoute
  | "ping"
  | "health"
  | "version"
  | "sessions"
  | "newMessageId"
  | "lookup"
  | "messages"
  | "unknown";

/** A body as it came: WAHA checks nothing of it, so neither names nor types can be relied on. */
type Body = {
  session?: unknown;
  chatId?: unknown;
  id?: unknown;
  text?: unknown;
  linkPreview?: unknown;
  file?: unknown;
  caption?: unknown;
  convert?: unknown;
  asNote?: unknown;
};

/** One request, read to its end. */
export type Call = {
  method: string;
  /** Path and query, as they stood in the request line. */
  url: string;
  path: string;
  query: URLSearchParams;
  route: RouteName;
  /** From the path, or from a send's body if it is a string there. */
  session: string | undefined;
  /** From the path, or from a send's body if it is a string there. */
  chatId: string | undefined;
  /** From the path: a raw or a serialized id. */
  messageId: string | undefined;
  /** The `X-Api-Key` header. */
  apiKey: string | undefined;
  body: Body;
  /** Why the body is no JSON; undefined if it is, or if there is none. */
  malformed: string | undefined;
  receivedAt: Date;
  /** Sends of the same session received and not yet answered, this one included; 0 for other routes. */
  concurrent: number;
};

const ROUTES: { route: RouteName; method: string; path: RegExp }[] = [
  { route: "ping", method: "GET", path: /^\/ping$/ },
  { route: "health", method: "GET", path: /^\/health$/ },
  { route: "version", method: "GET", path: /^\/api\/(server\/)?version$/ },
  { route: "sessions", method: "GET", path: /^\/api\/sessions$/ },
  ...(Object.keys(SENDS) as SendRoute[]).map((route) => ({
    route,
    method: "POST",
    path: new RegExp(`^/api/${route}$`),
  })),
  { route: "newMessageId", method: "GET", path: /^\/api\/(?<session>[^/]+)\/new-message-id$/ },
  { route: "messages", method: "GET", path: /^\/api\/(?<session>[^/]+)\/chats\/(?<chatId>[^/]+)\/messages$/ },
  {
    route: "lookup",
    method: "GET",
    path: /^\/api\/(?<session>[^/]+)\/chats\/(?<chatId>[^/]+)\/messages\/(?<messageId>[^/]+)$/,
  },
];

/** Whether a route sends something. */
export function isSend(route: RouteName): route is SendRoute {
  return Object.hasOwn(SENDS, route);
}

/** Reads a request to its end; rejects if the client goes away before that. */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const { method = "GET", url = "/" } = request;
  const { pathname, searchParams } = new URL(url, "http://simulator");
  const { body, malformed } = parseBody(await text(request));
  const found = ROUTES.find((each) => each.method === method && each.path.test(pathname));
  const { session, chatId, messageId } = found?.path.exec(pathname)?.groups ?? {};
  return {
    method,
    url,
    path: pathname,
    query: searchParams,
    route: found?.route ?? "unknown",
    session: decoded(session) ?? stringOrUndefined(body.session),
    chatId: decoded(chatId) ?? stringOrUndefined(body.chatId),
    messageId: decoded(messageId),
    apiKey: stringOrUndefined(request.headers["x-api-key"]),
    body,
    malformed,
    receivedAt: new Date(),
    concurrent: 0,
  };
}

function parseBody(raw: string): { body: Body; malformed: string | undefined } {
  if (raw === "") return { body: {}, malformed: undefined };
  try {
    const body: unknown = JSON.parse(raw);
    const isObject = typeof body === "object" && body !== null;
    return { body: isObject ? body : {}, malformed: undefined };
  } catch (error) {
    return { body: {}, malformed: String(error) };
  }
}

function decoded(segment: string | undefined): string | undefined {
  return segment === undefined ? undefined : decodeURIComponent(segment);
}

function stringOrUndefined(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
