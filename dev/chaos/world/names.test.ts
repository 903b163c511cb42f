import { describe, expect, test } from "vitest";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import { collectionOf, fromApp, partOf, toApp } from "./names.ts";

const DASHBOARD = MAPPINGS["whatsapp-waha-dashboard"];

const message = {
  _id: "a",
  label: "m1",
  campaignId: "c",
  sessionId: "s",
  content: "m1 v0",
  media: { kind: "image" as const, url: "https://files.example.com/1" },
  isSent: false,
};

describe("the names of whatsapp-waha-dashboard", () => {
  test("are given to a message, which has no chat of its own", () => {
    expect(toApp("messages", { ...message, chatId: "4915@c.us" }, DASHBOARD)).toEqual({
      _id: "a",
      label: "m1",
      MessageCampaignId: "c",
      sessionId: "s",
      content: "m1 v0",
      hasVideo: false,
      videoUrl: null,
      hasImage: true,
      imageUrl: "https://files.example.com/1",
      isSent: false,
    });
  });

  test("are read back as they were written", () => {
    expect(fromApp("messages", toApp("messages", message, DASHBOARD), DASHBOARD)).toEqual(message);
    const text = { ...message, media: undefined };
    expect(fromApp("messages", toApp("messages", text, DASHBOARD), DASHBOARD)).not.toHaveProperty("media");
    const shown = { isFailed: true, failedReason: "x: y" };
    expect(fromApp("messages", shown, DASHBOARD)).toEqual({ failed: true, failedReason: "x: y" });
  });

  test.each([
    ["sending", "IN_PROGRESS"],
    ["completed", "COMPLETED"],
    ["completed_with_failures", "FAILED"],
    ["cancelled", "CANCELLED"],
    ["scheduled", "scheduled"],
  ])("have a word for %s", (own, word) => {
    const campaign = { groupId: "g", status: own, completed: false, deleted: false };
    const stored = { groupId: "g", status: word, isCompleted: false, isDeleted: false };
    expect(toApp("campaigns", campaign, DASHBOARD)).toEqual(stored);
    expect(fromApp("campaigns", stored, DASHBOARD)).toEqual(campaign);
  });

  test("tell a group's chat from a campaign's group", () => {
    expect(toApp("groups", { chatId: "1@g.us" }, DASHBOARD)).toEqual({ groupId: "1@g.us" });
    expect(fromApp("groups", { groupId: "1@g.us" }, DASHBOARD)).toEqual({ chatId: "1@g.us" });
  });
});

test("plain documents have the harness's own names", () => {
  expect(toApp("messages", message, MAPPINGS.plain)).toEqual(message);
  expect(fromApp("messages", message, MAPPINGS.plain)).toEqual(message);
  expect(collectionOf("groups", MAPPINGS.plain)).toBeUndefined();
});

test("a collection is known by its name in either app", () => {
  expect([partOf("Message"), partOf("messages"), partOf("WhatsAppGroup"), partOf("users")]).toEqual([
    "messages",
    "messages",
    "groups",
    undefined,
  ]);
});
