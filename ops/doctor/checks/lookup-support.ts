import pMap from "p-map";
import type { Waha } from "../../../lib/waha/client.ts";
import { newMessageId, takesMessageIds } from "../../../lib/waha/message-ids.ts";
import type { WahaServer, WahaSession } from "../../../lib/waha/responses.ts";
import { listed } from "../../format.ts";
import { type Finding, ok, warning } from "../finding.ts";

/** What can be found out on a session when WAHA's answer to a message gets lost. */
type LookupSupport = "lookedUp" | "noIds" | "noStore" | "noAnswer";

/** How many sessions are tried, and how many at a time: a small request each, which sends nothing. */
const MOST_TRIED = 100;
const AT_ONCE = 10;

const TIMEOUT_MS = 5_000;

/** A chat in which no message was ever sent. */
const NO_CHAT = "10000000000@c.us";

/** Checks, session by session, whether a message can be given an id and be looked up by it. */
export async function checkLookupSupport(
  waha: Waha,
  server: WahaServer | undefined,
  working: WahaSession[],
): Promise<Finding[]> {
  const results = await pMap(
    working.slice(0, MOST_TRIED),
    async (session) => ({ name: session.name, support: await supportOf(waha, server, session) }),
    { concurrency: AT_ONCE },
  );
  const bySupport = Map.groupBy(results, ({ support }) => support);
  return [...bySupport].map(([support, alike]) =>
    tell(support, listed(alike.map(({ name }) => name).sort())),
  );
}

async function supportOf(
  waha: Waha,
  server: WahaServer | undefined,
  session: WahaSession,
): Promise<LookupSupport> {
  if (!takesMessageIds(server, session)) return "noIds";
  const lookup = await waha.lookUp(session.name, NO_CHAT, newMessageId(), TIMEOUT_MS);
  // It was never sent, so not to find it is the right answer.
  if (lookup === "absent") return "lookedUp";
  return lookup === "unsupported" ? "noStore" : "noAnswer";
}

const END_AS_UNKNOWN = "a message whose answer gets lost ends as unknown, for a person to decide";

function tell(support: LookupSupport, names: string): Finding {
  switch (support) {
    case "lookedUp":
      return ok("waha", `a message whose answer gets lost is looked up: ${names}`);
    case "noIds":
      return warning(
        "waha",
        `${END_AS_UNKNOWN}, as there are no message ids: ${names}`,
        "Use the NOWEB or GOWS engine, on WAHA 2026.4.3 or newer; or live with it",
      );
    case "noStore":
      return warning(
        "waha",
        `${END_AS_UNKNOWN}, as WAHA can't look messages up: ${names}`,
        "NOWEB: switch the session's store on (config.noweb.store.enabled); see WAHA on scanning again after it",
      );
    case "noAnswer":
      return warning(
        "waha",
        `WAHA answers a lookup with neither found nor not found: ${names}`,
        "Look at WAHA's log; until lookups work, lost answers end as unknown",
      );
  }
}
