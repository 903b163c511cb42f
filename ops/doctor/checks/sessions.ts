import { shownId } from "../../../lib/log.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { text } from "../../../lib/mongo/safe-fields.ts";
import { type Foreseen, rowsOf } from "../../../lib/pass/forecast.ts";
import type { ProblemCode } from "../../../lib/problems.ts";
import { SUSPENSION_CODES } from "../../../lib/sessions/leases.ts";
import type { SessionDocument } from "../../../lib/sessions/routing.ts";
import { findSuspensions, restrictedAmong, suspensionReason } from "../../../lib/sessions/suspensions.ts";
import type { WahaSession } from "../../../lib/waha/responses.ts";
import { counted, listed } from "../../format.ts";
import { type Finding, ofCode, ok, warning } from "../finding.ts";
import { LOOK_MS } from "../run-check.ts";

/** The most session documents that are looked at, which is more than there are phones. */
const MOST_SESSIONS = 10_000;

/** Checks the way of what is due within a day: that its campaigns exist. */
export function checkCampaigns(upcoming: Foreseen[]): Finding[] {
  if (upcoming.every(({ campaignId }) => !campaignId)) return [];
  const orphans = upcoming.filter(({ orphaned }) => orphaned);
  if (orphans.length === 0) return [ok("documents", "every campaign of a message due within a day exists")];
  const isStuck = orphans.some(({ reason }) => reason?.code === "campaign_not_found");
  const campaigns = listed([...new Set(orphans.map(({ campaignId }) => String(shownId(campaignId))))]);
  const about = `${counted(orphans.length, "message")}; campaigns ${campaigns}`;
  return [ofCode(isStuck ? "problem" : "warning", "documents", "campaign_not_found", about)];
}

/** Checks that what is due within a day can be sent as it stands. */
export function checkContents(upcoming: Foreseen[]): Finding[] {
  return rowsOf({ messages: upcoming.filter(({ fate }) => fate === "failed"), more: false }).map(
    ({ code, count, details, ids }) => {
      const about = `${counted(count, "message")} due within a day: ${listed(ids.map(String))}`;
      const finding = ofCode("problem", "documents", code ?? "invalid_message", about);
      return { ...finding, message: `${finding.message}: ${details.join("; ")}` };
    },
  );
}

/** Why messages wait that other checks tell of: their campaign, and sessions that rest. */
const TOLD_ELSEWHERE: ReadonlySet<ProblemCode> = new Set(["campaign_not_found", ...SUSPENSION_CODES]);

/** Checks that what is due within a day has a session that works, and a chat. */
export function checkRoutes(upcoming: Foreseen[]): Finding[] {
  const waiting = upcoming.filter(
    ({ fate, reason }) => fate === "waits" && reason && !TOLD_ELSEWHERE.has(reason.code),
  );
  const alike = Map.groupBy(waiting, ({ reason }) => `${reason?.code} ${reason?.detail}`);
  if (upcoming.length === 0) return [ok("sessions", "no message is due within a day")];
  if (alike.size === 0) return tellSound(upcoming);
  return [...alike.values()].flatMap((group) => {
    const reason = group[0]?.reason;
    if (!reason) return [];
    const due = `${counted(group.length, "message")} due within a day`;
    return [ofCode("problem", "sessions", reason.code, reason.detail ? `${reason.detail}; ${due}` : due)];
  });
}

/** Checks that the sessions of the app's collection are WAHA's. */
export async function checkSessionNames(
  db: Database,
  sessions: Map<string, WahaSession>,
): Promise<Finding[]> {
  const found = await db.sessions
    .find({}, { maxTimeMS: LOOK_MS })
    .limit(MOST_SESSIONS)
    .project<SessionDocument>({ name: text(db.documents.sessions.name) })
    .toArray();
  if (found.length === 0) return [ok("sessions", "no documents: a sessionId is taken for the name in WAHA")];
  const strangers = found.filter(({ name }) => typeof name !== "string" || !sessions.has(name));
  if (strangers.length === 0)
    return [ok("sessions", `${counted(found.length, "document")}, each with its session in WAHA`)];
  const names = strangers.map(({ _id, name }) =>
    typeof name === "string" ? `"${name}"` : `no name (_id ${shownId(_id)})`,
  );
  return [
    warning(
      "sessions",
      `${db.documents.sessions.collection} holds what WAHA does not know: ${listed(names)}`,
      `Compare ${db.documents.sessions.name} with WAHA's list letter by letter; delete what is no longer used`,
    ),
  ];
}

/** Whether campaigns on hold have a session that works is not looked at. */
function tellSound(upcoming: Foreseen[]): Finding[] {
  const held = upcoming.filter(({ fate }) => fate === "left alone").length;
  const stuck = upcoming.filter(({ fate }) => fate === "waits").length;
  const rest = upcoming.length - held - stuck;
  const of = stuck > 0 ? "every other message" : "every message";
  const sound = rest > 0 ? [ok("sessions", `${of} due within a day has a session that works`)] : [];
  const onHold = `of campaigns on hold, and left alone: ${counted(held, "message")} due within a day`;
  return held > 0 ? [ok("sessions", onHold), ...sound] : sound;
}

/** Tells of the sessions that rest, by what their outcomes were or by what WAHA says of their accounts. */
export async function checkSuspensions(
  db: Database,
  sessions: Map<string, WahaSession>,
  now: Date,
): Promise<Finding[]> {
  const resting = await findSuspensions(db, now, { maxTimeMS: LOOK_MS });
  return [...resting, ...restrictedAmong(sessions.values(), now)].map(({ code, session, until }) =>
    ofCode("warning", "sessions", code, suspensionReason(session, code, until).detail),
  );
}
