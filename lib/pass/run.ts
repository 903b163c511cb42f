import { setImmediate as nextTurn } from "node:timers/promises";
import { findOpenCampaigns, type OpenCampaign, settleCampaigns } from "../campaigns.ts";
import { type Clock, type SystemClock, startClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import type { Log } from "../log.ts";
import { groupCommit } from "../messages/group-commit.ts";
import { type Database, openDatabase } from "../mongo/client.ts";
import { asUnavailable } from "../mongo/errors.ts";
import { type IndexKeeper, indexKeeper } from "../mongo/indexes.ts";
import { namesOfWorking } from "../monitoring/alerts/detect.ts";
import { recordPass } from "../monitoring/record.ts";
import type { PassReport } from "../monitoring/report.ts";
import { asReason } from "../problems.ts";
import { openWaha } from "../waha/client.ts";
import { takeSnapshot, type WahaSnapshot } from "../waha/snapshot.ts";
import { lookForDocuments } from "./documents.ts";
import { audit, noteIndexes, noteTurnedAway, rescue, wantedIndexes } from "./housekeeping.ts";
import { lifetimes, passEnds } from "./lifetimes.ts";
import type { Pass } from "./pass.ts";
import { endReceipts, lookForSilence } from "./receipts.ts";
import { reconcile } from "./reconcile.ts";
import { sendLoop } from "./send/loop.ts";
import { PassStats } from "./stats.ts";
import { Steps } from "./steps.ts";
import { sweep } from "./sweep.ts";
import { noteWaiting } from "./waiting.ts";

/** What the host of a pass provides. */
export interface Host {
  hostClock: SystemClock;
  /** Aborted when the host wants to stop: nothing new starts, and what is under way is settled. */
  stop: AbortSignal;
  /**
   * Aborted when it can't wait for WAHA any longer, as it is about to end: requests are cut off. What they came to
   * is not proven then, and looked up later; claims and other leases are given back.
   */
  giveUp: AbortSignal;
}

/** A pass that takes longer sweeps once more at its end; one with nothing to do takes less. */
const LONG_PASS_MS = 500;

/** A difference of the clocks that is worth a word. */
const SKEW_MS = 5_000;

/**
 * Runs one pass: a snapshot of WAHA, then rescue, sending and, beside them, all other steps.
 *
 * @param host the machine's clocks, and its wishes to stop
 * @param call the pass's id, and the host's monotonic reading when the function was called: from there its time counts
 * @throws UnavailableError if the database can't even tell the time; ConfigError if its address makes no sense
 */
export async function runPass(
  config: Config,
  log: Log,
  host: Host,
  { passId, began }: { passId: string; began: number },
): Promise<PassReport> {
  const db = openDatabase(config);
  const waha = openWaha(config);
  const cutOff = () => void waha.close();
  host.giveUp.addEventListener("abort", cutOff);
  try {
    const [clock, seen] = await Promise.all([
      readClock(db, host.hostClock, began).catch((error: unknown) => {
        throw asUnavailable(error);
      }),
      takeSnapshot(waha, config),
    ]);
    const pass: Pass = {
      id: passId,
      began,
      config,
      db,
      waha,
      clock,
      log,
      stats: new PassStats(),
      commit: groupCommit(db),
      lifetimes: lifetimes(config),
      stop: host.stop,
      ...passEnds(clock.startedAt, config),
    };
    const indexes = indexKeeper(wantedIndexes(db));
    const steps = runSteps(pass, seen, indexes);
    const [report] = await Promise.all([steps, nextTurn().then(() => indexes.check(log, began, steps))]);
    return report;
  } finally {
    host.giveUp.removeEventListener("abort", cutOff);
    await waha.close();
  }
}

/** The pass's clock. The connection is made first: it may take seconds, and the reading must not. */
export async function readClock(db: Database, hostClock: SystemClock, began: number): Promise<Clock> {
  await db.connect();
  return startClock(hostClock, began, () => db.readTime());
}

/** @param seen WAHA as it was when the pass began, or why it could not be seen */
async function runSteps(
  pass: Pass,
  seen: WahaSnapshot | UnavailableError,
  indexes: IndexKeeper,
): Promise<PassReport> {
  const { config, log, stats } = pass;
  const steps = new Steps(pass);
  const snapshot = seen instanceof UnavailableError ? undefined : seen;
  if (seen instanceof UnavailableError) {
    steps.fail(seen);
    log.error({ ...asReason(seen) }, seen.message);
  } else if (!seen.server) stats.problem("waha_version_unknown");
  noteSkew(pass);
  const rescued = steps.run("rescue", () => rescue(pass));
  const sending = steps.run("send", () => sendLoop(pass, seen, rescued));
  // What the first POST waits for is asked for first, as the driver opens its connections two at a time.
  await nextTurn();
  // They run side by side, so that a pass with nothing to do is over after a few round trips.
  const [open, watch, silence] = await Promise.all([
    steps.run("campaigns", () => findCampaigns(pass)),
    sending,
    config.WAHA_WEBHOOK_KEY ? steps.run("silence", () => lookForSilence(pass, snapshot)) : ("off" as const),
    config.WAHA_WEBHOOK_KEY ? steps.run("receipts", () => endReceipts(pass)) : undefined,
    steps.run("reconcile", () => reconcile(pass, snapshot)),
    steps.run("sweep", () => sweepAll(pass, rescued)),
    steps.run("audit", () => audit(pass)),
    rescued,
  ]);
  const last = watch?.snapshot ?? snapshot;
  const isLong = pass.clock.until(pass.clock.startedAt) < -LONG_PASS_MS;
  const [openAgain] = await Promise.all([
    // Where this fails, settling tries it once more, and tells.
    open && steps.run("campaigns", () => findAgain(pass, open).catch(() => open)),
    // Windows may have closed since the first sweep, of what could not be sent in time.
    isLong ? steps.run("sweep", () => sweep(pass, { isAgain: true })) : undefined,
  ]);
  await Promise.all([
    steps.run("campaigns", () => settleOpenCampaigns(pass, openAgain)),
    steps.run("waiting", async () => last && noteWaiting(pass, last)),
    steps.run("documents", () => lookForDocuments(pass)),
  ]);
  noteIndexes(pass, indexes);
  return report(pass, steps, {
    sessions: last?.sessions,
    seenAt: watch?.seenAt ?? pass.clock.startedAt,
    silence,
  });
}

/** Records the pass, and says what it came to. */
async function report(
  pass: Pass,
  steps: Steps,
  { sessions, seenAt, silence }: Pick<PassReport, "sessions" | "seenAt" | "silence">,
): Promise<PassReport> {
  const { clock, db, id: passId, log, stats } = pass;
  const { startedAt } = clock;
  const summarise = () => stats.summary(passId, startedAt, -clock.until(startedAt));
  const look = { seenAt, working: sessions && namesOfWorking(sessions) };
  const before = steps.failures.length;
  const isRecorded = await steps.run("last pass", () => {
    const lastPass = { passId, startedAt, endedAt: clock.now(), summary: summarise() };
    return recordPass(db, lastPass, stats.latenessHistogram(), look);
  });
  const summary = summarise();
  if (summary.ok) log.info({ ...summary }, "pass");
  else log.warn({ ...summary }, "pass");
  return {
    summary,
    unavailable: steps.failures,
    defective: steps.defects > 0,
    sessions,
    seenAt,
    silence,
    recorded: isRecorded ?? steps.failures[before],
  };
}

/** The open campaigns, and how often the pass had opened some before they were found. */
interface FoundCampaigns {
  campaigns: OpenCampaign[];
  openings: number;
}

async function findCampaigns({ db, stats: { openings } }: Pass): Promise<FoundCampaigns> {
  return { campaigns: await findOpenCampaigns(db), openings };
}

/** The open campaigns as they were found; anew where that failed, or some were opened since. */
async function findAgain(pass: Pass, found: FoundCampaigns | undefined): Promise<FoundCampaigns> {
  return found?.openings === pass.stats.openings ? found : findCampaigns(pass);
}

/** Settles the open campaigns that have nothing left to send. */
async function settleOpenCampaigns(pass: Pass, found: FoundCampaigns | undefined): Promise<void> {
  const { clock, db, stats } = pass;
  const { campaigns } = await findAgain(pass, found);
  const { changed, rejected } = await settleCampaigns(db, campaigns, clock.now(), stats.openings > 0);
  stats.add("campaignsCompleted", changed);
  noteTurnedAway(pass, rejected, "campaigns");
}

/** What was rescued meanwhile may be past its window, too. */
async function sweepAll(pass: Pass, rescued: Promise<number | undefined>): Promise<void> {
  await sweep(pass);
  if (((await rescued) ?? 0) > 0) await sweep(pass, { isAgain: true });
}

function noteSkew({ clock: { skewMs }, log, stats }: Pass): void {
  if (Math.abs(skewMs) <= SKEW_MS) return;
  stats.problem("clock_skew", 1, `${skewMs} ms`);
  log.warn({ skewMs }, "the function's clock and the database's differ");
}
