import { type Document, ObjectId } from "mongodb";
import type { MappingName } from "../../../lib/documents/mapping.ts";
import type { Id } from "../../../lib/mongo/ids.ts";

/** How an app and its library write documents. */
export interface Style {
  /** An id of its kind; `hint` is only used where ids are words. */
  id(hint: string): Id;
  /** How a message names its campaign. */
  reference(id: Id): Id;
  /** How a session is named; the app keeps documents of them, or names WAHA's session itself. */
  sessionId(name: string): Id;
  keepsSessions: boolean;
  /** Every message and group names its session, too. */
  namesSessions: boolean;
  /** What stands in an optional field that is not set: null, or nothing at all. */
  unset: null | undefined;
  /** The status of a campaign whose time has not come. */
  newStatus: string;
  /** What else it writes on messages and campaigns. */
  extras: { message: Document; campaign: Document };
}

/** As apps with Prisma do: ids are strings, and every optional field is there, as null. */
const prisma: Style = {
  id: (hint) => hint,
  reference: (id) => id,
  sessionId: (name) => `ses_${name}`,
  keepsSessions: true,
  namesSessions: false,
  unset: null,
  newStatus: "scheduled",
  extras: { message: { sentAt: null, delivery: null }, campaign: { completedAt: null, delivery: null } },
};

const OBJECT_ID_BYTES = 12;

/** As apps with Mongoose do: ids are ObjectIds, and what is not set is not there. */
const mongoose: Style = {
  ...prisma,
  id: () => new ObjectId(),
  sessionId: (name) => new ObjectId(Buffer.alloc(OBJECT_ID_BYTES, name)),
  unset: undefined,
  newStatus: "active",
  extras: { message: { __v: 0 }, campaign: { __v: 0 } },
};

/** As happens where two programs write: the campaign has an ObjectId, its messages name it by a string. */
const mixed: Style = {
  ...mongoose,
  reference: String,
  sessionId: (name) => name,
  keepsSessions: false,
  newStatus: "scheduled",
};

/** As whatsapp-waha-dashboard does, with Prisma: an optional field that was never set is not there. */
const dashboard: Style = {
  ...prisma,
  namesSessions: true,
  unset: undefined,
  newStatus: "SCHEDULED",
  extras: {
    message: { retryCount: 0, maxRetries: 3, isEdited: false },
    campaign: { isEdited: false, isRecurring: false, timeZone: "Europe/London" },
  },
};

/** Who writes the sample: three apps on one database, or the one app that has names of its own. */
export const STYLES: Record<MappingName, Record<"prisma" | "mongoose" | "mixed", Style>> = {
  plain: { prisma, mongoose, mixed },
  "whatsapp-waha-dashboard": { prisma: dashboard, mongoose: dashboard, mixed: dashboard },
};
