/**
 * The documents of whatsapp-waha-dashboard (https://github.com/jevil25/whatsapp-waha-dashboard), as its Prisma schema
 * names them. Its chats stand on the groups of its campaigns.
 */
export const DASHBOARD = {
  messages: {
    collection: "Message",
    campaignId: "MessageCampaignId",
    sessionId: "sessionId",
    chatId: null,
    content: "content",
    // The app's own scheduler sends the video where a message has both.
    media: [
      {
        kind: "video" as const,
        url: "videoUrl",
        when: "hasVideo",
        mimetype: "video/mp4",
        filename: "video.mp4",
        convert: true,
      },
      {
        kind: "image" as const,
        url: "imageUrl",
        when: "hasImage",
        mimetype: "image/jpeg",
        filename: "image.jpg",
      },
    ],
    failed: "isFailed",
    failedReason: "failedReason",
  },
  campaigns: {
    collection: "MessageCampaign",
    sessionId: "sessionId",
    chatId: null,
    groupId: "groupId",
    name: "title",
    status: "status",
    completed: "isCompleted",
    deleted: "isDeleted",
    sending: "IN_PROGRESS",
    completedWord: "COMPLETED",
    failedWord: "FAILED",
    hold: ["DRAFT", "CANCELLED"],
  },
  groups: { collection: "WhatsAppGroup", chatId: "groupId" },
  sessions: { collection: "WhatsAppSession", name: "sessionName" },
};
