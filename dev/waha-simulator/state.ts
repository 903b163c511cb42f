import type { Call, RouteName } from "./calls.ts";
import { FaultList } from "./faults.ts";
import type { LedgerEntry, RequestEntry, WebhookEntry } from "./ledger.ts";
import type {
  Engine,
  SessionOptions,
  SessionStatus,
  Settings,
  WahaSimulatorOptions,
  WebhookOptions,
} from "./options.ts";
import { settingsFrom } from "./options.ts";

/** A session with its defaults filled in. */
export type Session = {
  name: string;
  status: SessionStatus;
  engine: Engine;
  /** Its engine was set for it alone: the list of sessions shows it. */
  hasOwnEngine: boolean;
  latencyMs: number;
  store: boolean;
  webhooks: object[] | undefined;
  /** Undefined: WhatsApp does not restrict the account. */
  restrictedUntil: Date | null | undefined;
  /** Resolves when its last send so far is through: WhatsApp's socket takes one at a time. */
  queue: Promise<unknown>;
};

/** Thrown into everything that still waits when the simulator stops. */
export class SimulatorStopped extends Error {
  override readonly name = "SimulatorStopped";
}

/** All that the simulated server knows, and the one way to wait for it to change. */
export class SimulatorState {
  readonly settings: Settings;
  apiKey: string | undefined;
  webhooks: WebhookOptions | undefined;
  readonly sessions = new Map<string, Session>();
  readonly faults = new FaultList();
  readonly ledger: LedgerEntry[] = [];
  readonly requests: RequestEntry[] = [];
  /** Every event that was not lost, in the order in which they arose. */
  readonly events: WebhookEntry[] = [];
  /** How many of these are still on their way. */
  eventsUnderWay = 0;
  readonly receivedCounts = new Map<RouteName, number>();
  readonly #unanswered = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #waiters = new Set<() => void>();

  constructor(options: WahaSimulatorOptions) {
    this.settings = settingsFrom(options);
    this.apiKey = options.apiKey;
    this.webhooks = options.webhooks;
    for (const session of options.sessions ?? [{ name: "default" }]) this.addSession(session);
  }

  addSession(options: SessionOptions): void {
    const { name, status = "WORKING", engine, latencyMs, store = true, restrictedUntil, webhooks } = options;
    this.sessions.set(name, {
      name,
      status,
      engine: engine ?? this.settings.engine,
      hasOwnEngine: engine !== undefined,
      latencyMs: latencyMs ?? this.settings.latencyMs,
      store,
      webhooks,
      restrictedUntil,
      queue: Promise.resolve(),
    });
  }

  /** Throws for a session that was never added: a test's mistake, not WAHA's. */
  setSessionStatus(name: string, status: SessionStatus): void {
    const session = this.sessions.get(name);
    if (!session) throw new Error(`The simulator has no session '${name}'`);
    session.status = status;
    this.changed();
  }

  removeFault(id: number): void {
    this.faults.remove(id);
    this.changed();
  }

  /** Records a request; the caller completes the entry with its status. */
  receive(call: Call): RequestEntry {
    const { method, path, route, session, receivedAt: at } = call;
    const entry = { method, path, route, at, ...(session !== undefined && { session }) };
    this.requests.push(entry);
    this.receivedCounts.set(route, (this.receivedCounts.get(route) ?? 0) + 1);
    this.changed();
    return entry;
  }

  /** Counts a send among the unanswered ones of its session until the function returned is called. */
  countUnanswered(call: Call): () => void {
    const name = String(call.session);
    const add = (change: number) => {
      const count = (this.#unanswered.get(name) ?? 0) + change;
      this.#unanswered.set(name, count);
      return count;
    };
    call.concurrent = add(1);
    let counted = true;
    return () => {
      if (counted) add(-1);
      counted = false;
    };
  }

  accept(message: Omit<LedgerEntry, "seq" | "acceptedAt">): LedgerEntry {
    const entry = { seq: this.ledger.length + 1, acceptedAt: new Date(), ...message };
    this.ledger.push(entry);
    this.changed();
    return entry;
  }

  /** Counts an event as on its way until the function returned is called. */
  expectEvent(entry: WebhookEntry): () => void {
    this.events.push(entry);
    this.eventsUnderWay += 1;
    return () => {
      this.eventsUnderWay -= 1;
      this.changed();
    };
  }

  /** To be called after every change that a test may wait for. */
  changed(): void {
    for (const check of this.#waiters) check();
  }

  /** Resolves once `reached()` holds, or after `withinMs` if given; rejects when the simulator stops. */
  until(reached: () => boolean, withinMs?: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return Promise.reject(new SimulatorStopped());
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(check);
        signal.removeEventListener("abort", stop);
        end();
      };
      const check = () => (reached() ? settle(resolve) : undefined);
      const stop = () => settle(() => reject(new SimulatorStopped()));
      const timer = withinMs === undefined ? undefined : setTimeout(() => settle(resolve), withinMs);
      this.#waiters.add(check);
      signal.addEventListener("abort", stop);
    });
  }

  /** Rejects when the simulator stops. */
  sleep(ms: number): Promise<void> {
    return this.until(() => ms <= 0, ms);
  }

  /** Ends every wait, so that no timer outlives the simulator. */
  stop(): void {
    this.#stopping.abort();
  }
}
