import type { Document } from "mongodb";
import type { DatabaseRequest } from "./database/intercept.ts";
import { bulkReleasesOf, claimedBy, stateWritesOf } from "./database/points.ts";
import type { SeenWrite, StateWrite } from "./record.ts";

/** The writes of one request. */
interface Seen {
  writes: (StateWrite & { index: number })[];
  bulkReleases: SeenWrite[];
}

/** Puts on record which process wrote what, from what it sees pass between the processes and the database. */
export class Witness {
  readonly writes: StateWrite[] = [];
  readonly bulkReleases: SeenWrite[] = [];
  readonly #open = new Map<DatabaseRequest, Seen>();
  readonly #passIds = new Map<string, Set<string>>();

  /** A request goes to the database now. */
  forwarded(request: DatabaseRequest): void {
    const passId = claimedBy(request.command);
    if (passId !== undefined) {
      const known = this.#passIds.get(request.client) ?? new Set();
      this.#passIds.set(request.client, known.add(passId));
    }
    const seen: Omit<SeenWrite, "settledAt"> = {
      instance: request.client,
      passIds: this.passIdsOf(request.client),
      sentAt: Date.now(),
      repliedAt: undefined,
    };
    const bulkReleases = bulkReleasesOf(request.command).map((settledAt) => ({ ...seen, settledAt }));
    const writes = stateWritesOf(request.command).map((write) => ({
      ...write,
      ...seen,
      acknowledged: false,
    }));
    if (writes.length + bulkReleases.length === 0) return;
    this.#open.set(request, { writes, bulkReleases });
    this.writes.push(...writes);
    this.bulkReleases.push(...bulkReleases);
  }

  /** The database has answered; `delivered`: the process hears of it. */
  replied(request: DatabaseRequest, reply: Document, delivered: boolean): void {
    const refused = new Set((reply.writeErrors ?? []).map(({ index }: { index: number }) => index));
    const { writes = [], bulkReleases = [] } = this.#open.get(request) ?? {};
    for (const write of [...writes, ...bulkReleases]) write.repliedAt = Date.now();
    for (const write of writes) {
      write.acknowledged =
        delivered && reply.ok === 1 && !reply.writeConcernError && !refused.has(write.index);
    }
    this.#open.delete(request);
  }

  /** The passes that claimed anything in a process so far. */
  passIdsOf(instance: string): string[] {
    return [...(this.#passIds.get(instance) ?? [])];
  }
}
