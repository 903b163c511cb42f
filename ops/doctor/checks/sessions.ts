import { shownId } from "../../../lib/log.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { text } from "../../../lib/mongo/safe-fields.ts";
import type { ProblemCode } from "../../../lib/problems.ts";
import type { SessionDocument } from "../../../lib/sessions/routing.ts";
import type { WahaSession } from "../../../lib/waha/responses.ts";
import { counted, listed } from "../../format.ts";
import { type Finding, ofCode, ok, warning } from "../finding.ts";
import { LOOK_MS } from "../run-check.ts";
import type { UpcomingGroup } from "../upcoming.ts";

/** The most session documents that are looked at, which is more than there are phones. */
const MOST_SESSIONS = 10_000;

/** Checks the way of what is due within a day: that its campaigns exist. */
export function checkCampaigns(upcoming: UpcomingGroup[]): Finding[] {
  const orphans = upcoming.filter(({ route }) => route.orphaned);
  if (upcoming.every(({ campaignId }) => !campaignId)) return [];
  if (orphans.length === 0) return [ok("documents", "every campaign of a message due within a day exists")];
  const stuck = orphans.filter(
    ({ route }) => "blocked" in route && route.blocked.code === "campaign_not_found",
  );
  const level = stuck.length > 0 ? "problem" : "warning";
  const campaigns = listed([...new Set(orphans.map(({ campaignId }) => String(shownId(campaignId))))]);
  const count = counted(messagesOf(orphans), "message");
  return [ofCode(level, "documents", "campaign_not_found", `${count}; campaigns ${campaigns}`)];
}

/** Checks that what is due within a day has a session that works. */
export function checkRoutes(upcoming: UpcomingGroup[]): Finding[] {
  const reasons = new Map<string, { code: ProblemCode; detail: string | undefined; count: number }>();
  for (const { route, times } of upcoming) {
    if (!("blocked" in route) || route.blocked.code === "campaign_not_found") continue;
    const { code, detail } = route.blocked;
    const reason = reasons.get(`${code} ${detail}`) ?? { code, detail, count: 0 };
    reason.count += times.length;
    reasons.set(`${code} ${detail}`, reason);
  }
  if (upcoming.length === 0) return [ok("sessions", "no message is due within a day")];
  if (reasons.size === 0) return [ok("sessions", tellSound(upcoming))];
  return [...reasons.values()].map(({ code, detail, count }) => {
    const waiting = `${counted(count, "message")} due within a day`;
    return ofCode("problem", "sessions", code, detail ? `${detail}; ${waiting}` : waiting);
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
function tellSound(upcoming: UpcomingGroup[]): string {
  const held = messagesOf(upcoming.filter(({ route }) => "held" in route));
  if (held === 0) return "every message due within a day has a session that works";
  const rest = held < messagesOf(upcoming) ? "; every other has a session that works" : "";
  return `of the messages due within a day ${held.toLocaleString("en")} ${held === 1 ? "is" : "are"} of campaigns on hold${rest}`;
}

function messagesOf(groups: UpcomingGroup[]): number {
  return groups.reduce((sum, { times }) => sum + times.length, 0);
}
