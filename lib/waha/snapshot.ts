import type { Config } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import type { Waha } from "./client.ts";
import type { WahaServer, WahaSession } from "./responses.ts";

/** WAHA as it was seen at a moment. */
export interface WahaSnapshot {
  sessions: Map<string, WahaSession>;
  /** Unknown when WAHA did not tell: then messages go without ids. */
  server: WahaServer | undefined;
}

/** A snapshot takes no longer: without an answer nothing can be claimed anyway. */
const SNAPSHOT_MS = 10_000;

/** How long a snapshot may take, in milliseconds. */
export function snapshotMs({ PASS_SECONDS, TAIL_SECONDS, WAHA_TIMEOUT_MS }: Config): number {
  return Math.min(SNAPSHOT_MS, WAHA_TIMEOUT_MS, (PASS_SECONDS - TAIL_SECONDS) * 1000);
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
