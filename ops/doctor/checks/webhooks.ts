import { z } from "zod";
import type { Config } from "../../../lib/config.ts";
import { surveyReceipts } from "../../../lib/messages/receipts.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { isHeardSince } from "../../../lib/monitoring/silence.ts";
import { connectWaha } from "../../../lib/waha/http.ts";
import type { WahaSession } from "../../../lib/waha/responses.ts";
import { listed } from "../../format.ts";
import { WEBHOOK_PATH } from "../../server/http.ts";
import { type Finding, ok, warning } from "../finding.ts";
import { LOOK_MS } from "../run-check.ts";

const TIMEOUT_MS = 10_000;
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** What receipts need. */
const NEEDED = "message.ack";

/** What brings proof sooner, and what groups report: it comes under a name of its own. */
const MORE = ["message.any", "message.ack.group"];

/** WAHA's word for all of them. */
const ALL_EVENTS = "*";

const Webhook = z.object({
  url: z.string(),
  events: z.array(z.string()).catch([]),
  hmac: z.object({ key: z.string().nullish() }).nullish().catch(null),
});
type Webhook = z.infer<typeof Webhook>;

/** A session as WAHA lists it, with what was set for it alone. */
const Listed = z.object({
  name: z.string(),
  config: z
    .object({ webhooks: z.array(Webhook).nullish().catch([]) })
    .nullish()
    .catch(null),
});

/** How a session stands with its webhook. */
type Standing = "comes" | "set" | "fewer" | "heard" | "key" | "events" | "none";

/**
 * Checks whether WAHA's sessions have the webhook that brings receipts. What is set for the whole server WAHA does not
 * show: then only receipts that came tell.
 *
 * @param db undefined where it can't be used
 */
export async function checkWebhooks(
  config: Config,
  sessions: Map<string, WahaSession>,
  db: Database | undefined,
): Promise<Finding[]> {
  const key = config.WAHA_WEBHOOK_KEY;
  if (!key) return [OFF];
  const working = [...sessions.values()].filter(({ status }) => status === "WORKING");
  const names = working.map(({ name }) => name);
  const [webhooks, heard] = await Promise.all([listWebhooks(config), findHeard(db, names)]);
  const standings = working.map(({ name }) => ({
    name,
    standing: standingOf(webhooks.get(name) ?? [], key, heard.has(name)),
  }));
  const byStanding = Map.groupBy(standings, ({ standing }) => standing);
  return [...byStanding].map(([standing, alike]) =>
    tell(standing, listed(alike.map(({ name }) => name).sort())),
  );
}

async function listWebhooks(config: Config): Promise<Map<string, Webhook[]>> {
  const connection = connectWaha(config.WAHA_API_URL, config.WAHA_API_KEY, TIMEOUT_MS);
  try {
    const answer = await connection.exchange({
      method: "get",
      path: "api/sessions?all=true",
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_LIST_BYTES,
    });
    const body = "fault" in answer || !Array.isArray(answer.body) ? [] : answer.body;
    const read = body.flatMap((entry) => Listed.safeParse(entry).data ?? []);
    return new Map(read.map(({ name, config: own }) => [name, own?.webhooks ?? []]));
  } finally {
    await connection.close();
  }
}

/** The sessions of whose latest messages a receipt came. */
async function findHeard(db: Database | undefined, sessions: string[]): Promise<Set<string>> {
  const surveyed = db ? await surveyReceipts(db, sessions, new Date(), { maxTimeMS: LOOK_MS }) : [];
  return new Set(surveyed.filter((one) => isHeardSince(one)).map(({ session }) => session));
}

function standingOf(webhooks: Webhook[], key: string, isHeard: boolean): Standing {
  const ours = webhooks.filter(
    ({ url }) => URL.canParse(url) && new URL(url).pathname.endsWith(WEBHOOK_PATH),
  );
  if (ours.length === 0) return isHeard ? "heard" : "none";
  const signed = ours.filter(({ hmac }) => hmac?.key === key);
  if (signed.length === 0) return "key";
  if (!signed.some((webhook) => hasEvents(webhook, [NEEDED]))) return "events";
  if (!signed.some((webhook) => hasEvents(webhook, [NEEDED, ...MORE]))) return "fewer";
  return isHeard ? "comes" : "set";
}

function hasEvents({ events }: Webhook, wanted: string[]): boolean {
  return events.includes(ALL_EVENTS) || wanted.every((event) => events.includes(event));
}

const OFF = ok(
  "waha",
  "receipts are off, as WAHA_WEBHOOK_KEY is not set: whether messages are delivered is not known (docs/monitoring.md#receipts)",
);

const HOW = "docs/monitoring.md#receipts says how";

function tell(standing: Standing, names: string): Finding {
  switch (standing) {
    case "comes":
      return ok("waha", `its webhooks bring receipts: ${names}`);
    case "set":
      return ok("waha", `the webhook for receipts is set, and none came yet: ${names}`);
    case "fewer":
      return ok("waha", `the webhook for receipts is set; ${MORE.join(" and ")} would bring more: ${names}`);
    case "heard":
      return ok("waha", `receipts come, by a webhook that is set for the whole server: ${names}`);
    case "key":
      return warning(
        "waha",
        `the webhook has no key, or another than WAHA_WEBHOOK_KEY, so every event is refused: ${names}`,
        `Set the session's config.webhooks[].hmac.key; ${HOW}`,
      );
    case "events":
      return warning(
        "waha",
        `the webhook lacks ${NEEDED}, so receipts are missing: ${names}`,
        `Subscribe to ${[NEEDED, ...MORE].join(", ")}; ${HOW}`,
      );
    case "none":
      return warning(
        "waha",
        `no webhook to ${WEBHOOK_PATH} is set for the session, and no receipt came; one that is set for the whole server can't be seen from here: ${names}`,
        `Set one for the session (config.webhooks) or for the server (WHATSAPP_HOOK_URL), then send a message, and run this again; ${HOW}`,
      );
  }
}
