import type { Document } from "mongodb";
import { expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { CAMPAIGN_INDEXES } from "../../lib/campaigns.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { expectServedByIndexes, recordCommands } from "../support/commands.ts";
import { type DashboardWorld, dashboardMessage, dashboardWorld } from "../support/dashboard.ts";
import { readStatus } from "../support/status.ts";
import { ago } from "../support/world.ts";

const of = (sessionId: string, campaignId: unknown, count: number, fields: (n: number) => Document) =>
  Array.from({ length: count }, (_, n) => dashboardMessage(sessionId, campaignId, fields(n)));

/** Thousands of messages that no pass should ever look at, with and without a campaign, and the indexes. */
async function fill(world: DashboardWorld): Promise<{ sessionId: string; campaignId: string }> {
  await world.messages.createIndexes(messageIndexes(MAPPINGS["whatsapp-waha-dashboard"].messages));
  await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
  const sessionId = await world.session();
  const { campaignId } = await world.campaign(sessionId);
  const sent = (n: number) => ({
    isSent: true,
    isPicked: true,
    scheduledAt: ago(9000 + n),
    sentAt: ago(9000 + n),
    delivery: { state: "sent", settledAt: ago(9000 + n) },
  });
  const later = (n: number) => ({ scheduledAt: ago(-9000 - n) });
  const withoutCampaign = of(sessionId, null, 500, sent).map(({ MessageCampaignId: _, ...rest }) => rest);
  await world.messages.insertMany([
    ...of(sessionId, campaignId, 2000, sent),
    ...of(sessionId, null, 500, sent),
    ...withoutCampaign,
    ...of(sessionId, campaignId, 500, later),
    ...of(sessionId, null, 500, later),
  ]);
  return { sessionId, campaignId };
}

test("with the dashboard's documents no command of a pass or the status page scans a collection", async () => {
  const world = await dashboardWorld();
  const old = await fill(world);
  const { sessionId } = old;
  const live = await world.campaign(sessionId);
  const deleted = await world.campaign(sessionId, { isDeleted: true });
  const claimed = { state: "claimed", passId: "dead", claimedAt: ago(90), claimExpiresAt: ago(40) };
  await world.message(live);
  await world.message(live, { content: "" });
  await world.message(live, { scheduledAt: ago(300) });
  await world.message(live, { isPicked: true, delivery: claimed });
  await world.message(deleted);
  await world.message(old, { scheduledAt: ago(300) });
  await world.message({ sessionId, campaignId: "gone" });
  const commands = recordCommands(world);
  const summary = await world.pass();
  expect(summary).toMatchObject({ sent: 2, failed: 1, missed: 2, rescued: 1 });
  await world.pass();
  const { campaigns } = await readStatus(world);
  expect(campaigns?.shown).toMatchObject([{ counts: { left: 500 } }]);
  await backgroundDone();
  const queries = commands.filter(({ name }) => ["find", "aggregate", "update"].includes(name));
  expect(queries.length).toBeGreaterThan(20);
  await expectServedByIndexes(world, queries);
});
