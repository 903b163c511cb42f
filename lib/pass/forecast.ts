import { inBatches } from "../async.ts";
import { addSeconds } from "../clock.ts";
import { type Config, SWEPT_SECONDS } from "../config.ts";
import { shownId } from "../log.ts";
import { dueFilter, findDue, type Window, writableReferences } from "../messages/due.ts";
import type { MessageDocument } from "../messages/message.ts";
import { parseOutgoing } from "../messages/outgoing.ts";
import { findOverdue, type Overdue } from "../messages/overdue.ts";
import type { Database } from "../mongo/client.ts";
import { canBeWritten, documentKey, type Id } from "../mongo/ids.ts";
import { auditMessages, findAudited } from "../monitoring/audit.ts";
import { readLastPass } from "../monitoring/record.ts";
import { messageOf, type ProblemCode, type Reason, wordsOf } from "../problems.ts";
import { readLeases, type SessionLease } from "../sessions/leases.ts";
import { type References, type Route, routeAll, withoutHeld } from "../sessions/routing.ts";
import { chatRestriction, suspensionOf } from "../sessions/suspensions.ts";
import type { WahaSession } from "../waha/responses.ts";
import { missedReason } from "./sweep.ts";

/** What the next pass would make of a message. What waits stays due; what is left alone no pass touches. */
type Fate = "sent" | "failed" | "missed" | "waits" | "left alone";

/** A message, and what is foreseen of it. */
export interface Foreseen extends References {
  _id: Id;
  scheduledAt: Date | null;
  fate: Fate;
  /** Why it is not sent; undefined where it is, or where its campaign is on hold. */
  reason?: Reason;
  /** The WAHA session that it would go out on. */
  session?: string;
  /** It names a campaign that does not exist. */
  orphaned?: boolean;
}

/** How far a look goes. */
export interface ForecastLimits {
  /** So many messages of a kind are looked at. */
  most: number;
  /** After how long the database gives up one request, with an error. */
  maxTimeMS: number;
}

/** What is foreseen of many. */
export interface Forecast {
  messages: Foreseen[];
  /** There may be more than were looked at. */
  more: boolean;
}

/** How many messages are read before they are routed. */
const BATCH = 500;

/**
 * Foresees what becomes of the messages of a span of time once they are due, as a pass reads them, in their order.
 *
 * @param sessions WAHA's
 */
export async function foreseeDue(
  db: Database,
  config: Config,
  sessions: Map<string, WahaSession>,
  { window, now, most, maxTimeMS }: ForecastLimits & { window: Window; now: Date },
): Promise<Forecast> {
  const messages: Foreseen[] = [];
  const due = findDue(db, dueFilter(window, now), most).maxTimeMS(maxTimeMS).batchSize(BATCH);
  for await (const batch of inBatches(due, BATCH)) {
    const writable = batch.filter(({ _id }) => canBeWritten(_id));
    messages.push(...(await foreseeBatch(db, config, sessions, writable, now)));
  }
  return { messages, more: messages.length >= most };
}

async function foreseeBatch(
  db: Database,
  config: Config,
  sessions: Map<string, WahaSession>,
  batch: MessageDocument[],
  now: Date,
): Promise<Foreseen[]> {
  const groups = new Map<string, References>();
  const keys = batch.map((message) => {
    const references = writableReferences(message);
    const key = JSON.stringify([documentKey(references.sessionId), documentKey(references.campaignId)]);
    groups.set(key, references);
    return key;
  });
  const routes = await routeAll(db, [...groups.values()], sessions, config);
  const used = routes.flatMap((route) => ("session" in route ? [route.session.name] : []));
  const leases = await readLeases(db, [...new Set(used)]);
  const routeOf = new Map([...groups.keys()].map((key, place) => [key, routes[place]]));
  return batch.map((message, place) => {
    const key = keys[place] ?? "";
    const route = routeOf.get(key) as Route;
    const { _id, scheduledAt } = message;
    const { orphaned } = route;
    const fate = fateOf(db, message, route);
    const at = scheduledAt > now ? scheduledAt : now;
    const rest =
      "session" in route && fate.fate === "sent" ? restOf(route.session, leases, fate.chatId, at) : undefined;
    const { chatId, ...told } = fate;
    return {
      _id,
      scheduledAt,
      ...groups.get(key),
      orphaned,
      ...(rest ? { fate: "waits" as const, reason: rest } : told),
    };
  });
}

/** Why a session sends nothing to a chat at a moment, as far as is known by now. */
function restOf(
  session: WahaSession,
  leases: Map<string, SessionLease>,
  chatId: string | undefined,
  at: Date,
): Reason | undefined {
  const lease = leases.get(session.name);
  return (
    (lease && suspensionOf(lease, at)) ??
    (chatId === undefined ? undefined : chatRestriction(session, chatId, at))
  );
}

/** What a pass makes of a message that is due; the order is that of `deliver`. */
function fateOf(
  db: Database,
  message: MessageDocument,
  route: Route,
): Pick<Foreseen, "fate" | "reason" | "session"> & { chatId?: string } {
  if ("held" in route) return { fate: "left alone" };
  if ("blocked" in route) return { fate: "waits", reason: route.blocked };
  const { chatId, missing } = route.campaign?.chat ?? {};
  if (!message.chatId && missing) return { fate: "waits", reason: { code: "no_chat", detail: missing } };
  const parsed = parseOutgoing({ ...message, campaignChat: chatId }, db.documents.messages);
  if ("problem" in parsed)
    return { fate: "failed", reason: { code: "invalid_message", detail: parsed.problem } };
  return { fate: "sent", session: route.session.name, chatId: parsed.outgoing.chatId };
}

/** Foresees what becomes of what is past its window, or looks unsent although it may have been sent. */
export async function foreseeOverdue(
  db: Database,
  { LOOKBACK_SECONDS }: Config,
  { now, most, maxTimeMS }: ForecastLimits & { now: Date },
): Promise<Forecast> {
  const windowFrom = addSeconds(now, -LOOKBACK_SECONDS);
  const found = await findOverdue(db, windowFrom, now).limit(most).maxTimeMS(maxTimeMS).toArray();
  const overdue = found.filter(({ _id }) => canBeWritten(_id));
  const lastPass = await readLastPass(db, { maxTimeMS });
  const notHeld = new Set(await withoutHeld(db, overdue));
  const fate = (message: Overdue): Pick<Foreseen, "fate" | "reason"> => {
    if (message.mayBeSent) return { fate: "left alone", reason: { code: "flag_reset" } };
    if (!notHeld.has(message)) return { fate: "left alone" };
    return { fate: "missed", reason: missedReason(message, { lastPass, startedAt: now }, LOOKBACK_SECONDS) };
  };
  return {
    messages: overdue.map((message) => ({ ...message, ...fate(message) })),
    more: found.length >= most,
  };
}

/** Messages that the next pass would treat alike, and for the same reason. */
export interface ForecastRow {
  fate: Fate;
  code: ProblemCode | null;
  /** Why, in words. */
  message: string;
  /** The particulars of the reason, the first few. */
  details: string[];
  /** The WAHA session, of those that would be sent. */
  session: string | null;
  count: number;
  /** There may be more than were counted. */
  more: boolean;
  /** The first few. */
  ids: unknown[];
}

/** How many ids a row names. */
const SHOWN_IDS = 5;

/** How many of the details of a reason a row shows, and how much of each. */
const SHOWN_DETAILS = 5;
const MAX_DETAIL = 160;

/** Puts together what is foreseen alike. */
export function rowsOf({ messages, more }: Forecast): ForecastRow[] {
  const alike = Map.groupBy(messages, ({ fate, reason, session }) =>
    JSON.stringify([fate, reason?.code, session]),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { fate, reason, session = null } = first;
    const all = new Set(group.flatMap((each) => each.reason?.detail?.slice(0, MAX_DETAIL) ?? []));
    const details = [...all].slice(0, SHOWN_DETAILS);
    return {
      fate,
      code: reason?.code ?? null,
      message: reason ? wordsOf(reason.code) : WITHOUT_REASON[fate],
      details,
      session,
      count: group.length,
      more,
      ids: group.slice(0, SHOWN_IDS).map(({ _id }) => shownId(_id)),
    };
  });
}

const WITHOUT_REASON: Record<Fate, string> = {
  sent: "",
  failed: "",
  missed: "",
  waits: "",
  "left alone": "their campaign is on hold",
};

/**
 * Foresees the next pass over the database as it is: what would be sent, fail, be missed, wait, and be left alone. Changes
 * nothing.
 *
 * @param sessions WAHA's
 */
export async function foreseePass(
  db: Database,
  config: Config,
  sessions: Map<string, WahaSession>,
  limits: ForecastLimits & { now: Date },
): Promise<ForecastRow[]> {
  const { now } = limits;
  const window = { from: addSeconds(now, -config.LOOKBACK_SECONDS), to: now };
  const [due, overdue, unseen] = await Promise.all([
    foreseeDue(db, config, sessions, { ...limits, window }),
    foreseeOverdue(db, config, limits),
    foreseeUnseen(db, limits),
  ]);
  return [...rowsOf(due), ...rowsOf(overdue), ...unseen];
}

/** What no pass sees or touches. */
async function foreseeUnseen(
  db: Database,
  { maxTimeMS, now }: ForecastLimits & { now: Date },
): Promise<ForecastRow[]> {
  const leftAlone = addSeconds(now, -SWEPT_SECONDS);
  const found = await auditMessages(db, leftAlone, { maxTimeMS });
  return Promise.all(
    [...found].map(async ([code, { count, more }]) => {
      const ids = await findAudited(db, code, leftAlone, SHOWN_IDS, { maxTimeMS });
      return {
        fate: "left alone" as const,
        code,
        message: messageOf(code),
        details: [],
        session: null,
        count,
        more,
        ids: ids.map(shownId),
      };
    }),
  );
}
