import type { Document } from "mongodb";
import type { Mapping, MessageNames } from "../../lib/documents/mapping.ts";
import { documentKey } from "../../lib/mongo/ids.ts";
import { counted } from "../../ops/format.ts";
import type { Expected, SampleCampaign, SampleMessage, Stored } from "../host/sample/sample.ts";
import type { LedgerEntry, WebhookEntry } from "../waha-simulator/ledger.ts";

/** What is there when all is over. */
export interface Seen {
  /** Whose names the documents have. */
  names: Mapping;
  messages: Stored[];
  campaigns: Stored[];
  /** What WAHA accepted, as WAHA tells it. */
  ledger: readonly LedgerEntry[];
  /** What WAHA told of these since. */
  events: readonly WebhookEntry[];
}

/**
 * Compares what should have happened with what the database says, and both with what WAHA accepted.
 *
 * @returns every difference, in plain words; none if all is as it should be
 */
export function findDifferences(campaigns: SampleCampaign[], seen: Seen): string[] {
  const messages = new Map(seen.messages.map((message) => [documentKey(message._id), message]));
  const unexplained = new Set(seen.ledger);
  const differences: string[] = [];
  for (const campaign of campaigns) {
    for (const planned of campaign.messages) {
      const accepted = acceptedOf(planned, seen.ledger);
      for (const entry of accepted) unexplained.delete(entry);
      const message = messages.get(documentKey(planned.document._id));
      const found = message
        ? [
            ...judge(planned, message, accepted),
            ...judgeReceipt(message, accepted, seen.events),
            ...judgeOwnFields(seen.names.messages, planned, message),
          ]
        : ["it is no longer in the database"];
      differences.push(...found.map((difference) => `${labelOf(campaign, planned)}: ${difference}`));
    }
    differences.push(...judgeCampaign(campaign, seen));
  }
  for (const { session, chatId } of unexplained)
    differences.push(
      `WAHA accepted a message from ${session} to ${chatId} that was not to be sent like that`,
    );
  return [...differences, ...judgeOrder(campaigns, seen.ledger)];
}

function acceptedOf(
  { chatId, content, expected }: SampleMessage,
  ledger: readonly LedgerEntry[],
): LedgerEntry[] {
  const arrivesAt = expected.end === "sent" ? expected.chatId : chatId;
  return ledger.filter((entry) => entry.chatId === arrivesAt && entry.text === content);
}

function judge({ expected, media }: SampleMessage, message: Document, accepted: LedgerEntry[]): string[] {
  const times = expected.end === "sent" ? 1 : 0;
  const differences: string[] = [];
  if (accepted.length !== times)
    differences.push(`WAHA accepted it ${counted(accepted.length, "time")} instead of ${times}`);
  const shouldBe = stateOf(expected);
  const is = describeState(message);
  if (is !== shouldBe) differences.push(`the database says "${is}" instead of "${shouldBe}"`);
  const [entry] = accepted;
  if (expected.end !== "sent" || !entry) return differences;
  if (entry.session !== expected.session)
    differences.push(`it went out on ${entry.session} instead of ${expected.session}`);
  const posted = describeContent(entry);
  const shouldPost = describeContent(media ?? { kind: "text" });
  if (posted !== shouldPost) differences.push(`it went out as ${posted} instead of ${shouldPost}`);
  if (message.delivery?.waMessageId !== entry.id)
    differences.push("the database and WAHA know it by different ids");
  if (!message.sentAt) differences.push("the database does not say when it was sent");
  return differences;
}

/** The receipts by their rank, and the ack that stands for each. */
const RECEIPTS = ["server", "refused", "delivered", "read", "played"];
const RANK_OF_ACK: Record<number, number> = { 1: 0, [-1]: 1, 2: 2, 3: 3, 4: 4 };

/** GOWS tells of its own message once WhatsApp's server has it. */
function rankOf({ ack, engine, event }: WebhookEntry): number {
  return RANK_OF_ACK[ack] ?? (event === "message.any" && engine === "GOWS" ? 0 : -1);
}

/** The highest that WAHA told. On WEBJS an event may come before the answer that brings the message's id. */
function judgeReceipt(
  { delivery }: Document,
  [entry]: LedgerEntry[],
  events: readonly WebhookEntry[],
): string[] {
  const told = events.filter(({ id }) => id === entry?.id).map(rankOf);
  const highest = RECEIPTS[Math.max(-1, ...told)];
  const is = delivery?.receipt;
  return is === highest || (is === undefined && highest === "server")
    ? []
    : [`its receipt is ${is} instead of ${highest}`];
}

function describeContent({ kind, url }: { kind: string; url?: string }): string {
  return [kind, url].filter(Boolean).join(" ");
}

/** The app's own fields, where it has some: its screens show that a message failed, and why. */
function judgeOwnFields(
  { failed, failedReason }: MessageNames,
  { expected }: SampleMessage,
  message: Document,
): string[] {
  const code = expected.end === "failed" || expected.end === "missed" ? expected.code : undefined;
  const differences: string[] = [];
  if (failed !== null && message[failed] !== (code !== undefined))
    differences.push(`${failed} is ${message[failed]}`);
  if (failedReason === null) return differences;
  const reason: unknown = message[failedReason] ?? null;
  const fits = code ? String(reason).startsWith(`${code}: `) : reason === null;
  return fits ? differences : [...differences, `${failedReason} is ${JSON.stringify(reason)}`];
}

function stateOf(expected: Expected): string {
  switch (expected.end) {
    case "sent":
      return "sent";
    case "untouched":
      return "not sent";
    default:
      return `not sent, ${expected.end}, ${expected.code}`;
  }
}

function describeState({ isSent, delivery }: Document): string {
  const flag = isSent ? "sent" : "not sent";
  if (!delivery || (isSent && delivery.state === "sent")) return flag;
  return [flag, delivery.state, delivery.error?.code].filter(Boolean).join(", ");
}

function judgeCampaign({ name, campaigns }: SampleCampaign, { names, ...seen }: Seen): string[] {
  const { completed, completedWord, status } = names.campaigns;
  return campaigns.flatMap(({ document, endStatus }) => {
    const found = seen.campaigns.find(({ _id }) => documentKey(_id) === documentKey(document._id));
    const is = found?.[status];
    if (is !== endStatus) return [`${name}: its status is ${is} instead of ${endStatus}`];
    if (completed === null || found?.[completed] === (is === completedWord)) return [];
    return [`${name}: its status is ${is}, and ${completed} is ${found?.[completed]}`];
  });
}

/** One at a time on each session, and in the order in which they fell due. */
function judgeOrder(campaigns: SampleCampaign[], ledger: readonly LedgerEntry[]): string[] {
  const dueAt = new Map<LedgerEntry, Date>();
  for (const planned of campaigns.flatMap(({ messages }) => messages))
    for (const entry of acceptedOf(planned, ledger)) dueAt.set(entry, planned.scheduledAt);
  return [...Map.groupBy(ledger, ({ session }) => session)].flatMap(([session, entries]) => {
    const inOrder = entries.every((entry, index) => {
      const before = entries[index - 1];
      return !before || (dueAt.get(before) ?? 0) <= (dueAt.get(entry) ?? 0);
    });
    const oneByOne = entries.every(({ concurrent }) => concurrent === 1);
    return [
      ...(inOrder ? [] : [`${session}: its messages did not go out in the order in which they fell due`]),
      ...(oneByOne ? [] : [`${session}: a message went out while another was under way`]),
    ];
  });
}

function labelOf({ name }: SampleCampaign, { chatId }: SampleMessage): string {
  return `${name}, message to ${chatId}`;
}
