import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import type { LedgerEntry } from "../../waha-simulator/ledger.ts";
import type { ChaosMessage, RoundRecord } from "../record.ts";
import { ENDS } from "./campaign-counts.ts";
import { Check, type Finding } from "./finding.ts";
import { askedAgain, type Round, type Trail } from "./round.ts";
import { deliveryOf, stateOf } from "./steps.ts";

/** In the end the database says of each message what WAHA's ledger says, or that it does not know. */
export function checkAgrees({ record, trails }: Round): Finding {
  const check = new Check("agrees");
  for (const trail of trails) {
    const last = trail.history.at(-1)?.document;
    if (!last) continue;
    const isOurs = trail.steps.some(({ by }) => by === "scheduler");
    if (isOurs || trail.entries.length > 0) check.covers();
    const wrong = disagreement(trail, stateOf(last), record);
    if (wrong) check.violated(wrong, trail.label);
    for (const shown of wronglyShown(trail, last, record)) check.violated(shown, trail.label);
  }
  return check;
}

/** What the app's own screens show of a message that the scheduler has ended, where the app has fields for it. */
function wronglyShown({ steps }: Trail, last: ChaosMessage, { settings }: RoundRecord): string[] {
  if (MAPPINGS[settings.documents].messages.failed === null) return [];
  const state = stateOf(last);
  const ended = steps.findLast(({ before, after }) => stateOf(before) !== stateOf(after));
  if (ended?.by !== "scheduler" || !ENDS.some((end) => end === state)) return [];
  const { code, message } = deliveryOf(last).error ?? {};
  const reason = state === "sent" ? null : `${code}: ${message}`;
  const wrong: string[] = [];
  if (last.failed !== (state === "failed" || state === "missed"))
    wrong.push(`is ${state}, and for the app failed is ${last.failed}`);
  if (last.failedReason !== reason)
    wrong.push(`is ${state}, and for the app the reason is ${JSON.stringify(last.failedReason)}`);
  return wrong;
}

function disagreement(trail: Trail, state: string, record: RoundRecord): string | undefined {
  const { entries } = trail;
  if (state === "sent") {
    const isOurs = trail.steps.some(({ by, after }) => by === "scheduler" && stateOf(after) === "sent");
    return isOurs && entries.length === 0 ? "is sent, but WAHA never accepted it" : undefined;
  }
  if (state === "unknown") {
    const found = entries.find((entry) => canBeFound(entry, trail, record));
    return found && `is unknown, but WAHA accepted it as ${found.id}, and finds it by that id${hope(trail)}`;
  }
  const accepted = entries.find((entry) => !isOver(entry, trail, state));
  return accepted && `is ${state}, but WAHA accepted it (no. ${accepted.seq}, ack ${accepted.ack})`;
}

/** WhatsApp refused it, so it may have failed; and whatever followed when a person then asked again. */
function isOver({ ack, acceptedAt }: LedgerEntry, trail: Trail, state: string): boolean {
  if (ack !== -1) return false;
  return state === "failed" || askedAgain(trail, acceptedAt.getTime(), Number.POSITIVE_INFINITY);
}

function canBeFound(entry: LedgerEntry, trail: Trail, { lookupSessions }: RoundRecord): boolean {
  const { id, givenId, forgotten, ack, session } = entry;
  const { session: attemptedOn } = deliveryOf(trail.history.at(-1)?.document);
  return givenId === id && !forgotten && ack !== -1 && session === attemptedOn && lookupSessions.has(session);
}

function hope({ history }: Trail): string {
  return "nextLookupAt" in deliveryOf(history.at(-1)?.document) ? "" : " (it is not looked up any more)";
}
