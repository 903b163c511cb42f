import type { Document } from "mongodb";
import type { DatabaseRequest } from "./database/intercept.ts";
import { claimedBy, releasedBy, stateWritesOf } from "./database/points.ts";
import type { StateWrite } from "./record.ts";

/** Puts on record which process wrote what, from what it sees pass between the processes and the database. */
export class Witness {
  readonly writes: StateWrite[] = [];
  /** Claims given back, many at once, by a process in which the pass that they name had claimed nothing; in words. */
  readonly foreignReleases: string[] = [];
  readonly #open = new Map<DatabaseRequest, (StateWrite & { index: number })[]>();
  readonly #passIds = new Map<string, Set<string>>();

  /** A request goes to the database now. */
  forwarded(request: DatabaseRequest): void {
    const passId = claimedBy(request.command);
    if (passId !== undefined) {
      const known = this.#passIds.get(request.client) ?? new Set();
      this.#passIds.set(request.client, known.add(passId));
    }
    for (const releaser of releasedBy(request.command)) {
      if (releaser === undefined || this.#isOfAnother(releaser, request.client))
        this.foreignReleases.push(`${request.client} gives back claims of ${releaser ?? "whichever pass"}`);
    }
    const found = stateWritesOf(request.command).map((write) => ({
      ...write,
      instance: request.client,
      passIds: this.passIdsOf(request.client),
      sentAt: Date.now(),
      repliedAt: undefined,
      acknowledged: false,
    }));
    if (found.length === 0) return;
    this.#open.set(request, found);
    this.writes.push(...found);
  }

  /** The database has answered; `delivered`: the process hears of it. */
  replied(request: DatabaseRequest, reply: Document, delivered: boolean): void {
    const refused = new Set((reply.writeErrors ?? []).map(({ index }: { index: number }) => index));
    for (const write of this.#open.get(request) ?? []) {
      write.repliedAt = Date.now();
      write.acknowledged =
        delivered && reply.ok === 1 && !reply.writeConcernError && !refused.has(write.index);
    }
    this.#open.delete(request);
  }

  #isOfAnother(passId: string, instance: string): boolean {
    return [...this.#passIds].some(([other, passIds]) => other !== instance && passIds.has(passId));
  }

  /** The passes that claimed anything in a process so far. */
  passIdsOf(instance: string): string[] {
    return [...(this.#passIds.get(instance) ?? [])];
  }
}
