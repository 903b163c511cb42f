import type { Db } from "mongodb";
import type { Contender } from "./contenders/contender.ts";
import type { Lab } from "./lab/lab.ts";
import type { Waha } from "./lab/waha.ts";
import { type Exactness, judgeExactness, replaceWork, type Work } from "./work.ts";

/** What one run of one contender came to. */
export interface Measurement extends Exactness {
  messages: number;
  seconds: number;
  databaseRequests: number;
  /** Of the database's process. */
  databaseCpuSeconds: number;
  collectionScans: number;
  wahaRequests: number;
  /** Of each message that WAHA accepted: its session, and how long after the start, in milliseconds. */
  sent: { session: string; latenessMs: number }[];
  cpuSeconds: number;
  peakMemory: number;
}

/** What is to be measured. */
export interface Run {
  database: string;
  waha: Waha;
  /** They share the database. */
  contenders: Contender[];
  work: Work;
  /** Those that work in passes make one each. */
  once?: boolean;
  /** What they leave is sent afterwards, unmeasured, so that nothing counts as lost that is only left. */
  thenRest?: boolean;
  /** How the work gets into the database; by default it is all that is left there. */
  fill?: (db: Db, work: Work) => Promise<void>;
}

/**
 * Lets contenders send the same work, together, and takes the measure of it. The work is all due when they are told to
 * begin.
 */
export async function measure(
  { client, counter }: Pick<Lab, "client" | "counter">,
  { database, waha, contenders, work, once = false, thenRest = false, fill = replaceWork }: Run,
): Promise<Measurement> {
  await fill(client.db(database), work);
  for (const contender of contenders) await contender.prepare(work.texts);
  await counter.settle();
  await waha.listen();
  const began = { at: Date.now(), monotonic: performance.now() };
  const reports = await Promise.all(contenders.map((contender) => contender.run({ once })));
  const seconds = (performance.now() - began.monotonic) / 1000;
  const server = await counter.count();
  const heard = await waha.listen();
  if (thenRest) await contenders[0]?.run();
  const late = thenRest ? (await waha.listen()).accepted : [];
  return {
    messages: heard.accepted.length,
    seconds,
    databaseRequests: server.requests,
    databaseCpuSeconds: server.cpuSeconds,
    collectionScans: server.collectionScans,
    wahaRequests: heard.requests,
    sent: heard.accepted.map(({ session, acceptedAt }) => ({ session, latenessMs: acceptedAt - began.at })),
    cpuSeconds: reports.reduce((sum, report) => sum + report.cpuSeconds, 0),
    peakMemory: Math.max(...reports.map((report) => report.peakMemory)),
    ...judgeExactness(work, [...heard.accepted, ...late]),
  };
}
