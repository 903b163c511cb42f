import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import type { CampaignDocument } from "../../lib/campaigns.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { type HostedFunction, hostFunction } from "../host/function.ts";
import { DEFAULT_SESSION, insertSample, sampleCampaigns } from "../host/sample/campaigns.ts";
import type { SampleCampaign, Timing } from "../host/sample/sample.ts";
import { startSampleWaha } from "../host/sample/waha.ts";
import { startMongod } from "../mongod/start.ts";
import type { WahaSimulator } from "../waha-simulator/server.ts";
import type { Seen } from "./check.ts";

/** How long after its time a message may still be sent. */
export const LOOKBACK_SECONDS = 120;

/** Everything that takes part: the database, WAHA, and the function between them. */
export interface Stage {
  databaseUrl: string;
  waha: WahaSimulator;
  hosted: HostedFunction;
  secret: string;
  /** Writes the sample; gives what was written. */
  seed(timing: Timing): Promise<SampleCampaign[]>;
  look(): Promise<Seen>;
  close(): Promise<void>;
}

/** The function's settings, whatever the environment says; those not named here have their defaults. */
function settings(databaseUrl: string, wahaUrl: string, wahaKey: string, secret: string): NodeJS.ProcessEnv {
  return {
    DATABASE_URL: databaseUrl,
    WAHA_API_URL: wahaUrl,
    WAHA_API_KEY: wahaKey,
    CRON_SECRET: secret,
    WAHA_DEFAULT_SESSION: DEFAULT_SESSION,
    LOOKBACK_SECONDS: String(LOOKBACK_SECONDS),
    SEND_GAP_MS: "60",
    // A lost answer is looked up two minutes later by default, which is long to watch.
    RECONCILE_AFTER_SECONDS: "3",
    LOG_LEVEL: "silent",
  };
}

/** Builds the stage, on this computer alone. */
export async function buildStage(): Promise<Stage> {
  const wahaKey = randomBytes(12).toString("hex");
  const secret = randomBytes(12).toString("hex");
  // The one that may fail comes first: then nothing else is running yet.
  const mongod = await startMongod();
  const databaseUrl = mongod.url("demo");
  const waha = await startSampleWaha(wahaKey);
  const hosted = await hostFunction(settings(databaseUrl, waha.url, wahaKey, secret));
  const client = new MongoClient(databaseUrl);
  const db = client.db();
  return {
    databaseUrl,
    waha,
    hosted,
    secret,
    seed: async (timing) => {
      const campaigns = sampleCampaigns(timing);
      await insertSample(db, campaigns);
      return campaigns;
    },
    look: async () => ({
      messages: await db.collection<MessageDocument>("messages").find().toArray(),
      campaigns: await db.collection<CampaignDocument>("campaigns").find().toArray(),
      ledger: waha.ledger,
    }),
    close: async () => {
      await hosted.close(1_000);
      await Promise.all([closeDatabases(), client.close(), waha.stop()]);
      await mongod.stop();
    },
  };
}
