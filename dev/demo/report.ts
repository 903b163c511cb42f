import type { Document } from "mongodb";
import { documentKey } from "../../lib/mongo/ids.ts";
import type { SampleCampaign, SampleMessage } from "../host/sample/sample.ts";
import { textTable } from "../host/table.ts";
import type { Seen } from "./check.ts";

/** How many recipients of one reason are named. */
const NAMED = 3;

/** A table of what became of each campaign, from the database. */
export function campaignTable(campaigns: SampleCampaign[], seen: Seen): string {
  const head = ["Campaign", "Session", "Sent", "Delivered", "Read", "Unsent", "Status"];
  const rows = campaigns.map((campaign) => {
    const messages = campaign.messages.map((planned) => messageOf(planned, seen));
    const sent = messages.filter((message) => endOf(message) === "sent");
    const reached = (receipts: string[]) =>
      sent.filter((message) => receipts.includes(message?.delivery?.receipt)).length;
    const figures = [
      sent.length,
      reached(["delivered", "read", "played"]),
      reached(["read", "played"]),
      messages.length - sent.length,
    ];
    return [
      campaign.name,
      campaign.session,
      ...figures.map((figure) => figure || ""),
      statusOf(campaign, seen),
    ];
  });
  return textTable(head, rows, [0, 1, 6]);
}

/** Why each unsent message was not sent, those with one reason together. */
export function unsentReasons(campaigns: SampleCampaign[], seen: Seen): string[] {
  return campaigns.flatMap(({ name, messages }) => {
    const unsent = messages
      .map((planned) => ({ planned, message: messageOf(planned, seen) }))
      .filter(({ message }) => endOf(message) !== "sent");
    const byReason = Map.groupBy(unsent, ({ planned, message }) => reasonOf(planned, message));
    return [...byReason].map(([reason, group]) => {
      const recipients = group.map(({ planned }) => planned.chatId);
      return `${name}, to ${listOf(recipients)} (${endOf(group[0]?.message)}):\n  ${reason}`;
    });
  });
}

function messageOf({ document }: SampleMessage, { messages }: Seen): Document | undefined {
  const key = documentKey(document._id);
  return messages.find(({ _id }) => documentKey(_id) === key);
}

function endOf(message: Document | undefined): string {
  return message?.isSent ? "sent" : (message?.delivery?.state ?? "left alone");
}

function reasonOf({ expected }: SampleMessage, message: Document | undefined): string {
  return message?.delivery?.error?.message ?? (expected.end === "untouched" ? expected.why : "unknown");
}

/** The status of its one document, or how many have which, a line for each. */
function statusOf({ campaigns: own }: SampleCampaign, { campaigns, names }: Seen): string {
  const keys = new Set(own.map(({ document }) => documentKey(document._id)));
  const found = campaigns.filter(({ _id }) => keys.has(documentKey(_id)));
  const byStatus = Map.groupBy(found, (campaign) => String(campaign[names.campaigns.status]));
  return [...byStatus]
    .map(([status, alike]) => (found.length === 1 ? status : `${alike.length} ${status}`))
    .join("\n");
}

function listOf(recipients: string[]): string {
  const named = recipients.slice(0, NAMED).join(", ");
  return recipients.length > NAMED ? `${named} and ${recipients.length - NAMED} more` : named;
}
