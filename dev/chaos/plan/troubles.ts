import { GOWS_ERRORS, gowsError, NO_SESSIONS, WEBJS_ERRORS } from "../../waha-simulator/engine-errors.ts";
import type { FaultAction } from "../../waha-simulator/faults.ts";
import type { Random } from "../random.ts";
import { type Act, EDITS, type EditKind, type Event, type Side, type Trigger } from "./events.ts";
import type { Needs } from "./kills.ts";
import { planLongPosts, planRenewals } from "./renewals.ts";

/** How often the cron calls, on average; much more than once a pass, so that passes overlap. */
const CALL_EVERY_MS = 300;

/** What goes wrong in one round, and when. */
export function planTroubles(
  points: readonly string[],
  kills: Trigger[],
  needs: Needs,
  { failover, leaseMs }: { failover: boolean; leaseMs: number },
  random: Random,
): { triggers: Trigger[]; events: Event[]; stormMs: number } {
  const stormMs = random.int(6000, 9000);
  const triggers = [
    ...needs.triggers,
    ...kills,
    ...Array.from({ length: random.int(3, 6) }, () => planAct(random, points)),
    ...editsAtBadMoments(random),
    ...planRenewals(random, leaseMs),
  ];
  const events = [
    ...planCalls(random, stormMs),
    ...planEdits(random, stormMs),
    ...planLongPosts(random, leaseMs),
    ...planWahaFaults(random, stormMs),
    ...needs.faults.map((fault): Event => ({ type: "waha-fault", atMs: random.int(0, 1500), fault })),
    ...planIncidents(random, stormMs),
    ...planStepDowns(failover, random, stormMs),
  ].sort((a, b) => a.atMs - b.atMs);
  return { triggers, events, stormMs };
}

/** Codes with which a database in trouble answers: stepping down, shutting down, out of time, not allowed. */
const DATABASE_ERRORS = [11602, 91, 50, 13];

/** Where a reply that is lost, or a process that stands still, decides about a message: half of the acts are there. */
export const DECISIVE = [
  ...["claim", "read-claim", "intent", "intent-and-outcome", "outcome"],
  ...["sendText", "sendMedia", "take-leases", "renew-leases", "settle-campaigns"],
];

function planAct(random: Random, points: readonly string[]): Trigger {
  const point = random.pick(random.chance(0.5) ? DECISIVE : points);
  const act = random.pick<Act>([
    { type: "freeze", ms: random.int(1500, 5000) },
    { type: "freeze", ms: random.int(1500, 5000) },
    { type: "hold", ms: random.int(100, 2500) },
    { type: "break" },
    { type: "break" },
    { type: "refuse", code: random.pick(DATABASE_ERRORS) },
  ]);
  const side = act.type === "refuse" ? "before" : random.pick<Side>(["before", "after"]);
  return { point, side, nth: random.int(1, 4), act };
}

/** How many of a round's first claims and settlements of campaigns are met by an edit. */
const EDITED_CLAIMS = 4;
const EDITED_SETTLEMENTS = 8;

/**
 * Between a look and the claim that rests on it, between a claim and its intents, and between a count and its
 * settlement: there long enough for another pass to send what the count did not see.
 */
function editsAtBadMoments(random: Random): Trigger[] {
  const kinds: EditKind[] = [
    "delete",
    "move-later",
    "new-text",
    "new-file",
    "new-chat",
    "new-session",
    "write-back",
  ];
  const edits = (count: number, point: string, side: Side, act: () => Omit<Act & { type: "edit" }, "type">) =>
    Array.from({ length: count }, (_, place): Trigger => {
      return { point, side, nth: place + 1, act: { type: "edit", ...act() } };
    });
  return [
    ...edits(EDITED_CLAIMS, "claim", "before", () => ({
      kind: random.pick(["delete", "move-later"]),
      thenMs: 0,
    })),
    ...edits(random.int(4, 8), "read-claim", "after", () => ({ kind: random.pick(kinds), thenMs: 0 })),
    ...edits(EDITED_SETTLEMENTS, "settle-campaigns", "before", () => ({
      kind: "add-message",
      thenMs: random.int(700, 1600),
    })),
  ];
}

/** Every now and then, at times doubled, at times left out, at times by a function whose clock is wrong. */
function planCalls(random: Random, stormMs: number): Event[] {
  const calls: Event[] = [];
  const skewMs = () => (random.chance(0.2) ? random.int(-300_000, 300_000) : random.int(-50, 50));
  for (let at = 0; at < stormMs; at += random.int(CALL_EVERY_MS / 2, CALL_EVERY_MS * 1.5)) {
    if (at > 0 && random.chance(0.1)) continue;
    calls.push({ type: "call", atMs: at, skewMs: skewMs() });
    if (random.chance(0.2)) calls.push({ type: "call", atMs: at, skewMs: skewMs() });
  }
  return calls;
}

/** New messages all the time, so that there is always something to send, and edits of every kind between them. */
function planEdits(random: Random, stormMs: number): Event[] {
  const edit = (kind: EditKind): Event => ({ type: "edit", atMs: random.int(0, stormMs), kind });
  return [
    ...Array.from({ length: random.int(8, 25) }, () => edit(random.pick(EDITS))),
    ...Array.from({ length: random.int(10, 20) }, () => edit("add-message")),
  ];
}

/** The requests that WAHA answers badly: mostly texts, of which there are most. */
const ROUTES = [...Array<"sendText">(6).fill("sendText"), ...(["sendImage", "sendVideo", "any"] as const)];

/** Answers of every kind that docs/errors.md tells apart, and some that are not to be expected. */
function planWahaFaults(random: Random, stormMs: number): Event[] {
  const actions: FaultAction[] = [
    { type: "sendLate", ms: random.int(600, 1700) },
    { type: "resetAfter" },
    redirect(random.pick([301, 302, 307, 308])),
    ...Array.from({ length: random.int(4, 9) }, () => planWahaFault(random)),
  ];
  const faults = [
    ...actions.map((action) => ({
      match: { route: random.pick(ROUTES) },
      action,
      times: random.pick([1, 1, 2, 4]),
    })),
    // To the engine whose words they would be; often, as receipts put most of what is wrong by then right.
    { match: { route: "sendText", session: "account-0" } as const, action: quote(random), times: 4 },
  ];
  // Soon enough to meet a pass.
  const atMs = () => random.int(0, Math.floor(stormMs * 0.6));
  return faults.map((fault) => ({ type: "waha-fault", atMs: atMs(), fault }));
}

const NAMES = Object.keys(GOWS_ERRORS) as (keyof typeof GOWS_ERRORS)[];
const UNSENT_BY_GOWS = NAMES.filter(
  (name) => GOWS_ERRORS[name].proves === "unsent" && name !== "notUploaded",
);
const UNPROVEN_BY_GOWS = NAMES.filter((name) => GOWS_ERRORS[name].proves === "nothing");

/** Words that prove something where they stand alone. */
const QUOTED = [
  "server returned error 429",
  "2 UNKNOWN: server returned error 463",
  "no LID found for 4917",
  "2 UNKNOWN: failed to get device list",
];

/** The words of a refusal, quoted from the message's own text: WAHA may have sent it. */
function quote(random: Random): FaultAction {
  const words = random.pick(QUOTED);
  const message = random.pick([`2 UNKNOWN: can't send "${words}"`, `Evaluation failed: ${words}`]);
  return { type: "exception", message, after: true };
}

const GARBAGE = '<html>{"error": [1, nul';

function planWahaFault(random: Random): FaultAction {
  const status = (code: number, body: object | string = "", after = false): FaultAction => ({
    type: "status",
    status: code,
    body,
    after,
  });
  return random.pick<() => FaultAction>([
    () => ({ type: "resetBefore" }),
    () => ({ type: "resetAfter" }),
    () => ({ type: "resetMidAnswer" }),
    () => ({ type: "hangBefore" }),
    () => ({ type: "hangAfter" }),
    () => ({ type: "delay", ms: random.int(50, 2000) }),
    () => ({ type: "sendLate", ms: random.int(500, 4000) }),
    () => ({ type: "error500Before" }),
    () => ({ type: "error500After" }),
    () => ({ type: "gowsRefusal", code: random.pick([400, 403, 479]) }),
    () => ({ type: "gowsRefusal", code: random.pick([420, 429, 463, 475]) }),
    () => gowsError(random.pick(UNSENT_BY_GOWS)),
    () => gowsError(random.pick(UNPROVEN_BY_GOWS), { after: random.chance(0.5) }),
    () => ({ type: "exception", message: random.pick(WEBJS_ERRORS), after: random.chance(0.5) }),
    () => NO_SESSIONS,
    () => quote(random),
    () => ({ type: "rewrite201", status: random.pick([200, 202]) }),
    () => status(403, { statusCode: 403, message: "Forbidden resource", error: "Forbidden" }),
    () => status(403, GARBAGE, random.chance(0.5)),
    () => status(405),
    () => status(413, GARBAGE),
    () => status(404, { statusCode: 404, message: "Cannot POST /api/sendText", error: "Not Found" }),
    () => ({ ...status(429), headers: { "retry-after": random.pick(["0", "1", "2"]) } }),
    () => status(429, "", random.chance(0.5)),
    () => ({ ...status(random.pick([521, 523]), GARBAGE), headers: { server: "cloudflare" } }),
    () => ({ ...status(random.pick([520, 522, 524]), GARBAGE, true), headers: { server: "cloudflare" } }),
    () => ({ type: "empty201" }),
    () => ({ type: "wrongId" }),
    () => ({ type: "ackError" }),
    () => ({ type: "forget" }),
    () => status(400, { statusCode: 400, message: "Bad Request" }),
    () => status(422, { error: "Session status is not as expected. Try again later" }),
    () => status(422, { message: "something else" }, random.chance(0.5)),
    () => status(422, { message: `it says "Session status is not as expected"` }, true),
    () => status(404, { error: { message: "ENOENT: no such file" } }, random.chance(0.5)),
    () => status(random.pick([502, 503, 504]), GARBAGE, random.chance(0.5)),
    () => status(201, GARBAGE, true),
    () => status(200, GARBAGE, random.chance(0.5)),
    () => ({ type: "status", status: random.pick([200, 500]), bytes: 9_000_000, after: random.chance(0.5) }),
  ])();
}

/** Its `location` is filled in when the round knows the address to which no request may go. */
function redirect(status: number): FaultAction {
  return { type: "status", status, headers: { location: "" } };
}

function planIncidents(random: Random, stormMs: number): Event[] {
  const atMs = () => random.int(0, stormMs - 1000);
  const forMs = () => random.int(300, 2000);
  const incidents: Event[] = [];
  if (random.chance(0.5)) {
    const status = random.pick(["STOPPED", "FAILED", "SCAN_QR_CODE"]);
    incidents.push({ type: "session-status", session: 1, status, atMs: atMs(), forMs: forMs() });
  }
  if (random.chance(0.2)) incidents.push({ type: "key-changes", atMs: atMs(), forMs: forMs() });
  if (random.chance(0.25)) incidents.push({ type: "waha-away", atMs: atMs(), forMs: forMs() });
  if (random.chance(0.5)) incidents.push(throttled(random, random.int(0, stormMs / 2)));
  return incidents;
}

/** WhatsApp throttles the account that has most to send: it rests, and passes that come meanwhile are to leave it alone. */
function throttled(random: Random, atMs: number): Event {
  const match = { route: "sendText", session: "account-0" } as const;
  const action: FaultAction = { type: "gowsRefusal", code: random.pick([420, 429]) };
  return { type: "waha-fault", atMs, fault: { match, action, times: 1 } };
}

function planStepDowns(failover: boolean, random: Random, stormMs: number): Event[] {
  const count = failover ? random.int(1, 2) : 0;
  return Array.from({ length: count }, () => ({ type: "step-down", atMs: random.int(500, stormMs - 1000) }));
}
