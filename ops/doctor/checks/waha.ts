import type { Config } from "../../../lib/config.ts";
import { openWaha } from "../../../lib/waha/client.ts";
import type { WahaServer, WahaSession } from "../../../lib/waha/responses.ts";
import { counted, listed } from "../../format.ts";
import { type Finding, ofCode, ok, warning } from "../finding.ts";
import { stopped } from "../run-check.ts";
import { checkLookupSupport } from "./lookup-support.ts";

/** WAHA's sessions, if it listed them, and what was found about it. */
export interface WahaExam {
  findings: Finding[];
  sessions?: Map<string, WahaSession>;
}

const TIMEOUT_MS = 10_000;

/** The first version that docs/deploy-vercel.md names. */
const OLDEST_VERSION = "2024.10";

/** What to do about a session that does not work. */
const REMEDIES = new Map(
  Object.entries({
    STOPPED: "Start it in WAHA's dashboard, if it is still used",
    FAILED: "Restart it in WAHA's dashboard; if it fails again, log it out and scan its QR code",
    STARTING: "Wait a moment, and run this again",
    SCAN_QR_CODE: "Scan its QR code in WAHA's dashboard",
    PASSKEY_REQUIRED: "Confirm it on the phone",
    PASSKEY_CONFIRMATION_REQUIRED: "Confirm it on the phone",
  }),
);

/** Checks that WAHA can be reached and takes the key; which version, engine and sessions; and whether lost answers can be looked up. */
export async function checkWaha(config: Config): Promise<WahaExam> {
  const waha = openWaha(config);
  const host = new URL(config.WAHA_API_URL).host;
  try {
    const [sessions, server, isOpen] = await Promise.all([
      waha.listSessions(TIMEOUT_MS),
      waha.readServer(TIMEOUT_MS),
      takesAnyone(config),
    ]);
    const findings = [
      keyFinding(host, config, isOpen),
      serverFinding(server),
      ...statusFindings([...sessions.values()]),
      ...(await checkLookupSupport(waha, server, working(sessions))),
    ];
    return { findings, sessions };
  } catch (error) {
    return { findings: [stopped("waha", error)] };
  } finally {
    await waha.close();
  }
}

/** Whether WAHA lists its sessions without a key, too. */
async function takesAnyone({ WAHA_API_KEY: _, ...config }: Config): Promise<boolean> {
  const waha = openWaha(config);
  return waha
    .listSessions(TIMEOUT_MS)
    .then(
      () => true,
      () => false,
    )
    .finally(() => waha.close());
}

function keyFinding(host: string, { WAHA_API_KEY }: Config, isOpen: boolean): Finding {
  if (!isOpen) return ok("waha", `${host} answers, and takes the key`);
  if (!WAHA_API_KEY) return ok("waha", `${host} answers, and asks for no key`);
  return warning(
    "waha",
    `${host} asks for no key, so anyone who reaches it can send; WAHA_API_KEY is set here alone`,
    "Set the key in WAHA, too",
  );
}

function serverFinding(server: WahaServer | undefined): Finding {
  if (!server) return ofCode("warning", "waha", "waha_version_unknown");
  const { version, engine, tier } = server;
  if (version.localeCompare(OLDEST_VERSION, "en", { numeric: true }) >= 0)
    return ok("waha", `version ${version}, engine ${engine}${tier ? `, ${tier}` : ""}`);
  return warning(
    "waha",
    `version ${version} is older than ${OLDEST_VERSION}`,
    "Upgrade WAHA: newer ones can look up a message whose answer got lost",
  );
}

function working(sessions: Map<string, WahaSession>): WahaSession[] {
  return [...sessions.values()].filter(({ status }) => status === "WORKING");
}

function statusFindings(sessions: WahaSession[]): Finding[] {
  if (sessions.length === 0)
    return [warning("waha", "it has no session, so nothing can be sent", "Create one in WAHA's dashboard")];
  const byStatus = Map.groupBy(sessions, ({ status }) => status);
  return [...byStatus].map(([status, alike]) => {
    const message = `${counted(alike.length, "session")} ${status}: ${listed(alike.map(({ name }) => name))}`;
    if (status === "WORKING") return ok("waha", message);
    return warning("waha", message, REMEDIES.get(status) ?? "Look at it in WAHA's dashboard");
  });
}
