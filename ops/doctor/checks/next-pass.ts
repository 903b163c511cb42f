import type { Config } from "../../../lib/config.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { type ForecastRow, type Foreseen, foreseeOverdue, rowsOf } from "../../../lib/pass/forecast.ts";
import { errorPage } from "../../../lib/problems.ts";
import { counted } from "../../format.ts";
import { type Finding, ok, warning } from "../finding.ts";
import { LOOK_MS } from "../run-check.ts";
import { MOST_MESSAGES } from "../upcoming.ts";

/**
 * Says what the next pass would do with the database as it is; what waits, and what can't be sent, other checks tell.
 *
 * @param upcoming what is foreseen of what is due now or soon; undefined if WAHA lists no sessions
 */
export async function checkNextPass(
  db: Database,
  config: Config,
  now: Date,
  upcoming: Foreseen[] | undefined,
): Promise<Finding[]> {
  const due = (upcoming ?? []).filter(({ scheduledAt }) => scheduledAt && scheduledAt <= now);
  const overdue = await foreseeOverdue(db, config, { now, most: MOST_MESSAGES, maxTimeMS: LOOK_MS });
  const rows = [...rowsOf({ messages: due, more: false }), ...rowsOf(overdue)];
  const findings = rows.flatMap(tell);
  const nothing = upcoming ? [ok("next pass", "nothing is due")] : [];
  return findings.length > 0 ? findings : nothing;
}

function tell(row: ForecastRow): Finding[] {
  const { code, count, fate, more, session } = row;
  const which = `${counted(count, "message")}${more ? " or more" : ""} (${idsOf(row)})`;
  if (fate === "sent") return [ok("next pass", `would send on ${session}: ${which}`)];
  if (fate === "left alone" && code === null)
    return [ok("next pass", `would leave alone, as their campaign is on hold: ${which}`)];
  if (fate === "left alone")
    return [
      warning(
        "next pass",
        `would set flags back, and send nothing, as these were or may have been sent: ${which} [${code}]`,
        `See ${errorPage(code ?? "flag_reset")}`,
      ),
    ];
  if (fate !== "missed" || !code) return [];
  return [
    warning(
      "next pass",
      `would end as missed, and not send: ${which} [${code}]`,
      `Before it comes, set isDeleted to true on what is not wanted any more, and a new scheduledAt on what is. See ${errorPage(code)}`,
    ),
  ];
}

function idsOf({ count, ids }: ForecastRow): string {
  return ids.join(", ") + (count > ids.length ? ", …" : "");
}
