/** `npm run demo`: shows the scheduler at work on this computer, and checks what it did. */
import { styleText } from "node:util";
import { helpIfAsked } from "../../ops/program.ts";
import type { SampleCampaign } from "../host/sample/sample.ts";
import { SESSIONS } from "../host/sample/waha.ts";
import { findDifferences, type Seen } from "./check.ts";
import { readOptions, USAGE } from "./options.ts";
import { demoTiming, heading, play } from "./play.ts";
import { campaignTable, unsentReasons } from "./report.ts";
import { buildStage, type Stage } from "./stage.ts";

const HEAD =
  "This demo sends made-up WhatsApp messages: a real MongoDB, a simulated WAHA, and the\n" +
  "scheduler between them, all on this computer, in about ten seconds. Nothing leaves it;\n" +
  "your own settings are neither read nor changed.";

helpIfAsked(USAGE);
// So that the database's files go with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  const documents = readOptions(process.argv.slice(2));
  console.log(HEAD);
  if (documents !== "plain") console.log(`The documents are those of ${documents}.`);
  const stage = await buildStage(documents);
  process.exitCode = await perform(stage).finally(stage.close);
} catch (error) {
  console.error(`The demo could not be run. ${(error as Error).message}`);
  process.exitCode = 1;
}

async function perform(stage: Stage): Promise<number> {
  heading("Started");
  console.log(`  MongoDB        ${stage.databaseUrl}`);
  console.log(`  WAHA simulator ${stage.waha.url}`);
  console.log(`  the scheduler  ${stage.hosted.url}`);
  const campaigns = await stage.seed(demoTiming(new Date()));
  introduce(campaigns);
  const troubles = await play(stage, campaigns);
  const seen = await stage.look();
  heading("What became of each campaign");
  console.log(campaignTable(campaigns, seen));
  heading("Why messages were not sent, as the database says");
  for (const reason of unsentReasons(campaigns, seen)) console.log(indent(reason));
  return conclude(campaigns, seen, troubles);
}

function introduce(campaigns: SampleCampaign[]): void {
  const count = campaigns.flatMap(({ messages }) => messages).length;
  const real = campaigns.flatMap((campaign) => campaign.campaigns).length;
  const hasSingle = campaigns.some((campaign) => campaign.campaigns.length === 0);
  const sessions = SESSIONS.filter(({ name }) => campaigns.some(({ session }) => session === name));
  heading(
    `${count} messages in ${real} campaigns${hasSingle ? " and outside of any" : ""}, for ${sessions.length} WhatsApp sessions`,
  );
  console.log(`  sessions: ${sessions.map(({ name, engine }) => `${name} (${engine})`).join(", ")}`);
  console.log("  Some of it goes wrong on purpose:");
  console.log("  - the session depot is logged out: its QR code waits to be scanned");
  console.log("  - a phone number is malformed, and WhatsApp refuses a chat");
  console.log("  - an app deleted a message, wrote one too late, and put a campaign on hold");
  console.log("  - WAHA sends a message, but its answer is lost on the way back");
}

function conclude(campaigns: SampleCampaign[], seen: Seen, troubles: string[]): number {
  const differences = [...troubles, ...findDifferences(campaigns, seen)];
  if (differences.length > 0) {
    heading(styleText("red", "NOT as it should be:"));
    for (const difference of differences) console.log(`  ${difference}`);
    return 1;
  }
  const count = seen.ledger.length;
  heading(
    styleText("green", `${count} messages accepted by WAHA, each exactly once; ledger and database agree.`),
  );
  console.log("  The one whose answer was lost was known from what WAHA told of it, and not sent again.");
  heading("What next");
  console.log(
    "  npm run dev   serves the scheduler here, its cron ticking, with sample data or your own WAHA",
  );
  console.log("  docs/         says how to deploy it to Vercel, and how to run it on your own server");
  return 0;
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
