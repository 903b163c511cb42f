import { CAMPAIGN_INDEXES, findOpenCampaigns, settleCampaigns } from "../campaigns.ts";
import { type Clock, type SystemClock, startClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import type { Log } from "../log.ts";
import { groupCommit } from "../messages/group-commit.ts";
import { MESSAGE_INDEXES } from "../messages/indexes.ts";
import { type Database, openDatabase } from "../mongo/client.ts";
import { asUnavailable } from "../mongo/errors.ts";
import { ensureIndexes } from "../mongo/indexes.ts";
import { namesOfWorking } from "../monitoring/alerts/detect.ts";
import { recordPass } from "../monitoring/record.ts";
import type { PassReport, Summary } from "../monitoring/report.ts";
import { openWaha } from "../waha/client.ts";
import { takeSnapshot, type WahaSnapshot } from "../waha/snapshot.ts";
import { audit, noteTurnedAway, rescue } from "./housekeeping.ts";
import { lifetimes, passEnds } from "./lifetimes.ts";
import type { Pass } from "./pass.ts";
import { reconcile } from "./reconcile.ts";
import { sendLoop } from "./send/loop.ts";
import { PassStats } from "./stats.ts";
import { Steps } from "./steps.ts";
import { sweep } from "./sweep.ts";

/** What the host of a pass provides. */
export interface Host {
  ticker: SystemClock;
  /** Aborted when the host wants to stop: nothing new starts, and what is under way is settled. */
  stop: AbortSignal;
  /**
   * Aborted when it can't wait for WAHA any longer, as it is about to end: requests are cut off. What they came to
   * is not proven then, and looked up later; claims and leases are given back.
   */
  giveUp: AbortSignal;
}

/** A difference of the clocks that is worth a word. */
const SKEW_MS = 5_000;

/**
 * Runs one pass: look around, rescue, claim and send, keep house beside it, and tidy up.
 *
 * @param host the machine's clocks, and its wishes to stop
 * @param call the pass's id, and the ticker's monotonic reading when the function was called: from there its time counts
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
    const [clock, look] = await Promise.all([
      readClock(db, host.ticker, began).catch((error: unknown) => {
        throw asUnavailable(error);
      }),
      takeSnapshot(waha, config),
    ]);
    const ends = passEnds(clock.startedAt, config);
    const pass: Pass = {
      id: passId,
      config,
      db,
      waha,
      clock,
      log,
      stats: new PassStats(),
      commit: groupCommit(db),
      lifetimes: lifetimes(config),
      stop: host.stop,
      ...ends,
    };
    return await runSteps(pass, look);
  } finally {
    host.giveUp.removeEventListener("abort", cutOff);
    await waha.close();
  }
}

/** The pass's clock. The connection is made first: it may take seconds, and the reading must not. */
export async function readClock(db: Database, ticker: SystemClock, began: number): Promise<Clock> {
  await db.connect();
  return startClock(ticker, began, () => db.readTime());
}

async function runSteps(pass: Pass, look: WahaSnapshot | UnavailableError): Promise<PassReport> {
  const { clock, config, db, log, stats } = pass;
  noteSurroundings(pass, look);
  const around = look instanceof UnavailableError ? undefined : look;
  const indexes = [
    { collection: db.messages, indexes: MESSAGE_INDEXES },
    { collection: db.campaigns, indexes: CAMPAIGN_INDEXES },
  ];
  const steps = new Steps(pass, look instanceof UnavailableError ? [look] : []);
  ensureIndexes(indexes, log);
  // None of these waits for another, so that a pass with nothing to do is over after a few round trips.
  const rescued = steps.run("rescue", () => rescue(pass));
  const [open, watch] = await Promise.all([
    steps.run("campaigns", () => findOpenCampaigns(db, config)),
    steps.run("send", () => sendLoop(pass, look, rescued)),
    steps.run("reconcile", () => reconcile(pass, around)),
    steps.run("sweep", () => sweepAll(pass, rescued)),
    steps.run("audit", () => audit(pass)),
    rescued,
  ]);
  await steps.run("campaigns", async () => {
    const found = stats.campaignsOpened || !open ? await findOpenCampaigns(db, config) : open;
    const { changed, rejected } = await settleCampaigns(db, found, config, clock.now());
    stats.add("campaignsCompleted", changed);
    noteTurnedAway(pass, rejected, "campaigns");
  });
  if (!ensureIndexes(indexes, log)) stats.problem("indexes_missing");
  noteTroubles(stats, steps.failures, steps.defects);
  const sessions = (watch?.snapshot ?? around)?.sessions;
  const seenAt = watch?.seenAt ?? clock.startedAt;
  const seen = { seenAt, working: sessions && namesOfWorking(sessions) };
  const record = () => recordPass(db, lastPass(pass), stats.latenessHistogram(), seen);
  const before = { failures: steps.failures.length, defects: steps.defects };
  const isRecorded = await steps.run("last pass", record);
  const unrecorded = steps.failures.slice(before.failures);
  noteTroubles(stats, unrecorded, steps.defects - before.defects);
  const summary = summarise(pass);
  log.info({ ...summary }, "pass");
  const defective = steps.defects > 0;
  return {
    summary,
    unavailable: steps.failures,
    defective,
    sessions,
    seenAt,
    recorded: isRecorded ?? unrecorded[0],
  };
}

/** Has the summary say which steps could not be run, and why. */
function noteTroubles(stats: PassStats, failures: readonly UnavailableError[], defects: number): void {
  for (const { code, detail } of failures) stats.problem(code, 1, detail);
  if (defects > 0) stats.problem("internal_error", defects);
  stats.broken ||= failures.length + defects > 0;
}

/** What was rescued meanwhile may be past its window, too. */
async function sweepAll(pass: Pass, rescued: Promise<number | undefined>): Promise<void> {
  await sweep(pass);
  if (((await rescued) ?? 0) > 0) await sweep(pass);
}

function noteSurroundings(pass: Pass, look: WahaSnapshot | UnavailableError): void {
  const { clock, log, stats, id: passId } = pass;
  if (Math.abs(clock.skewMs) > SKEW_MS) {
    stats.problem("clock_skew", 1, `${clock.skewMs} ms`);
    log.warn({ passId, skewMs: clock.skewMs }, "the function's clock and the database's differ");
  }
  if (!(look instanceof UnavailableError) && !look.server) stats.problem("waha_version_unknown");
}

function summarise(pass: Pass): Summary {
  const { clock, id, stats } = pass;
  return stats.summary(id, clock.startedAt, -clock.until(clock.startedAt));
}

function lastPass(pass: Pass) {
  const { clock, id } = pass;
  return { passId: id, startedAt: clock.startedAt, endedAt: clock.now(), summary: summarise(pass) };
}
