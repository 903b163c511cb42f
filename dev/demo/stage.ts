import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import { MAPPINGS, type MappingName } from "../../lib/documents/mapping.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { type HostedFunction, hostFunction } from "../host/function.ts";
import { DEFAULT_SESSION, sampleCampaigns } from "../host/sample/campaigns.ts";
import type { SampleCampaign, Stored, Timing } from "../host/sample/sample.ts";
import { startSampleWaha } from "../host/sample/waha.ts";
import { insertSample } from "../host/sample/write.ts";
import { startMongod } from "../mongod/start.ts";
import type { WahaSimulator } from "../waha-simulator/server.ts";
import type { Seen } from "./check.ts";

/** How long after its time a message may still be sent. */
export const LOOKBACK_SECONDS = 120;

/** WhatsApp's reports come within a second: sooner than in real life, and out of order all the same. */
const WEBHOOK_DELAY_MS = 1_000;

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

/** The function's settings, whatever the environment says; those that are neither here nor `given` have their defaults. */
function settings(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...given,
    WAHA_DEFAULT_SESSION: DEFAULT_SESSION,
    LOOKBACK_SECONDS: String(LOOKBACK_SECONDS),
    SEND_GAP_MS: "60",
    // A lost answer is looked up two minutes later by default, which is long to watch.
    RECONCILE_AFTER_SECONDS: "3",
    LOG_LEVEL: "silent",
  };
}

/**
 * Builds the stage, on this computer alone.
 *
 * @param documents whose names the documents have
 */
export async function buildStage(documents: MappingName): Promise<Stage> {
  const names = MAPPINGS[documents];
  const wahaKey = randomBytes(12).toString("hex");
  const secret = randomBytes(12).toString("hex");
  const webhookKey = randomBytes(12).toString("hex");
  // The one that may fail comes first: then nothing else is running yet.
  const mongod = await startMongod();
  const databaseUrl = mongod.url("demo");
  const waha = await startSampleWaha(wahaKey);
  const hosted = await hostFunction(
    settings({
      DATABASE_URL: databaseUrl,
      WAHA_API_URL: waha.url,
      WAHA_API_KEY: wahaKey,
      WAHA_WEBHOOK_KEY: webhookKey,
      CRON_SECRET: secret,
      DOCUMENTS: documents,
    }),
  );
  waha.setWebhooks({ url: hosted.webhookUrl, key: webhookKey, delayMs: WEBHOOK_DELAY_MS });
  const client = new MongoClient(databaseUrl);
  const db = client.db();
  return {
    databaseUrl,
    waha,
    hosted,
    secret,
    seed: async (timing) => {
      const campaigns = sampleCampaigns(timing, documents);
      await insertSample(db, names, campaigns);
      return campaigns;
    },
    look: async () => ({
      names,
      messages: await db.collection<Stored>(names.messages.collection).find().toArray(),
      campaigns: await db.collection<Stored>(names.campaigns.collection).find().toArray(),
      ledger: waha.ledger,
      events: waha.events,
    }),
    close: async () => {
      await hosted.close(1_000);
      await Promise.all([closeDatabases(), client.close(), waha.stop()]);
      await mongod.stop();
    },
  };
}
