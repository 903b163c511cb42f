import { describe, expect, test } from "vitest";
import type { DatabaseRequest, RequestFate } from "../../dev/chaos/database/intercept.ts";
import { beforeIntent } from "../support/before-intent.ts";
import {
  CAMPAIGN_STATES,
  dashboardStatus,
  dashboardWorld,
  MESSAGE_STATES,
  withImage,
  withVideo,
} from "../support/dashboard.ts";
import { proxyBefore, Watcher } from "../support/database-proxy.ts";
import { ago, createWorld } from "../support/world.ts";

const texts = (world: Awaited<ReturnType<typeof dashboardWorld>>) =>
  world.waha.ledger.map(({ chatId, session, text }) => ({ chatId, session, text }));

test("a message goes to its campaign's group or contact, on the session's WAHA name, and its campaign is completed", async () => {
  const world = await dashboardWorld({ sessions: [{ name: "team phone" }] });
  const sessionId = await world.session({ sessionName: "team phone" });
  const group = await world.campaign(sessionId);
  const contact = await world.campaign(sessionId, {}, { groupId: "491701234567@c.us" });
  const first = await world.message(group, { content: "to the group", scheduledAt: ago(20) });
  await world.message(contact, { content: "to the contact" });

  expect(await world.pass()).toMatchObject({ ok: true, sent: 2, campaignsCompleted: 2, errors: [] });

  expect(texts(world)).toEqual([
    { chatId: group.chatId, session: "team phone", text: "to the group" },
    { chatId: "491701234567@c.us", session: "team phone", text: "to the contact" },
  ]);
  expect(await world.find(first)).toMatchObject({
    isSent: true,
    isPicked: true,
    isFailed: false,
    failedReason: null,
    sentAt: expect.any(Date),
  });
  expect(await world.campaigns.findOne({ _id: group.campaignId as never })).toMatchObject({
    status: "COMPLETED",
    isCompleted: true,
  });
});

describe("of the states of a campaign", () => {
  const SENT = ["scheduled", "inProgress", "completed", "failed", "recurring", "untitled"] as const;
  const HELD = ["draft", "cancelled", "deleted"] as const;

  test.each(SENT)("one that is %s has what is due sent", async (state) => {
    const world = await dashboardWorld();
    const campaign = await world.campaign(await world.session(), CAMPAIGN_STATES[state]);
    await world.message(campaign);
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
  });

  test.each(HELD)("one that is %s is left alone, and so are its messages", async (state) => {
    const world = await dashboardWorld();
    const campaign = await world.campaign(await world.session(), CAMPAIGN_STATES[state]);
    const ids = [await world.message(campaign), await world.message(campaign, { scheduledAt: ago(600) })];
    const before = await Promise.all(ids.map((id) => world.find(id)));
    const campaigns = await world.campaigns.find().toArray();
    expect(await world.pass()).toMatchObject({ ok: true, claimed: 0, missed: 0, errors: [] });
    expect(await Promise.all(ids.map((id) => world.find(id)))).toEqual(before);
    expect(await world.campaigns.find().toArray()).toEqual(campaigns);
  });
});

test("only a message that is due and that nothing has picked, sent or deleted is sent", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  for (const [content, state] of Object.entries(MESSAGE_STATES))
    await world.message(campaign, { content, ...state });
  await world.pass();
  expect(texts(world).map(({ text }) => text)).toEqual(["due"]);
});

test("a recurring campaign stays in progress while messages are to come", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session(), CAMPAIGN_STATES.recurring);
  await world.message(campaign);
  await world.message(campaign, { scheduledAt: ago(-7 * 86_400) });
  expect(await world.pass()).toMatchObject({ sent: 1, campaignsCompleted: 0 });
  expect(await world.campaigns.findOne({})).toMatchObject({ status: "IN_PROGRESS", isCompleted: false });
});

test("a campaign with a failure is FAILED, and its message says why in words on the app's own fields", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  const [bad, good] = [await world.message(campaign, { content: " " }), await world.message(campaign)];
  expect(await world.pass()).toMatchObject({ sent: 1, failed: 1, campaignsCompleted: 1 });
  expect(await world.find(bad)).toMatchObject({
    isFailed: true,
    failedReason: expect.stringMatching(/^invalid_message: .*content is empty/),
  });
  expect(await world.find(good)).toMatchObject({ isFailed: false });
  expect(await world.campaigns.findOne({})).toMatchObject({ status: "FAILED", isCompleted: false });
});

test("a missed message is failed for the app, and one that is asked for again and sent is not any more", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  const id = await world.message(campaign, { scheduledAt: ago(600) });
  await world.pass();
  expect(await world.find(id)).toMatchObject({
    isFailed: true,
    failedReason: expect.stringMatching(/^(too_old_at_first_pass|window_closed|no_pass_in_time): /),
    delivery: { state: "missed" },
  });
  await world.messages.updateOne({ _id: id as never }, { $set: { isPicked: false, scheduledAt: ago(1) } });
  expect(await world.pass()).toMatchObject({ sent: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true, isFailed: false, failedReason: null });
});

test("an unknown message shows its reason and not that it failed, which would invite a second send", async () => {
  const world = await dashboardWorld({ engine: "WEBJS" });
  const campaign = await world.campaign(await world.session());
  const id = await world.message(campaign);
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "resetAfter" } });
  expect(await world.pass()).toMatchObject({ unknown: 1 });
  expect(await world.find(id)).toMatchObject({
    isFailed: false,
    failedReason: expect.stringMatching(/^waha_connection_lost: /),
    delivery: { state: "unknown" },
  });
});

describe("what is missing on the way to a chat is told by the document that lacks it", () => {
  test.each([
    [
      "a group that does not exist",
      { groupId: "gone" },
      {},
      "document of MessageCampaign names one of WhatsAppGroup that does not exist",
    ],
    ["a campaign without a group", { groupId: null }, {}, "document of MessageCampaign has no groupId"],
    ["a group without a chat", {}, { groupId: "" }, "document of WhatsAppGroup has no groupId"],
  ])("%s", async (_name, fields, group, words) => {
    const world = await dashboardWorld();
    const campaign = await world.campaign(await world.session(), fields, group);
    const id = await world.message(campaign);
    expect(await world.pass()).toMatchObject({
      ok: false,
      claimed: 0,
      errors: [{ code: "no_chat", count: 1 }],
    });
    expect((await world.find(id)).delivery).toMatchObject({
      state: "released",
      error: { code: "no_chat", message: expect.stringContaining(words) },
    });
  });

  test("a group that does not exist, where messages may have chats of their own", async () => {
    const DOCUMENTS = JSON.stringify({
      campaigns: { groupId: "groupId" },
      groups: { collection: "groups", chatId: "chat" },
    });
    const world = await createWorld({}, { DOCUMENTS });
    await world.campaigns.insertOne({ _id: "c" as never, groupId: "gone" });
    const [own, none] = await world.insert(
      { campaignId: "c" },
      { campaignId: "c", chatId: null },
      { content: "of no campaign" },
    );
    expect(await world.pass()).toMatchObject({ ok: false, sent: 2, released: 1, failed: 0, more: true });
    expect((await world.find(own)).delivery.state).toBe("sent");
    const words = "its document of campaigns names one of groups that does not exist";
    expect(await world.find(none)).toMatchObject({
      isPicked: false,
      delivery: {
        state: "released",
        attempts: 0,
        error: { code: "no_chat", message: expect.stringContaining(words) },
      },
    });
    await world.db.collection("groups").insertOne({ _id: "gone" as never, chat: "120363099999999999@g.us" });
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
  });

  test("a campaign that does not exist", async () => {
    const world = await dashboardWorld();
    await world.message({ sessionId: await world.session(), campaignId: "gone" });
    const { claimed, errors, ok } = await world.pass();
    expect({ claimed, errors, ok }).toMatchObject({
      claimed: 0,
      errors: [{ code: "campaign_not_found", count: 1 }],
      ok: false,
    });
  });

  test("a message of no campaign", async () => {
    const world = await dashboardWorld();
    await world.message({ sessionId: await world.session(), campaignId: null });
    const { errors } = await world.pass();
    expect(errors).toMatchObject([
      { code: "no_chat", message: expect.stringContaining("MessageCampaignId") },
    ]);
  });
});

describe("what is missing on the way to a session is told by the document that lacks it", () => {
  test.each([
    [
      "a session without a name",
      { sessionName: null },
      {},
      "its document of WhatsAppSession has no sessionName",
    ],
    [
      "a session that does not exist",
      {},
      { sessionId: "gone" },
      '("gone" is neither a document of WhatsAppSession nor a session in WAHA, which has ',
    ],
    [
      "a campaign's that does not exist",
      { _id: "gone" },
      { sessionId: null },
      '("gone", which its document of MessageCampaign names, is neither a document of WhatsAppSession',
    ],
    ["a session that WAHA does not have", { sessionName: "old phone" }, {}, "(old phone)"],
  ])("%s", async (_name, session, message, words) => {
    const world = await dashboardWorld();
    const campaign = await world.campaign(await world.session(session));
    await world.sessions.deleteOne({ _id: "gone" as never });
    const id = await world.message(campaign, message);
    await world.pass();
    expect((await world.find(id)).delivery).toMatchObject({
      state: "released",
      error: { code: "session_not_found", message: expect.stringContaining(words) },
    });
  });
});

test.each([
  ["a number", 491701234567, "not a string"],
  ["a text that is far too long", "1".repeat(600), "not a WhatsApp chat"],
])("a group whose chat is %s fails its messages, and says why", async (_name, groupId, words) => {
  const world = await dashboardWorld();
  const id = await world.message(await world.campaign(await world.session(), {}, { groupId }));
  expect(await world.pass()).toMatchObject({ ok: false, failed: 1, released: 0 });
  expect((await world.find(id)).delivery).toMatchObject({
    state: "failed",
    error: { code: "invalid_message", message: expect.stringContaining(words) },
  });
});

test("a POST carries the chat as at its claim", async () => {
  const world = await dashboardWorld({ engine: "GOWS" });
  const campaign = await world.campaign(await world.session());
  const id = await world.message(campaign);
  await beforeIntent(world, () =>
    world.groups.updateOne({}, { $set: { groupId: "120363099999999999@g.us" } }),
  );
  expect(await world.pass()).toMatchObject({ sent: 1 });
  expect(world.waha.ledger).toMatchObject([{ chatId: campaign.chatId }]);
  expect((await world.find(id)).delivery.chatId).toBe(campaign.chatId);
});

describe("a campaign that changes while its message is claimed has the claim given back, unposted:", () => {
  test.each([
    ["it is cancelled", { status: "CANCELLED" }],
    ["it is deleted", { isDeleted: true }],
    ["it names another session", { sessionId: "another" }],
    ["it names another group", { groupId: "another" }],
  ])("%s", async (_name, $set) => {
    const world = await dashboardWorld();
    const { campaignId } = await world.campaign(await world.session());
    const id = await world.message({ sessionId: null, campaignId });
    const onRequest = async ({ point }: DatabaseRequest): Promise<RequestFate> => {
      if (point === "claim") await world.campaigns.updateOne({}, { $set });
      return "forward";
    };
    const proxy = await proxyBefore(world.database.url, new Watcher({ onRequest }));
    world.env.DATABASE_URL = proxy.url(world.db.databaseName, "pass");
    const { claimed, errors, sent } = await world.pass();
    expect({ claimed, sent }).toEqual({ claimed: 1, sent: 0 });
    expect(errors).toContainEqual(expect.objectContaining({ code: "message_changed", count: 1 }));
    expect(world.waha.ledger).toEqual([]);
    expect(await world.find(id)).toMatchObject({ isPicked: false, delivery: { state: "released" } });
  });
});

test("pictures and videos go out with their captions, as the app's own scheduler posts them", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  await world.message(campaign, {
    content: "a picture",
    scheduledAt: ago(20),
    ...withImage("https://files.test/a.jpg"),
  });
  await world.message(campaign, {
    content: "both",
    ...withImage("https://files.test/a.jpg"),
    ...withVideo("https://files.test/a.mp4"),
  });
  const { errors, sent } = await world.pass();
  expect({ errors, sent }).toEqual({ errors: [], sent: 2 });
  const { chatId } = campaign;
  expect(world.waha.ledger).toEqual([
    expect.objectContaining({
      chatId,
      kind: "image",
      text: "a picture",
      url: "https://files.test/a.jpg",
      mimetype: "image/jpeg",
      filename: "image.jpg",
    }),
    expect.objectContaining({
      chatId,
      kind: "video",
      text: "both",
      url: "https://files.test/a.mp4",
      mimetype: "video/mp4",
      filename: "video.mp4",
      convert: true,
      asNote: false,
    }),
  ]);
});

test("stories are left alone", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  await world.statuses.insertOne(dashboardStatus(campaign.sessionId, "story") as never);
  const before = await world.statuses.find().toArray();
  await world.message(campaign);
  expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
  expect(await world.statuses.find().toArray()).toEqual(before);
});
