import { MAPPINGS, type MappingName } from "../../../lib/documents/mapping.ts";
import { CHATS, CUSTOMERS, FILES, GROUPS, PATIENTS, phoneOf } from "./people.ts";
import type { CampaignPlan, SampleCampaign, Timing } from "./sample.ts";
import { STYLES } from "./styles.ts";
import { LOST_ANSWER_CHAT, UNKNOWN_NUMBER_CHAT } from "./waha.ts";
import { writeCampaign } from "./write.ts";

/** Messages that name neither session nor campaign go out on this one (WAHA_DEFAULT_SESSION). */
export const DEFAULT_SESSION = "shop";

/**
 * Makes the sample: campaigns of several apps in several states, each message with its expected end.
 *
 * @param documents whose names the documents have
 */
export function sampleCampaigns(timing: Timing, documents: MappingName): SampleCampaign[] {
  const { mixed, mongoose, prisma } = STYLES[documents];
  const plans = [
    { style: prisma, plan: springSale(timing) },
    { style: mongoose, plan: reminders(timing) },
    { style: mixed, plan: training(timing) },
    { style: prisma, plan: deliveries(timing) },
    { style: prisma, plan: preview(timing) },
    { style: mongoose, plan: singleMessages(timing) },
  ];
  return plans.map(({ style, plan }) => writeCampaign(MAPPINGS[documents], style, plan));
}

function springSale({ due }: Timing): CampaignPlan {
  const text = (name: string) => `Hi ${name}, our spring sale starts today: 20 % off until Sunday.`;
  // The first customers get the flyer and the film of the shop with it.
  const files = [FILES.flyer, FILES.film];
  const last = CUSTOMERS.length;
  return {
    name: "Spring sale",
    hint: "spring-sale",
    session: "shop",
    messages: [
      ...CUSTOMERS.map((name, place) => ({
        chatId: phoneOf(place),
        content: text(name),
        scheduledAt: due(place),
        media: files[place],
      })),
      {
        chatId: "+44 7700 900 142",
        content: text("Yusuf"),
        scheduledAt: due(last),
        expected: { end: "failed", code: "invalid_message" },
      },
      { chatId: LOST_ANSWER_CHAT, content: text("Zoe"), scheduledAt: due(last + 1) },
    ],
  };
}

function reminders({ due, tooLate }: Timing): CampaignPlan {
  const text = (name: string) => `Dear ${name}, this is a reminder of your appointment tomorrow at 10:30.`;
  const last = PATIENTS.length;
  return {
    name: "Reminders",
    hint: "reminders",
    session: "doctor",
    messages: [
      ...PATIENTS.map((name, place) => ({
        chatId: phoneOf(100 + place),
        content: text(name),
        scheduledAt: due(place),
      })),
      {
        chatId: UNKNOWN_NUMBER_CHAT,
        content: text("Mr Quill"),
        scheduledAt: due(last),
        expected: { end: "failed", code: "number_not_found" },
      },
      {
        chatId: phoneOf(190),
        content: text("Ms Reed"),
        scheduledAt: due(last + 1),
        isDeleted: true,
        expected: { end: "untouched", why: "its app deleted it before its time came" },
      },
      {
        chatId: phoneOf(191),
        content: text("Mrs Stone"),
        scheduledAt: tooLate,
        expected: { end: "missed", code: "too_old_at_first_pass" },
      },
    ],
  };
}

function training({ due }: Timing): CampaignPlan {
  return {
    name: "Training",
    hint: "training",
    session: "club",
    messages: GROUPS.map(({ name, chatId }, place) => ({
      chatId,
      content: `${name}: training is at 18:00 this week, hall 2.`,
      scheduledAt: due(place),
      media: name === "Coaches" ? FILES.plan : undefined,
    })),
  };
}

function deliveries({ blocked }: Timing): CampaignPlan {
  return {
    name: "Deliveries",
    hint: "deliveries",
    session: "depot",
    messages: CUSTOMERS.slice(0, 4).map((name, place) => ({
      chatId: phoneOf(place),
      content: `Hi ${name}, your parcel comes today.`,
      scheduledAt: blocked(place),
      expected: { end: "missed", code: "session_not_working" },
    })),
  };
}

function preview({ due }: Timing): CampaignPlan {
  return {
    name: "Preview",
    hint: "preview",
    session: "shop",
    isOnHold: true,
    messages: CUSTOMERS.slice(0, 5).map((name, place) => ({
      chatId: phoneOf(place),
      content: `Hi ${name}, a first look at our summer.`,
      scheduledAt: due(place),
      expected: { end: "untouched", why: "its campaign is on hold" },
    })),
  };
}

function singleMessages({ due }: Timing): CampaignPlan {
  return {
    name: null,
    hint: "single",
    session: DEFAULT_SESSION,
    messages: CHATS.map(({ written, arrivesAt, content }, place) => ({
      chatId: written,
      content,
      // Half a place later, so that no two messages of the session share a moment.
      scheduledAt: due(place + 0.5),
      expected: { end: "sent", session: DEFAULT_SESSION, chatId: arrivesAt },
    })),
  };
}
