import type { Config } from "../../config.ts";
import { UnavailableError } from "../../errors.ts";
import type { ProblemCode } from "../../problems.ts";
import { restrictedAmong, type Suspension } from "../../sessions/suspensions.ts";
import { openWaha } from "../../waha/client.ts";
import type { WahaSession } from "../../waha/responses.ts";
import { compareNames } from "../words.ts";

/** As long as the health check waits, and less than a pass does. */
const WAIT_MS = 8_000;

/** How many sessions are shown. Those that don't work come first. */
const SHOWN = 100;

/** WAHA's sessions, or why there is no list of them. */
export type WahaStatus =
  | {
      reachable: true;
      total: number;
      working: number;
      /** How many can't send until a person sees to them. */
      needingSomebody: number;
      sessions: Pick<WahaSession, "name" | "status">[];
    }
  | { reachable: false; code: ProblemCode; message: string; detail?: string };

/** WAHA's sessions, and those of them whose account WhatsApp restricts. */
export interface AskedSessions {
  waha: WahaStatus;
  restricted: Suspension[];
}

/** Asks WAHA for its sessions, in one request. */
export async function askSessions(config: Config): Promise<AskedSessions> {
  const waha = openWaha(config);
  try {
    const all = [...(await waha.listSessions(Math.min(WAIT_MS, config.WAHA_TIMEOUT_MS))).values()];
    const status: WahaStatus = {
      reachable: true,
      total: all.length,
      working: all.filter(works).length,
      needingSomebody: all.filter(needsSomebody).length,
      sessions: all
        .sort((one, other) => rank(one) - rank(other) || compareNames(one.name, other.name))
        .slice(0, SHOWN)
        .map(({ name, status }) => ({ name, status })),
    };
    return { waha: status, restricted: restrictedAmong(all, new Date()) };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const { code, detail, message } = error;
    return {
      waha: { reachable: false, code, message, ...(detail ? { detail } : {}) },
      restricted: [],
    };
  } finally {
    await waha.close();
  }
}

/**
 * Whether a session waits for a person. One that is starting does not. One that is stopped was probably stopped on
 * purpose; if it had worked before, an alert tells of it.
 */
export function needsSomebody({ status }: Pick<WahaSession, "status">): boolean {
  return status !== "WORKING" && status !== "STARTING" && status !== "STOPPED";
}

/** Sessions that wait for a person come first, then the others that do not work. */
function rank(session: Pick<WahaSession, "status">): number {
  return Number(!needsSomebody(session)) + Number(works(session));
}

function works({ status }: Pick<WahaSession, "status">): boolean {
  return status === "WORKING";
}
