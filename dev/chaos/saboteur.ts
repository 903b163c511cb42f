import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "mongodb";
import type { Id } from "../../lib/mongo/ids.ts";
import type { DatabaseRequest, Interceptor } from "./database/intercept.ts";
import { idsNamedIn, idsReadIn } from "./database/points.ts";
import { leasesReadIn, type Renewal, renewalsIn } from "./database/writes.ts";
import type { Instance } from "./instances/instance.ts";
import type { Act, EditKind, LeaseEnd, Side, Trigger } from "./plan/events.ts";
import type { Disturbance, EndedLease, Interruption } from "./record.ts";
import type { WahaInterceptor } from "./waha/gateway.ts";
import type { Witness } from "./witness.ts";

/** How often something was done at each point, by `<act> <side> <point>`. */
export type Hits = Map<string, number>;

/** What a trigger makes of a request: it goes on, its connection breaks, or it is answered with an error. */
type Fate = "on" | "broken" | { code: number };

/** What the saboteur can reach in its round. */
export interface Reach {
  instance(name: string): Instance | undefined;
  /** Lets the app edit one of the documents that these ids name. */
  edit(kind: EditKind, named: Id[]): Promise<void>;
  /** Ends a lease although its pass relies on it; false where that pass no longer has it. */
  endLease(renewal: Renewal, how: LeaseEnd): Promise<boolean>;
}

/** A request that is met, as far as an act depends on it. */
interface Met {
  instance: string;
  point: string;
  side: Side;
  named: Id[];
  /** The database's request; undefined for one to WAHA. */
  request: DatabaseRequest | undefined;
}

/** Meets every request of a round's processes, at the database and at WAHA, and does there what the plan says. */
export class Saboteur {
  readonly hits: Hits = new Map();
  readonly interruptions: Interruption[] = [];
  readonly disturbances: Disturbance[] = [];
  readonly endedLeases: EndedLease[] = [];
  readonly #reach: Reach;
  readonly #witness: Witness;
  readonly #disarmed = new AbortController();
  /** Ended leases of which their passes have not been told, by the renewals that matched nothing for that. */
  readonly #untold = new Map<DatabaseRequest, EndedLease[]>();
  #armed: (Trigger & { seen: number })[];
  #began = performance.now();

  constructor(triggers: Trigger[], reach: Reach, witness: Witness) {
    this.#armed = triggers.map((trigger) => ({ ...trigger, seen: 0 }));
    this.#reach = reach;
    this.#witness = witness;
  }

  /** The storm begins. */
  begin(): void {
    this.#began = performance.now();
  }

  /** Whether some process is still to be killed. */
  get hasKillsLeft(): boolean {
    return this.#armed.some(({ act }) => act.type === "kill");
  }

  /** Does nothing more from now on, and lets go on whatever it holds up. */
  disarm(): void {
    this.#armed = [];
    this.#disarmed.abort();
  }

  readonly database: Interceptor = {
    onRequest: async (request) => {
      this.#witness.arrived(request);
      const named = idsNamedIn(request.command);
      const fate = await this.#meet({ ...ofRequest(request), side: "before", named });
      if (fate === "broken") return "break";
      if (fate !== "on") return { reply: errorReply(fate.code) };
      this.#witness.forwarded(request);
      return "forward";
    },
    onReply: async (request: DatabaseRequest, reply: Document) => {
      // Of a claim that is read back only what was won: an edit of anything else says nothing about its guards.
      const named = request.command.find ? idsReadIn(reply) : idsNamedIn(request.command);
      const fate = await this.#meet({ ...ofRequest(request), side: "after", named });
      this.#witness.replied(request, reply, fate === "on");
      if (request.point === "read-leases" && fate === "on") this.#tellOfEnds(request);
      return fate === "on" ? "deliver" : "break";
    },
  };

  readonly waha: WahaInterceptor = {
    onRequest: async (instance, point) => (await this.#meet(toWaha(instance, point, "before"))) === "on",
    onAnswer: async (instance, point) => (await this.#meet(toWaha(instance, point, "after"))) === "on",
    passIdsOf: (instance) => this.#witness.passIdsOf(instance),
  };

  async #meet(met: Met): Promise<Fate> {
    const { instance, point, side } = met;
    // What a process that is dead had still sent goes its way.
    if (!this.#reach.instance(instance)?.alive) return "on";
    const sinceMs = performance.now() - this.#began;
    const waiting = this.#armed.filter(
      (each) => each.point === point && each.side === side && sinceMs >= (each.fromMs ?? 0),
    );
    for (const trigger of waiting) trigger.seen += 1;
    // Of several that this request is for the others have the next ones.
    const sprung = waiting.find(({ seen, nth }) => seen >= nth);
    if (!sprung) return "on";
    this.#armed.splice(this.#armed.indexOf(sprung), 1);
    const { act } = sprung;
    const hit = `${act.type} ${side} ${point}`;
    this.hits.set(hit, (this.hits.get(hit) ?? 0) + 1);
    if (act.type !== "edit") this.disturbances.push({ instance, point, at: Date.now() });
    return this.#do(act, met);
  }

  async #do(act: Act, { instance: name, side, named, request }: Met): Promise<Fate> {
    switch (act.type) {
      case "kill":
        this.interruptions.push({ instance: name, kind: "killed", at: Date.now(), until: undefined });
        this.#reach.instance(name)?.kill();
        return "broken";
      case "freeze":
        return this.#freeze(name, act.ms, side);
      case "hold":
        await this.#pause(act.ms);
        return "on";
      case "break":
        return "broken";
      case "refuse":
        return { code: act.code };
      case "edit":
        await this.#reach.edit(act.kind, named);
        await this.#pause(act.thenMs);
        return "on";
      case "end-lease":
        if (request) await this.#endLeases(request, act.how);
        return "on";
    }
  }

  /** A pass that finds that a renewal matched nothing reads its leases, and so learns which of them have ended. */
  #tellOfEnds({ client, command }: DatabaseRequest): void {
    const read = leasesReadIn(command);
    for (const [renewal, ended] of this.#untold) {
      if (renewal.client !== client) continue;
      for (const each of ended) if (read.includes(each.session)) each.toldAt ??= Date.now();
    }
  }

  async #endLeases(request: DatabaseRequest, how: LeaseEnd): Promise<void> {
    // Some of those that the request would renew, so that it matches others.
    const renewals = renewalsIn(request.command).filter((_, place) => place % 2 === 0);
    const at = Date.now();
    const areEnded = await Promise.all(renewals.map((renewal) => this.#reach.endLease(renewal, how)));
    const ended = renewals
      .filter((_, place) => areEnded[place])
      .map(({ passId, session }): EndedLease => ({ session, passId, at, toldAt: undefined }));
    this.endedLeases.push(...ended);
    this.#untold.set(request, ended);
  }

  /** Stops a process. What it was just asking for is asked when it goes on, and what it was told it hears then. */
  async #freeze(name: string, ms: number, side: Side): Promise<Fate> {
    const instance = this.#reach.instance(name);
    const interruption: Interruption = { instance: name, kind: "frozen", at: Date.now(), until: undefined };
    this.interruptions.push(interruption);
    instance?.freeze();
    const thawed = this.#pause(ms).then(() => {
      interruption.until = Date.now();
      instance?.thaw();
    });
    if (side === "before") await thawed;
    return "on";
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#disarmed.signal }).catch(() => {});
  }
}

const ofRequest = (request: DatabaseRequest) => ({ instance: request.client, point: request.point, request });

function toWaha(instance: string, point: string, side: Side): Met {
  return { instance, point, side, named: [], request: undefined };
}

/** An error as the server words it; the label is what the driver's own repeating of writes goes by. */
function errorReply(code: number): Document {
  const passing = code === 11602 || code === 91;
  return {
    ok: 0,
    errmsg: "made up",
    code,
    ...(passing ? { errorLabels: ["RetryableWriteError"] } : {}),
  };
}
