import { addSeconds, type Clock } from "../../lib/clock.ts";
import type { Config } from "../../lib/config.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { counted, harmless } from "../format.ts";
import { whyNothing } from "./nothing.ts";
import type { Options } from "./options.ts";
import { preview, totalOf } from "./preview.ts";
import { type Again, copyUnknown, type Outcome, putBack } from "./put-back.ts";
import { endedBatches, selectionOf, survey } from "./selection.ts";

/** How many are put back in one request. */
const BATCH = 500;

/** What came of all that was shown; `changed`: changed after that (by a pass, the app or another person), and left alone. */
export type Resent = Outcome & { changed: number };

/** The person who asked. */
export interface Person {
  tell(line: string): void;
  /** Whether to go on. */
  agrees(question: string): Promise<boolean>;
}

/**
 * Shows what the options mean, asks, and then makes those messages due again; what ended, or changed in any way,
 * after it was shown is left alone. Passes may run meanwhile.
 *
 * @param clock the database's time
 * @returns what came of it; undefined if nothing matches, or the person did not agree
 * @throws Error in plain words if the time has passed at which they are to be due
 */
export async function resend(
  db: Database,
  config: Config,
  clock: Clock,
  options: Options,
  person: Person,
): Promise<Resent | undefined> {
  if (options.at && clock.until(options.at) < 0)
    throw new Error("--at lies in the past: the messages would be missed at once, or sent late");
  const selection = selectionOf(db.documents.messages, options, clock.now());
  const seen = await survey(db, selection);
  const total = totalOf(seen.groups);
  if (total === 0) {
    for (const line of await whyNothing(db, options, clock.now())) person.tell(harmless(line));
    return undefined;
  }
  for (const line of await preview(db, config, seen, options)) person.tell(line);
  if (options.dryRun || !(options.yes || (await person.agrees(question(total))))) {
    person.tell("Nothing was changed.");
    return undefined;
  }
  const sum: Outcome = { done: 0, rejected: 0 };
  let place = 0;
  for await (const batch of endedBatches(db, selection, BATCH)) {
    const from = options.at ?? clock.now();
    const again = batch.map((ended) => {
      const scheduledAt = addSeconds(from, (options.spread * place) / total);
      place += 1;
      return { ended, scheduledAt };
    });
    await sendAgain(db, again, sum);
  }
  const resent = { ...sum, changed: Math.max(0, total - sum.done - sum.rejected) };
  person.tell(summary(resent));
  return resent;
}

async function sendAgain(db: Database, again: Again[], sum: Outcome): Promise<void> {
  const add = ({ done, rejected }: Outcome) => {
    sum.done += done;
    sum.rejected += rejected;
  };
  const { copied = [], put = [] } = Object.groupBy(again, ({ ended }) =>
    ended.delivery.state === "unknown" ? "copied" : "put",
  );
  add(await putBack(db, put));
  for (const each of copied) add(await copyUnknown(db, each));
}

function question(total: number): string {
  return `Make ${total === 1 ? "it" : "them"} due again? [y/N] `;
}

function summary({ done, changed, rejected }: Resent): string {
  const parts = [`${counted(done, "message")} due again`];
  if (changed > 0) parts.push(`${changed} changed meanwhile, left alone`);
  if (rejected > 0)
    parts.push(`${rejected} turned away by the database (a validation rule, or a unique index)`);
  return `${parts.join("; ")}.`;
}
