import type { Document } from "mongodb";
import { addSeconds } from "../../clock.ts";
import type { Database } from "../../mongo/client.ts";
import { type Entry, ID } from "./state.ts";

/** A post takes five seconds at most; whoever has not told by then has died, and the next pass tells. */
const TELLING_SECONDS = 30;

/** Whether people are still to be told of it, and nobody is just doing so. */
export function isToTell({ state, told, tellingUntil }: Entry, now: Date): boolean {
  return told !== state && (tellingUntil === null || tellingUntil < now);
}

/**
 * Takes the telling of an entry on, for half a minute.
 *
 * @returns whether it is this caller's: of several at once it is one's
 */
export async function takeTelling(db: Database, entry: Entry, now: Date): Promise<boolean> {
  const { kind, about, state, told, tellingUntil } = entry;
  const { modifiedCount } = await db.scheduler.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about, state, told, tellingUntil } } },
    { $set: { "entries.$.tellingUntil": addSeconds(now, TELLING_SECONDS) } },
  );
  return modifiedCount === 1;
}

/** Notes that people were told of an entry's state; one that is over is then forgotten, unless it stands again. */
export async function noteTold(db: Database, { kind, about, state }: Entry): Promise<void> {
  if (state === "over") {
    const { modifiedCount } = await db.scheduler.updateOne(ID, {
      $pull: { entries: { kind, about, state } },
    } as Document);
    if (modifiedCount === 1) return;
  }
  await db.scheduler.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $set: { "entries.$.told": state, "entries.$.tellingUntil": null } },
  );
}

/** Leaves the telling to a later pass, as nobody took it. */
export async function leaveTelling(db: Database, { kind, about }: Entry): Promise<void> {
  await db.scheduler.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $set: { "entries.$.tellingUntil": null } },
  );
}
