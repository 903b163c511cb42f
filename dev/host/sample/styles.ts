import { type Document, ObjectId } from "mongodb";

/** What an app wants to say of a message, before its library gives it a form. */
export interface Facts {
  campaignId?: unknown;
  chatId: string;
  content: string;
  scheduledAt: Date;
  isDeleted?: boolean;
}

/** How an app's library writes documents. */
export interface Style {
  /** An id of its kind; `hint` is only used where ids are words. */
  id(hint: string): unknown;
  message(id: unknown, facts: Facts): Document;
}

/** As apps with Prisma do: ids are strings, and every optional field is there, as null. */
export const prismaLike: Style = {
  id: (hint) => hint,
  message: (id, { campaignId = null, isDeleted = false, ...facts }) => ({
    _id: id,
    campaignId,
    sessionId: null,
    ...facts,
    isSent: false,
    isDeleted,
    isPicked: false,
    sentAt: null,
    delivery: null,
  }),
};

/** As apps with Mongoose do: ids are ObjectIds, and what is not set is not there. */
export const mongooseLike: Style = {
  id: () => new ObjectId(),
  message: (id, { isDeleted = false, ...facts }) => ({
    _id: id,
    ...facts,
    isSent: false,
    isDeleted,
    isPicked: false,
    __v: 0,
  }),
};

/** As happens where two programs write: the campaign has an ObjectId, its messages name it by a string. */
export const mixed: Style = {
  ...mongooseLike,
  message: (id, { campaignId, ...facts }) => ({
    ...mongooseLike.message(id, facts),
    ...(campaignId ? { campaignId: String(campaignId) } : {}),
  }),
};
