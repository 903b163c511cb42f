import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { nestError } from "./answers.ts";
import type { RouteName } from "./calls.ts";
import { readCall } from "./calls.ts";
import { CONTROL_PATH, control } from "./control.ts";
import type { Fault } from "./faults.ts";
import type { LedgerEntry, RequestEntry, WebhookEntry } from "./ledger.ts";
import type { SessionOptions, SessionStatus, WahaSimulatorOptions, WebhookOptions } from "./options.ts";
import { respond, write } from "./respond.ts";
import { SimulatorState, SimulatorStopped } from "./state.ts";

/** Starts a WAHA server that is not one, on 127.0.0.1. */
export async function startWahaSimulator(options: WahaSimulatorOptions = {}): Promise<WahaSimulator> {
  const simulator = new WahaSimulator(options);
  await simulator.resume();
  return simulator;
}

/** A running simulator: what it was asked and accepted, and the means to make it misbehave. */
export class WahaSimulator {
  readonly #state: SimulatorState;
  readonly #server: Server;
  /** 0 until the system chose one; kept over a pause. */
  #port: number;
  #closed: Promise<unknown> = Promise.resolve();

  constructor(options: WahaSimulatorOptions) {
    this.#state = new SimulatorState(options);
    this.#port = options.port ?? 0;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Without a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Every message accepted, oldest first: one list that grows. */
  get ledger(): readonly LedgerEntry[] {
    return this.#state.ledger;
  }

  /** Every request received, oldest first. */
  get requests(): readonly RequestEntry[] {
    return this.#state.requests;
  }

  /** Every event that was sent, or will be, oldest first; those that are lost on the way are left out. */
  get events(): readonly WebhookEntry[] {
    return this.#state.events;
  }

  /** How many requests agree with every field given. */
  requestCount(filter: Partial<RequestEntry> = {}): number {
    return this.requests.filter((entry) => agrees(entry, filter)).length;
  }

  /** How many accepted messages agree with every field given. */
  acceptedCount(filter: Partial<LedgerEntry> = {}): number {
    return this.ledger.filter((entry) => agrees(entry, filter)).length;
  }

  /** Resolves once the ledger has `count` messages; rejects if the simulator stops before. */
  accepted(count: number): Promise<void> {
    return this.#state.until(() => this.ledger.length >= count);
  }

  /** Resolves once `count` requests of a route arrived; rejects if the simulator stops before. */
  received(route: RouteName, count: number): Promise<void> {
    return this.#state.until(() => (this.#state.receivedCounts.get(route) ?? 0) >= count);
  }

  /** Resolves once no event is on its way any more; rejects if the simulator stops before. */
  eventsSettled(): Promise<void> {
    return this.#state.until(() => this.#state.eventsUnderWay === 0);
  }

  /** Where events go from now on; undefined: nowhere. */
  setWebhooks(webhooks: WebhookOptions | undefined): void {
    this.#state.webhooks = webhooks;
  }

  /** Returns a function that takes it away again. */
  addFault(fault: Fault): () => void {
    const id = this.#state.faults.add(fault);
    return () => this.#state.removeFault(id);
  }

  clearFaults(): void {
    this.#state.faults.clear();
  }

  /** Throws for a session that was never added. */
  setSessionStatus(name: string, status: SessionStatus): void {
    this.#state.setSessionStatus(name, status);
  }

  /** Replaces a session of the same name. */
  addSession(session: SessionOptions): void {
    this.#state.addSession(session);
  }

  removeSession(name: string): void {
    this.#state.sessions.delete(name);
  }

  /** Undefined: no key is asked for any more. */
  setApiKey(apiKey: string | undefined): void {
    this.#state.apiKey = apiKey;
  }

  /** Refuses connections and destroys the open ones; a send that had begun goes on. */
  async pause(): Promise<void> {
    if (this.#server.listening) {
      this.#closed = once(this.#server, "close");
      this.#server.close();
      this.#server.closeAllConnections();
    }
    await this.#closed;
  }

  /** Accepts connections again, on the same port. */
  async resume(): Promise<void> {
    if (this.#server.listening) return;
    await once(this.#server.listen(this.#port, "127.0.0.1"), "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when every socket is closed; sends that had not finished never do. */
  async stop(): Promise<void> {
    this.#state.stop();
    await this.pause();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const call = await readCall(request);
      if (!call.path.startsWith(CONTROL_PATH)) return await respond(this.#state, call, response);
      const pauseFor = (ms: number) => response.once("close", () => void this.#pauseFor(ms));
      write(response, control(this.#state, call, pauseFor));
    } catch (error) {
      // Who went away while its request was read, or was dropped by the stop, hears nothing of this.
      if (!response.headersSent) write(response, nestError(500, "Internal Server Error", String(error)));
    }
  }

  async #pauseFor(ms: number): Promise<void> {
    try {
      await this.pause();
      await this.#state.sleep(ms);
      await this.resume();
    } catch (error) {
      if (!(error instanceof SimulatorStopped)) throw error;
    }
  }
}

function agrees<Entry extends object>(entry: Entry, filter: Partial<Entry>): boolean {
  return (Object.keys(filter) as (keyof Entry)[]).every((field) => entry[field] === filter[field]);
}
