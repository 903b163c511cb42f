import { addSeconds } from "../../clock.ts";
import { SWEPT_SECONDS } from "../../config.ts";
import type { Bounded } from "../../mongo/bounded-count.ts";
import type { Database } from "../../mongo/client.ts";
import { messageOf, type ProblemCode } from "../../problems.ts";
import { auditMessages } from "../audit.ts";

/** Messages that no pass sees or touches, by what is wrong with them. */
export interface Unseen extends Bounded {
  code: ProblemCode;
  message: string;
}

/** Counts the messages that no pass sees or touches, in one request. */
export async function findUnseen(db: Database, now: Date, limits: { maxTimeMS: number }): Promise<Unseen[]> {
  const found = await auditMessages(db, addSeconds(now, -SWEPT_SECONDS), limits);
  return [...found].map(([code, bounded]) => ({ code, message: messageOf(code), ...bounded }));
}
