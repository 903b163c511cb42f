import { MongoClient } from "mongodb";
import { addSeconds } from "../../lib/clock.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { addPass, type Minute } from "../../lib/monitoring/history/minutes.ts";
import { PassStats } from "../../lib/pass/stats.ts";
import { phoneOf } from "../host/sample/people.ts";
import type { CampaignPlan } from "../host/sample/sample.ts";
import { STYLES } from "../host/sample/styles.ts";
import { insertSample, writeCampaign } from "../host/sample/write.ts";

/** How many messages the campaign has that is running when the picture is taken, all due at once. */
const MESSAGES = 200;

/** How many minutes of an ordinary day there were before. */
const HISTORY_MINUTES = 59;

/** Writes the campaign of which the picture tells, and a morning before it, to the database of a simulated world. */
export async function fillWorld(databaseUrl: string, now: Date): Promise<void> {
  const client = new MongoClient(databaseUrl);
  try {
    const db = client.db();
    await db.collection<Minute>("scheduler").bulkWrite(morning(now));
    const { plain } = MAPPINGS;
    await insertSample(db, plain, [writeCampaign(plain, STYLES.plain.mixed, news(now))]);
  } finally {
    await client.close();
  }
}

function news(now: Date): CampaignPlan {
  return {
    name: "Autumn programme",
    hint: "autumn-news",
    session: "doctor",
    messages: Array.from({ length: MESSAGES }, (_, place) => ({
      chatId: phoneOf(300 + place),
      content: "Our autumn programme is here.",
      scheduledAt: now,
    })),
  };
}

/** The minutes before, as passes would have counted them: quiet, then a campaign, with a refusal now and then. */
function morning(now: Date) {
  return Array.from({ length: HISTORY_MINUTES }, (_, place) => {
    const stats = new PassStats();
    const wave = Math.max(0, Math.sin(((place - 8) / 26) * Math.PI));
    const sent = Math.round(4 + (place % 5) + wave * 46 + (place % 3) * wave * 5);
    for (let n = 0; n < sent; n += 1) stats.sent((4 + ((n * 7 + place * 3) % 26) + wave * 14) * 1000);
    if (place % 17 === 11) stats.add("failed", 2);
    if (place >= 24 && place <= 26) stats.add("missed", 5);
    const summary = stats.summary("", now, 0);
    const at = addSeconds(now, (place - HISTORY_MINUTES) * 60);
    return addPass(at, summary, stats.latenessHistogram());
  });
}
