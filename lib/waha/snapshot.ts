import type { Config } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import type { Waha } from "./client.ts";
import type { WahaServer, WahaSession } from "./responses.ts";

/** WAHA as the pass found it when it looked around. */
export interface WahaSnapshot {
  sessions: Map<string, WahaSession>;
  /** Unknown when WAHA did not tell: then messages go without ids. */
  server: WahaServer | undefined;
  /** When a pass that stays looked once more; the first look is as old as the pass. */
  seenAt?: Date;
}

/** A look around WAHA takes no longer: without an answer nothing can be claimed anyway. */
const LOOK_AROUND_MS = 10_000;

/** How long a look around WAHA may take, in milliseconds. */
export function snapshotMs({ PASS_SECONDS, TAIL_SECONDS, WAHA_TIMEOUT_MS }: Config): number {
  return Math.min(LOOK_AROUND_MS, WAHA_TIMEOUT_MS, (PASS_SECONDS - TAIL_SECONDS) * 1000);
}

/** What WAHA showed; without a list of sessions, why there is none. */
export async function takeSnapshot(waha: Waha, config: Config): Promise<WahaSnapshot | UnavailableError> {
  const timeoutMs = snapshotMs(config);
  const [sessions, server] = await Promise.all([
    waha.listSessions(timeoutMs).catch((error: unknown) => {
      if (error instanceof UnavailableError) return error;
      throw error;
    }),
    waha.readServer(timeoutMs),
  ]);
  return sessions instanceof UnavailableError ? sessions : { sessions, server };
}
