import type { Document } from "mongodb";
import { RECEIPTS, type Receipt } from "../../../lib/messages/message.ts";
import type { WebhookEntry } from "../../waha-simulator/ledger.ts";
import { Check, type Finding } from "./finding.ts";
import type { MessageStep, Round, Trail } from "./round.ts";
import { deliveryOf, stateOf } from "./steps.ts";

/** What each ack stands for. */
const OF_ACK = new Map<number, Receipt>([
  [-1, "refused"],
  [1, "server"],
  [2, "delivered"],
  [3, "read"],
  [4, "played"],
]);

/** GOWS tells of its own message once WhatsApp has it. */
function receiptIn({ ack, engine, event }: WebhookEntry): Receipt | undefined {
  const isAcknowledged = event === "message.any" && engine === "GOWS";
  return OF_ACK.get(ack) ?? (isAcknowledged ? "server" : undefined);
}

/** What WAHA told of each message, by session and id. */
type Told = Map<string, WebhookEntry[]>;

const keyOf = (session: unknown, id: unknown) => `${session} ${id}`;

/** -1: none, or what is none. */
const rankOf = (receipt: unknown) => RECEIPTS.indexOf(receipt as Receipt);

/**
 * A receipt never falls but with a new attempt, says what WAHA told of that very message, and nothing else than how the
 * message ends. What was taken up in time is not lost again.
 */
export function checkReceipts({ record, trails }: Round): Finding {
  const check = new Check("receipts");
  const told: Told = Map.groupBy(record.events, ({ session, id }) => keyOf(session, id));
  for (const trail of trails) {
    for (const step of trail.steps) {
      const wrong = whatFell(step) ?? whatWasNotTold(step, told, trail, check);
      if (wrong) check.violated(wrong, trail.label);
    }
    const wrong = whatEndsOtherwise(trail) ?? whatWasLost(trail, told);
    if (wrong) check.violated(wrong, trail.label);
  }
  return check;
}

function whatFell({ by, before, after }: MessageStep): string | undefined {
  const [was, is] = [deliveryOf(before).receipt, deliveryOf(after).receipt];
  if (by !== "scheduler" || rankOf(is) >= rankOf(was)) return undefined;
  const isIntent = stateOf(before) === "claimed" && stateOf(after) === "attempting";
  if (isIntent || (stateOf(after) === "claimed" && was !== "refused")) return undefined;
  return `its receipt fell from ${was} to ${is}`;
}

function whatWasNotTold(
  { by, before, after }: MessageStep,
  told: Told,
  { entries }: Trail,
  check: Check,
): string | undefined {
  const { receipt, session, waMessageId } = deliveryOf(after);
  if (by !== "scheduler" || receipt === undefined || receipt === deliveryOf(before).receipt) return undefined;
  check.covers();
  const events = told.get(keyOf(session, waMessageId)) ?? [];
  // A lookup may have found the refusal.
  const wasRefused = receipt === "refused" && entries.some(({ ack, id }) => id === waMessageId && ack === -1);
  return wasRefused || events.some((event) => receiptIn(event) === receipt)
    ? undefined
    : `its receipt is ${receipt}, of which WAHA told nothing`;
}

function whatEndsOtherwise({ entries, history }: Trail): string | undefined {
  const last = history.at(-1)?.document;
  const { error, receipt, waMessageId } = deliveryOf(last);
  if (receipt === undefined) return undefined;
  const state = stateOf(last);
  if (!entries.some(({ id }) => id === waMessageId))
    return `its receipt is ${receipt}, and WAHA never accepted it`;
  const isTold = state === "sent" && error?.code === "refused_after_accepting";
  // What an answer had called unsent may have been given back before.
  const isUnsent = ["failed", "released", "missed"].includes(state);
  const fits = receipt === "refused" ? isTold || isUnsent : state === "sent";
  return fits ? undefined : `its receipt is ${receipt}, and it ends as ${state}`;
}

/** Where its id was known from the intent on, and the app left `delivery` alone, the highest that was taken is there. */
function whatWasLost({ entries, history, steps }: Trail, told: Told): string | undefined {
  const { receipt, receiptsUntil, session, waMessageId } = deliveryOf(history.at(-1)?.document);
  const wasGiven = entries.some(({ givenId, id }) => id === waMessageId && givenId === id);
  if (!receiptsUntil || !wasGiven || steps.some(isMeddling)) return undefined;
  const taken = (told.get(keyOf(session, waMessageId)) ?? []).filter(({ status }) => status === 200);
  const highest = Math.max(-1, ...taken.map((event) => rankOf(receiptIn(event))));
  return rankOf(receipt) >= highest
    ? undefined
    : `its receipt is ${receipt}, and ${RECEIPTS[highest]} was taken up`;
}

function isMeddling({ by, before, after }: MessageStep): boolean {
  const parts = ({ receipt, waMessageId }: Document) => `${receipt} ${waMessageId}`;
  return by === "app" && before !== null && parts(deliveryOf(before)) !== parts(deliveryOf(after));
}
