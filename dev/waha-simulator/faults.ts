import type { Call, RouteName } from "./calls.ts";

/** Which requests a fault meets: those that agree with every field set here. */
type FaultMatch = {
  /** Default: any. The control plane is never met. */
  route?: RouteName | "any";
  session?: string;
  /** Exactly as the request spells it. */
  chatId?: string;
  /** A part of a text or caption. */
  textIncludes?: string;
};

/**
 * What goes wrong. "Before" means that WAHA never saw the request: nothing is sent. "After" means that
 * WAHA handled it as usual, so that a send is in the ledger, and only the answer is lost.
 */
export type FaultAction =
  | { type: "resetBefore" }
  | { type: "resetAfter" }
  /** After: the head and half the body arrive, then a reset. */
  | { type: "resetMidAnswer" }
  /** Never answers; the connection stays open until one side closes it. */
  | { type: "hangBefore" }
  | { type: "hangAfter" }
  /** After: the usual answer, `ms` late, or once this fault is removed; other sends of the session do not wait for it. */
  | { type: "delay"; ms: number }
  /** A send takes `ms` instead of the session's latency, whether or not the client still waits. */
  | { type: "sendLate"; ms: number }
  | { type: "error500Before" }
  | { type: "error500After" }
  /** A 500 with an exception of these words. Default: a "before", by the name of Error. */
  | { type: "exception"; message: string; name?: string; after?: boolean }
  /** Before: a 500 with WhatsApp's own error `code`, as GOWS passes it on. */
  | { type: "gowsRefusal"; code: number }
  /** After: a 201 without a body, as WEBJS gives at times. A refusal stays as it is. */
  | { type: "empty201" }
  /** A send as usual, whose 201 a proxy rewrites to another status. A refusal stays as it is. */
  | { type: "rewrite201"; status: number }
  /** A send goes out under an id of its own making, whatever id it was given. */
  | { type: "wrongId" }
  /** A send as usual, but WhatsApp then refuses the message: a lookup shows ack -1. */
  | { type: "ackError" }
  /** A send as usual, but lookups do not find the message. */
  | { type: "forget" }
  | StatusAction;

/** Any answer at all: a proxy's, a redirect's, garbage. */
export type StatusAction = {
  type: "status";
  status: number;
  /** An object goes out as JSON, a string as HTML unless `headers` say otherwise. Default: no body. */
  body?: object | string;
  /** A body of this many bytes of padding instead. */
  bytes?: number;
  headers?: Record<string, string>;
  /** True: an "after"; what WAHA itself turns down it turns down all the same. Default: false, a "before". */
  after?: boolean;
};

/** A rule; the oldest one that meets a request decides. */
export type Fault = {
  match: FaultMatch;
  action: FaultAction;
  /** How many requests it meets before it is spent. Default: all of them. */
  times?: number;
};

/** The faults in force. */
export class FaultList {
  /** With the `times` that each has left; a spent one stays, as an answer may still be late by it. */
  readonly #faults = new Map<number, Required<Fault>>();
  #lastId = 0;

  /** Returns the id to remove it by. */
  add({ action, match, times = Number.POSITIVE_INFINITY }: Fault): number {
    this.#lastId += 1;
    this.#faults.set(this.#lastId, { action: { ...action }, match, times });
    return this.#lastId;
  }

  remove(id: number): void {
    this.#faults.delete(id);
  }

  /** No request is met any more. What is late already stays late. */
  clear(): void {
    for (const fault of this.#faults.values()) fault.times = 0;
  }

  /** Whether the fault was not removed that has this action. */
  stands(action: FaultAction): boolean {
    return [...this.#faults.values()].some((fault) => fault.action === action);
  }

  /** The action that this call meets, if any; uses up one of its `times`. */
  take(call: Call): FaultAction | undefined {
    const met = [...this.#faults.values()].find(({ match, times }) => times > 0 && meets(match, call));
    if (met) met.times -= 1;
    return met?.action;
  }
}

function meets({ route = "any", session, chatId, textIncludes }: FaultMatch, call: Call): boolean {
  const { caption, text = caption } = call.body;
  return (
    (route === "any" || route === call.route) &&
    (session === undefined || session === call.session) &&
    (chatId === undefined || chatId === call.chatId) &&
    (textIncludes === undefined || (typeof text === "string" && text.includes(textIncludes)))
  );
}
