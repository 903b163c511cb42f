import { MAPPINGS, type MappingName, MEDIA_KINDS, type MediaKind } from "../../../lib/documents/mapping.ts";
import type { Engine, SessionOptions, WahaSimulatorOptions } from "../../waha-simulator/options.ts";
import type { Random } from "../random.ts";
import { mediaKinds } from "../world/names.ts";
import type { Needs } from "./kills.ts";

/** Why a message is in the world; `world/documents.ts` says what each looks like. */
export const ROLES = [
  "due",
  "due-soon",
  "due-later",
  "late",
  "old",
  "deleted",
  "no-chat",
  "empty-text",
  "odd-text",
  "flag-missing",
  "date-as-text",
  "picked-elsewhere",
  "no-session",
  "orphan",
  "expired-claim",
  "uncertain",
  "reset-unknown",
] as const;
export type Role = (typeof ROLES)[number];

/** What WAHA meets at a file's address, by the first part of its path; mostly the file. */
const FILES = [
  ...["file", "file", "file", "file", "file", "file"],
  ...["404", "500", "refused", "unknown-host", "not-uploaded"],
] as const;

/** How an app may write a reference to a session: by its document's id, as that id's text, or by WAHA's name. */
export type ReferenceForm = "id" | "text" | "name";

export interface MessagePlan {
  role: Role;
  /** Which of the world's sessions; with a campaign it may be left to that. */
  session: number;
  ownSession: boolean;
  form: ReferenceForm;
  /** Which of the world's campaigns; undefined: none. */
  campaign: number | undefined;
  /** Where within its role's span of time, from 0 to 1. */
  moment: number;
  /** Bare digits instead of a full chat id. */
  bareChat: boolean;
  /** What kind of file it has, if any, and what WAHA meets at its address. */
  media: MediaKind | undefined;
  file: (typeof FILES)[number];
}

export interface CampaignPlan {
  session: number;
  form: ReferenceForm;
  status: "scheduled" | "paused" | undefined;
}

/** What is in the database when a round begins. */
export interface WorldPlan {
  campaigns: CampaignPlan[];
  messages: MessagePlan[];
  /** Outcomes have spoken against every session. */
  struck: boolean;
}

/** More messages that are too late than one batch of the sweep holds, so that its cursor must be asked for more. */
const CROWD = 520;

/** Plans what a round's function, WAHA and database are like at its beginning. */
export function planWorld(
  random: Random,
  needs: Needs,
  documents: MappingName,
): { settings: Record<string, string>; waha: WahaSimulatorOptions; world: WorldPlan } {
  const sessions = planSessions(random);
  const campaigns = Array.from({ length: random.int(4, 8) }, (_, index) =>
    planCampaign(random, index, sessions.length),
  );
  const kinds = mediaKinds(MAPPINGS[documents], MEDIA_KINDS);
  const plan = (role: Role) => planMessage(random, role, sessions.length, campaigns.length, kinds);
  const messages = planRoles(random).map(plan);
  if (needs.crowd) messages.push(...Array.from({ length: CROWD }, () => plan("late")));
  if (needs.nearlyOver) {
    messages.push({ ...plan("late"), campaign: campaigns.length });
    campaigns.push({ ...planCampaign(random, campaigns.length, sessions.length), status: "scheduled" });
  }
  return {
    settings: { ...planSettings(random, needs), DOCUMENTS: documents },
    waha: {
      version: random.chance(0.85) ? "2026.7.1" : "2024.10.8",
      refusalDelayMs: random.pick([5, 200]),
      sessions,
    },
    world: { campaigns, messages, struck: needs.struck },
  };
}

/**
 * Times of the protocol in seconds, a minute's pass made to last two to four. A pass that stays lasts longer, and its
 * tail is short: it is to see its leases renewed again and again.
 */
function planSettings(random: Random, needs: Needs): Record<string, string> {
  const stays = random.pick([false, false, true]) || needs.stays;
  const pass = Math.max(needs.leastPassSeconds, random.int(20, 40) / 10) + (stays ? 1 : 0);
  const tail = pass * (stays ? random.int(12, 18) : random.int(20, 30)) * 0.01;
  const patience = String(
    Math.max(needs.leastTimeoutMs, random.chance(0.3) ? random.int(700, 1800) : pass * 1000),
  );
  return {
    PASS_SECONDS: String(pass),
    TAIL_SECONDS: tail.toFixed(2),
    LOOKBACK_SECONDS: random.pick(["12", "30", "120", "120"]),
    RECONCILE_AFTER_SECONDS: random.pick(["0.3", "1", "4"]),
    UNKNOWN_AFTER_SECONDS: random.pick(["0.4", "2", "20"]),
    WAHA_TIMEOUT_MS: patience,
    WAHA_MEDIA_TIMEOUT_MS: patience,
    SESSION_CONCURRENCY: random.pick(["2", "4", "20", "20"]),
    SEND_GAP_MS: random.pick(["0", "0", "30"]),
    SEND_GAP_JITTER_MS: random.pick(["0", "0", "20"]),
    LOG_LEVEL: "silent",
    STAY_SECONDS: stays ? ((pass - tail) * 0.9).toFixed(2) : "0",
    ...needs.settings,
  };
}

/** All work but the last, which may be logged out. */
function planSessions(random: Random): SessionOptions[] {
  const count = random.int(5, 8);
  return Array.from({ length: count }, (_, index) => {
    const engine = random.pick<Engine>(["NOWEB", "NOWEB", "GOWS", "GOWS", "WEBJS"]);
    return {
      name: `account-${index}`,
      engine: index === 0 ? "GOWS" : engine,
      status: index === count - 1 ? random.pick(["SCAN_QR_CODE", "STOPPED", "WORKING"]) : "WORKING",
      latencyMs: random.pick([0, 5, 20, 60]),
      store: random.chance(0.8),
    };
  });
}

function planCampaign(random: Random, index: number, sessions: number): CampaignPlan {
  return {
    session: random.int(0, sessions - 1),
    form: random.pick(["id", "text", "name"]),
    status: random.pick(["scheduled", undefined, "scheduled", index === 0 ? undefined : "paused"]),
  };
}

/** Every role at least once, so that every step of a pass has something to do; most messages are just due. */
function planRoles(random: Random): Role[] {
  const more = Array.from({ length: random.int(40, 120) }, () =>
    random.pick<Role>(["due", "due", "due", "due-soon", "due-soon", random.pick(ROLES)]),
  );
  return [...ROLES, ...more];
}

/** What is over at once; the first campaign has only such messages, so that it ends while everything goes wrong. */
const OVER_SOON = new Set<Role>(["late", "no-chat", "empty-text"]);

/** Messages in whose content lies what they are for. */
const TEXTS = new Set<Role>(["empty-text", "odd-text"]);

function planMessage(
  random: Random,
  role: Role,
  sessions: number,
  campaigns: number,
  kinds: readonly MediaKind[],
): MessagePlan {
  const first = OVER_SOON.has(role) ? 0 : 1;
  const campaign = random.chance(0.8) ? random.int(first, campaigns - 1) : undefined;
  return {
    role,
    session: random.int(0, sessions - 1),
    ownSession: campaign === undefined || random.chance(0.3),
    form: random.pick(["id", "text", "name"]),
    campaign,
    moment: random.int(0, 1000) / 1000,
    bareChat: random.chance(0.2),
    media: random.chance(0.2) && !TEXTS.has(role) ? random.pick(kinds) : undefined,
    file: random.pick(FILES),
  };
}
