import { type SystemClock, systemClock } from "../../lib/clock.ts";
import { type Config, MOVED_SETTINGS } from "../../lib/config.ts";
import { checkCollections } from "./checks/collections.ts";
import { checkDatabase, type DatabaseExam } from "./checks/database.ts";
import { checkDocuments } from "./checks/documents.ts";
import { checkIndexes } from "./checks/indexes.ts";
import { checkNextPass } from "./checks/next-pass.ts";
import { checkPacing } from "./checks/pacing.ts";
import { checkPasses } from "./checks/passes.ts";
import {
  checkCampaigns,
  checkContents,
  checkRoutes,
  checkSessionNames,
  checkSuspensions,
} from "./checks/sessions.ts";
import { checkSettings } from "./checks/settings.ts";
import { checkUnmapped } from "./checks/unmapped.ts";
import { checkVercel, type Vercel } from "./checks/vercel.ts";
import { checkWaha, type WahaExam } from "./checks/waha.ts";
import { checkWebhooks } from "./checks/webhooks.ts";
import { type CheckName, type Finding, notChecked } from "./finding.ts";
import { runCheck } from "./run-check.ts";
import { lookAhead } from "./upcoming.ts";

/** What needs the database. */
const ON_DATABASE: readonly CheckName[] = ["indexes", "documents", "sessions", "passes", "pacing"];

/**
 * Looks at everything that sending rests on. Nothing is sent, and nothing is changed but for a document of its own
 * that is written and taken back. Never throws: what can't be looked at is a finding, too.
 *
 * @param env the settings; see docs/configuration.md
 * @param vercel vercel.json, as it was read
 * @param hostClock this computer's clocks
 */
export async function examine(
  env: NodeJS.ProcessEnv,
  vercel: Vercel,
  hostClock: SystemClock = systemClock,
): Promise<Finding[]> {
  const { findings, config, wrong } = checkSettings(env);
  if (!config) return [...findings, notChecked("settings", "the rest, as the settings don't go together")];
  const [database, waha] = await Promise.all([
    wrong.has("DATABASE_URL")
      ? { findings: [notChecked("database", "DATABASE_URL is wrong")] }
      : checkDatabase(config, hostClock),
    wrong.has("WAHA_API_URL") || wrong.has("WAHA_API_KEY")
      ? { findings: [notChecked("waha", "its settings are wrong")] }
      : checkWaha(config),
  ]);
  return [
    ...findings,
    ...checkVercel(vercel, config),
    ...database.findings,
    ...(isMappingWrong(wrong)
      ? ON_DATABASE.map((check) => notChecked(check, "DOCUMENTS is wrong"))
      : await onDatabase(config, database, waha)),
    ...waha.findings,
    ...(await onWebhooks(config, database, waha)),
  ];
}

async function onWebhooks(
  config: Config,
  { reached }: DatabaseExam,
  { sessions }: WahaExam,
): Promise<Finding[]> {
  return sessions ? runCheck("waha", () => checkWebhooks(config, sessions, reached?.db)) : [];
}

/** What the app calls its collections and fields is not known: with other names every check would be misled. */
function isMappingWrong(wrong: ReadonlySet<string>): boolean {
  return wrong.has("DOCUMENTS") || [...wrong].some((setting) => setting in MOVED_SETTINGS);
}

async function onDatabase(
  config: Config,
  { reached }: DatabaseExam,
  { sessions }: WahaExam,
): Promise<Finding[]> {
  if (!reached) return ON_DATABASE.map((check) => notChecked(check, "the database can't be used"));
  const { db, clock } = reached;
  const now = clock.now();
  return [
    ...(await runCheck("indexes", () => checkIndexes(db, config, now))),
    ...(await runCheck("documents", () => checkUnmapped(db, config, now))),
    ...(await runCheck("documents", () => checkCollections(db))),
    ...(await runCheck("documents", () => checkDocuments(db, now))),
    ...(await runCheck("sessions", async () => {
      const upcoming = await lookAhead(db, config, now, sessions ?? new Map());
      const campaigns = checkCampaigns(upcoming);
      const nextPass = await checkNextPass(db, config, now, sessions && upcoming);
      if (!sessions)
        return [
          ...campaigns,
          ...nextPass,
          notChecked("sessions", "WAHA lists none"),
          notChecked("pacing", "WAHA lists no session"),
        ];
      return [
        ...campaigns,
        ...checkContents(upcoming),
        ...nextPass,
        ...checkRoutes(upcoming),
        ...(await checkSessionNames(db, sessions)),
        ...(await checkSuspensions(db, sessions, now)),
        ...checkPacing(upcoming, config, now),
      ];
    })),
    ...(await runCheck("passes", () => checkPasses(db, config, now))),
  ];
}
