import { type Config, configWarnings, MOVED_SETTINGS, parseConfig } from "../../../lib/config.ts";
import { ConfigError, type SettingProblem } from "../../../lib/errors.ts";
import { findNearMisses, tellNearMiss } from "../../near-misses.ts";
import { readServerSettings } from "../../server/settings.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import { checkExposure } from "./exposure.ts";

/** The settings as far as they can be read, and what is wrong with the others. */
export interface SettingsExam {
  findings: Finding[];
  /** With stand-ins or defaults for what is wrong; undefined if even so they don't go together. */
  config: Config | undefined;
  /** The names of those that are wrong. */
  wrong: ReadonlySet<string>;
}

/** What required settings are taken for while they are wrong, so that the others can be read. Nothing is asked there. */
const STAND_INS: NodeJS.ProcessEnv = {
  DATABASE_URL: "mongodb://nowhere.invalid/none",
  WAHA_API_URL: "http://nowhere.invalid",
  CRON_SECRET: "stands-in-for-the-secret",
};

/** Checks the settings, each by itself and together; those of a server of one's own, too, which have defaults elsewhere. */
export function checkSettings(env: NodeJS.ProcessEnv): SettingsExam {
  const problems = problemsOf(env);
  const wrong = new Set(problems.map(({ setting }) => setting));
  const config = readRest(env, wrong);
  const warnings = config ? configWarnings(config) : [];
  const findings = [
    ...problems.map(({ setting, problem: what }) =>
      problem("settings", `${setting} ${what}`, remedyFor(setting)),
    ),
    ...warnings.map((text) => warning("settings", text, "See docs/configuration.md")),
    ...findNearMisses(env).map((near) =>
      warning("settings", tellNearMiss(near), `Rename or remove ${near.given}: nothing reads it`),
    ),
    ...(config ? checkExposure(env, config) : []),
    ...(config && wantsListener(config, wrong) ? [NO_LISTENER] : []),
  ];
  return { findings: findings.length > 0 ? findings : [ok("settings", "every one is right")], config, wrong };
}

function remedyFor(setting: string): string {
  if (setting in MOVED_SETTINGS)
    return `Remove ${setting}; docs/mapping.md#settings-of-earlier-versions says how DOCUMENTS says the same`;
  if (setting === "DOCUMENTS") return "Correct DOCUMENTS; docs/mapping.md#keys says what each key means";
  return `Set ${setting}; docs/configuration.md says to what`;
}

const NO_LISTENER = warning(
  "settings",
  "neither ALERT_WEBHOOK_URL nor HEARTBEAT_URL is set, so no alert is sent when something is wrong",
  "Set one of them; see docs/monitoring.md#alerts",
);

/** Whether neither setting names a listener; one that is set and wrong has a finding already. */
function wantsListener({ ALERT_WEBHOOK_URL, HEARTBEAT_URL }: Config, wrong: ReadonlySet<string>): boolean {
  const isMeant = wrong.has("ALERT_WEBHOOK_URL") || wrong.has("HEARTBEAT_URL");
  return !ALERT_WEBHOOK_URL && !HEARTBEAT_URL && !isMeant;
}

function problemsOf(env: NodeJS.ProcessEnv): readonly SettingProblem[] {
  try {
    readServerSettings(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function readRest(env: NodeJS.ProcessEnv, wrong: ReadonlySet<string>): Config | undefined {
  const rest = { ...env };
  for (const setting of wrong) rest[setting] = STAND_INS[setting];
  return problemsOf(rest).length === 0 ? parseConfig(rest) : undefined;
}
