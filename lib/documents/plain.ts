/** The documents as this project's own pages describe them. */
export const PLAIN = {
  messages: {
    collection: "messages",
    campaignId: "campaignId",
    sessionId: "sessionId",
    chatId: "chatId",
    content: "content",
    media: "media",
    failed: null,
    failedReason: null,
  },
  campaigns: {
    collection: "campaigns",
    sessionId: "sessionId",
    chatId: null,
    groupId: null,
    name: "name",
    status: "status",
    completed: null,
    deleted: null,
    sending: "sending",
    completedWord: "completed",
    failedWord: "completed_with_failures",
    hold: ["paused", "cancelled"],
  },
  groups: null,
  sessions: { collection: "sessions", name: "name" },
};
