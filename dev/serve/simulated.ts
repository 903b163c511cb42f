import { MongoClient } from "mongodb";
import { addSeconds } from "../../lib/clock.ts";
import { MAPPINGS, type MappingName } from "../../lib/documents/mapping.ts";
import { counted } from "../../ops/format.ts";
import { DEFAULT_SESSION, sampleCampaigns } from "../host/sample/campaigns.ts";
import type { Timing } from "../host/sample/sample.ts";
import { SESSIONS, startSampleWaha } from "../host/sample/waha.ts";
import { insertSample } from "../host/sample/write.ts";
import { startMongod } from "../mongod/start.ts";

/** What the function runs on, real or simulated. */
export interface Backend {
  /** The function's settings. */
  env: NodeJS.ProcessEnv;
  /** What it runs on, for people. */
  lines: string[];
  /** The secret as a command shows it: itself where it opens nothing real, else the name of the variable. */
  shownSecret: string;
  /** Whether to call at once, or leave the first call to the schedule. */
  callAtOnce: boolean;
  /** Tells a simulated WAHA where the function takes its events. */
  listen(webhookUrl: string): void;
  /** Takes it down; gives a last line for people, if there is something to say. */
  stop(): Promise<string | undefined>;
}

/** No secrets: what they open is on this computer alone, and gone with this process. */
const SECRET = "dev-secret-not-a-secret";
const WAHA_KEY = "dev-key-not-a-secret";
const WEBHOOK_KEY = "dev-webhook-key-not-a-secret";

/** How long it takes at most until a message is delivered, or read. */
const WEBHOOK_DELAY_MS = 5_000;

/** How many messages of each campaign are due at once, and how far apart the others are. */
const DUE_AT_ONCE = 6;
const SECONDS_APART = 8;

/**
 * Starts an empty mongod and a simulated WAHA, and fills in the sample. Nothing of the environment gets into
 * the settings but the log's level, so nothing real can be reached.
 *
 * @param documents whose names the sample's documents have
 */
export async function simulate(env: NodeJS.ProcessEnv, documents: MappingName): Promise<Backend> {
  const names = MAPPINGS[documents];
  const mongod = await startMongod();
  const databaseUrl = mongod.url("dev");
  const waha = await startSampleWaha(WAHA_KEY);
  const client = new MongoClient(databaseUrl);
  const campaigns = sampleCampaigns(timing(new Date()), documents);
  await insertSample(client.db(), names, campaigns);
  const count = campaigns.flatMap(({ messages }) => messages).length;
  return {
    env: {
      DATABASE_URL: databaseUrl,
      WAHA_API_URL: waha.url,
      WAHA_API_KEY: WAHA_KEY,
      WAHA_WEBHOOK_KEY: WEBHOOK_KEY,
      CRON_SECRET: SECRET,
      DOCUMENTS: documents,
      WAHA_DEFAULT_SESSION: DEFAULT_SESSION,
      SEND_GAP_MS: "250",
      // The line of each call says what happened; the log adds which messages, as JSON.
      LOG_LEVEL: env.LOG_LEVEL ?? "error",
    },
    lines: [
      "Simulated: nothing leaves this computer, whatever your own settings are.",
      `  MongoDB         ${databaseUrl}`,
      `  WAHA simulator  ${waha.url}  (what it accepted: ${waha.url}/__simulator/ledger)`,
      `  its key         ${WAHA_KEY}`,
      `  documents       ${documents}: messages are in the collection ${names.messages.collection}`,
      `  sessions        ${tellSessions()}`,
      `  sample data     ${counted(count, "message")}, due over the next minutes`,
      "  log             errors only; LOG_LEVEL=info npm run dev shows it all",
    ],
    shownSecret: SECRET,
    callAtOnce: true,
    listen: (url) => waha.setWebhooks({ url, key: WEBHOOK_KEY, delayMs: WEBHOOK_DELAY_MS }),
    stop: async () => {
      const messages = client.db().collection(names.messages.collection);
      const sent = await messages.countDocuments({ isSent: true });
      const open = await messages.countDocuments({ "delivery.state": { $in: ["attempting", "unknown"] } });
      await Promise.all([client.close(), waha.stop()]);
      await mongod.stop();
      const awaiting = open > 0 ? `, ${open} without an answer would be looked up` : "";
      const marked = `In the database ${counted(sent, "message is", "messages are")} marked as sent`;
      return `WAHA accepted ${counted(waha.ledger.length, "message")}. ${marked}${awaiting}.`;
    },
  };
}

/** The sessions that work, by name, and the one that does not. */
function tellSessions(): string {
  const isOut = (session: (typeof SESSIONS)[number]) => "status" in session;
  const names = (sessions: readonly { name: string }[]) => sessions.map(({ name }) => name).join(", ");
  const working = SESSIONS.filter((session) => !isOut(session));
  return `${names(working)}; ${names(SESSIONS.filter(isOut))} is logged out`;
}

function timing(start: Date): Timing {
  const due = (place: number) => addSeconds(start, (place + 1 - DUE_AT_ONCE) * SECONDS_APART);
  return { due, blocked: due, tooLate: addSeconds(start, -10 * 60) };
}
