import { claim, readClaimed } from "../../lib/messages/claims.ts";
import type { ClaimedMessage } from "../../lib/messages/transitions.ts";
import type { Database } from "../../lib/mongo/client.ts";
import type { Id } from "../../lib/mongo/ids.ts";
import { ago } from "./world.ts";

/** Claims messages that are due for a pass, and reads back which it has got, in any order. */
export async function claimFor(
  db: Database,
  passId: string,
  ids: Id[],
  expiresAt = ago(-40),
): Promise<ClaimedMessage[]> {
  const mark = { passId, settledBefore: ago(0), now: new Date(), expiresAt };
  // Its reply may be lost: what is read decides.
  await claim(db, ids, { from: ago(120), to: ago(0) }, mark).catch(() => {});
  return readClaimed(db, ids, mark);
}
