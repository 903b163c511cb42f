import type { Document } from "mongodb";
import type { DatabaseRequest } from "./database/intercept.ts";
import { bulkReleasesOf, claimIn, passOf, rescuesOf, stateWritesOf, strikesIn } from "./database/writes.ts";
import type { SeenClaim, SeenRequest, SeenStrike, SeenWrite, StateWrite } from "./record.ts";

/** What is kept of one request until its reply comes. */
interface Seen {
  writes: (StateWrite & { index: number })[];
  others: SeenRequest[];
}

/** Puts on record which process asked for what, from what it sees pass between the processes and the database. */
export class Witness {
  readonly writes: StateWrite[] = [];
  readonly bulkReleases: SeenWrite[] = [];
  readonly rescues: SeenWrite[] = [];
  readonly strikes: SeenStrike[] = [];
  readonly looks: SeenRequest[] = [];
  readonly claims: SeenClaim[] = [];
  /** By pass, the process that it ran in. */
  readonly passes = new Map<string, string>();
  readonly #open = new Map<DatabaseRequest, Seen>();

  /** A request has arrived, and may be held up yet. */
  arrived({ client, command }: DatabaseRequest): void {
    const claim = claimIn(command);
    if (claim) this.claims.push({ ...claim, instance: client, arrivedAt: Date.now() });
  }

  /** A request goes to the database now. */
  forwarded(request: DatabaseRequest): void {
    const { client: instance, command, point } = request;
    const passId = passOf(command);
    if (passId !== undefined) this.passes.set(passId, instance);
    const seen: SeenRequest = {
      instance,
      passIds: this.passIdsOf(instance),
      sentAt: Date.now(),
      repliedAt: undefined,
    };
    const stamped = (stamps: (Date | undefined)[]) => stamps.map((stamp) => ({ ...seen, stamp }));
    const writes = stateWritesOf(command).map((write) => ({ ...write, ...seen, acknowledged: false }));
    const bulkReleases = stamped(bulkReleasesOf(command));
    const rescues = stamped(rescuesOf(command));
    const strikes = strikesIn(command).map((strike) => ({ ...seen, ...strike }));
    const looks = point === "survey" ? [{ ...seen }] : [];
    this.writes.push(...writes);
    this.bulkReleases.push(...bulkReleases);
    this.rescues.push(...rescues);
    this.strikes.push(...strikes);
    this.looks.push(...looks);
    const others = [...bulkReleases, ...rescues, ...strikes, ...looks];
    if (writes.length + others.length > 0) this.#open.set(request, { writes, others });
  }

  /** The database has answered; `delivered`: the process hears of it. */
  replied(request: DatabaseRequest, reply: Document, delivered: boolean): void {
    const refused = new Set((reply.writeErrors ?? []).map(({ index }: { index: number }) => index));
    const { writes = [], others = [] } = this.#open.get(request) ?? {};
    for (const each of [...writes, ...others]) each.repliedAt = Date.now();
    for (const write of writes) {
      write.acknowledged =
        delivered && reply.ok === 1 && !reply.writeConcernError && !refused.has(write.index);
    }
    this.#open.delete(request);
  }

  /** The passes that claimed messages, or took leases, in a process so far. */
  passIdsOf(instance: string): string[] {
    return [...this.passes].filter(([, of]) => of === instance).map(([passId]) => passId);
  }
}
