import { type Db, type Document, ObjectId } from "mongodb";
import { CHATS, CUSTOMERS, GROUPS, PATIENTS, phoneOf } from "./people.ts";
import type { SampleCampaign, Timing } from "./sample.ts";
import { mixed, mongooseLike, prismaLike } from "./styles.ts";
import { LOST_ANSWER_CHAT, REFUSED_CHAT } from "./waha.ts";
import { campaign, writer } from "./write.ts";

/** The session documents of the apps; `club` has none, its campaign names WAHA's session itself. */
const SESSION_DOCUMENTS: Document[] = [
  { _id: "ses_shop", name: "shop", createdAt: new Date("2026-01-12T09:00:00Z") },
  { _id: new ObjectId("66f0c0ffee0000000000a001"), name: "doctor", __v: 0 },
  { _id: "ses_depot", name: "depot", createdAt: new Date("2026-02-03T09:00:00Z") },
];

/** Messages that name neither session nor campaign go out on this one (WAHA_DEFAULT_SESSION). */
export const DEFAULT_SESSION = "shop";

/** Makes the sample: campaigns of several apps in several states, each message with its expected end. */
export function sampleCampaigns(timing: Timing): SampleCampaign[] {
  return [
    springSale(timing),
    reminders(timing),
    training(timing),
    deliveries(timing),
    preview(timing),
    singleMessages(timing),
  ];
}

function springSale({ due }: Timing): SampleCampaign {
  const write = writer(prismaLike, "spring-sale", "shop");
  const text = (name: string) => `Hi ${name}, our spring sale starts today: 20 % off until Sunday.`;
  const messages = CUSTOMERS.map((name, place) =>
    write({ chatId: phoneOf(place), content: text(name), scheduledAt: due(place) }),
  );
  const last = CUSTOMERS.length;
  messages.push(
    write(
      { chatId: "+44 7700 900 142", content: text("Yusuf"), scheduledAt: due(last) },
      { end: "failed", code: "invalid_message" },
    ),
    write({ chatId: LOST_ANSWER_CHAT, content: text("Zoe"), scheduledAt: due(last + 1) }),
  );
  return campaign("Spring sale", "shop", messages, "completed_with_failures", {
    _id: "spring-sale",
    sessionId: "ses_shop",
    status: "scheduled",
    completedAt: null,
    delivery: null,
  });
}

function reminders({ due, tooLate }: Timing): SampleCampaign {
  const campaignId = new ObjectId();
  const write = writer(mongooseLike, campaignId, "doctor");
  const text = (name: string) => `Dear ${name}, this is a reminder of your appointment tomorrow at 10:30.`;
  const messages = PATIENTS.map((name, place) =>
    write({ chatId: phoneOf(100 + place), content: text(name), scheduledAt: due(place) }),
  );
  const last = PATIENTS.length;
  messages.push(
    write(
      { chatId: REFUSED_CHAT, content: text("Mr Quill"), scheduledAt: due(last) },
      { end: "failed", code: "whatsapp_refused" },
    ),
    write(
      { chatId: phoneOf(190), content: text("Ms Reed"), scheduledAt: due(last + 1), isDeleted: true },
      { end: "untouched", why: "its app deleted it before its time came" },
    ),
    write(
      { chatId: phoneOf(191), content: text("Mrs Stone"), scheduledAt: tooLate },
      { end: "missed", code: "window_closed" },
    ),
  );
  return campaign("Reminders", "doctor", messages, "completed_with_failures", {
    _id: campaignId,
    sessionId: new ObjectId("66f0c0ffee0000000000a001"),
    status: "active",
    __v: 0,
  });
}

function training({ due }: Timing): SampleCampaign {
  const campaignId = new ObjectId();
  const write = writer(mixed, campaignId, "club");
  const messages = GROUPS.map(({ name, chatId }, place) =>
    write({ chatId, content: `${name}: training is at 18:00 this week, hall 2.`, scheduledAt: due(place) }),
  );
  return campaign("Training", "club", messages, "completed", {
    _id: campaignId,
    sessionId: "club",
    status: "scheduled",
  });
}

function deliveries({ blocked }: Timing): SampleCampaign {
  const write = writer(prismaLike, "deliveries", "depot");
  const messages = CUSTOMERS.slice(0, 4).map((name, place) =>
    write(
      {
        chatId: phoneOf(place),
        content: `Hi ${name}, your parcel comes today.`,
        scheduledAt: blocked(place),
      },
      { end: "missed", code: "session_not_working" },
    ),
  );
  return campaign("Deliveries", "depot", messages, "completed_with_failures", {
    _id: "deliveries",
    sessionId: "ses_depot",
    status: "scheduled",
    completedAt: null,
    delivery: null,
  });
}

function preview({ due }: Timing): SampleCampaign {
  const write = writer(prismaLike, "preview", "shop");
  const messages = CUSTOMERS.slice(0, 5).map((name, place) =>
    write(
      { chatId: phoneOf(place), content: `Hi ${name}, a first look at our summer.`, scheduledAt: due(place) },
      { end: "untouched", why: "its campaign is paused" },
    ),
  );
  return campaign("Preview", "shop", messages, "paused", {
    _id: "preview",
    sessionId: "ses_shop",
    status: "paused",
    completedAt: null,
    delivery: null,
  });
}

function singleMessages({ due }: Timing): SampleCampaign {
  const write = writer(mongooseLike, undefined, DEFAULT_SESSION);
  const messages = CHATS.map(({ written, arrivesAt, content }, place) =>
    // Half a place later, so that no two messages of the session share a moment.
    write(
      { chatId: written, content, scheduledAt: due(place + 0.5) },
      { end: "sent", session: DEFAULT_SESSION, chatId: arrivesAt },
    ),
  );
  return { name: "(none)", session: DEFAULT_SESSION, messages };
}

/** Writes the sample to an empty database, as the apps would have. */
export async function insertSample(db: Db, campaigns: SampleCampaign[]): Promise<void> {
  const documents = campaigns.flatMap(({ document }) => document ?? []);
  const messages = campaigns.flatMap((campaign) => campaign.messages.map(({ document }) => document));
  await db.collection<Document>("sessions").insertMany(SESSION_DOCUMENTS);
  await db.collection<Document>("campaigns").insertMany(documents);
  await db.collection<Document>("messages").insertMany(messages);
}
