import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import type { CampaignDocument } from "../../lib/campaigns.ts";
import { OPEN_CAMPAIGN } from "../../lib/campaigns.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import { Instance } from "../chaos/instances/instance.ts";
import { buildProgram } from "../chaos/instances/program.ts";
import { startMongod } from "../mongod/start.ts";
import { COLLECTIONS, seed } from "./seed.ts";
import type { Seen } from "./seen.ts";
import { startWahaProcess } from "./waha.ts";
import type { World } from "./world.ts";

/**
 * Half of the 60 and 10 that a deployment has by default, so that also a fast machine needs several passes for
 * the default number of messages; not less, since a pass must have the time in which memory would pile up.
 */
export const PASS_SECONDS = 30;
const TAIL_SECONDS = 5;

/** Nothing is missed for having waited for its turn. */
const LOOKBACK_SECONDS = 86_400;

/**
 * In MB, for what lives long and for what is new. Node lets garbage lie about for as long as the machine has memory:
 * without these limits, those of a small machine, it takes a third more, of which little is in use.
 */
const HEAP = "--max-old-space-size=128 --max-semi-space-size=4";

/** Everything that takes part: the database, WAHA, and one warm instance of the function. */
export interface Stage {
  instance: Instance;
  /** How many messages are not sent, and how many campaigns still open. */
  countLeft(): Promise<number>;
  look(): Promise<Omit<Seen, "passes">>;
  close(): Promise<void>;
}

/** Builds the stage, on this computer alone, each of its parts in a process of its own. */
export async function buildStage(world: World): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "waha-scheduler-load-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const mongod = await startMongod();
  const client = new MongoClient(mongod.url("load"));
  const db = client.db();
  await seed(db, world);
  const waha = await startWahaProcess({ sessions: world.sessions.map(({ name }) => ({ name })) });
  const instance = new Instance("load", await buildProgram(folder), {
    DATABASE_URL: mongod.url("load"),
    WAHA_API_URL: waha.url,
    CRON_SECRET: "a-made-up-secret",
    NODE_OPTIONS: HEAP,
    LOOKBACK_SECONDS: String(LOOKBACK_SECONDS),
    PASS_SECONDS: String(PASS_SECONDS),
    TAIL_SECONDS: String(TAIL_SECONDS),
  });
  return {
    instance,
    countLeft: () => countLeft(db),
    look: async () => ({
      messages: await db.collection<MessageDocument>(COLLECTIONS.messages).find().toArray(),
      campaigns: await db.collection<CampaignDocument>(COLLECTIONS.campaigns).find().toArray(),
      ledger: await waha.readLedger(),
    }),
    close: async () => {
      await Promise.all([instance.end(), waha.stop(), client.close()]);
      await mongod.stop();
    },
  };
}

async function countLeft(db: Db): Promise<number> {
  const [messages, campaigns] = await Promise.all([
    db.collection(COLLECTIONS.messages).countDocuments({ isSent: false }),
    db.collection(COLLECTIONS.campaigns).countDocuments(OPEN_CAMPAIGN),
  ]);
  return messages + campaigns;
}
