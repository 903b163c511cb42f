import type { Config } from "../../../lib/config.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { isRecent, readLastPass } from "../../../lib/monitoring/record.ts";
import { counted } from "../../format.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";

/** Checks that passes run, and what the last one said. */
export async function checkPasses(db: Database, config: Config, now: Date): Promise<Finding[]> {
  const last = await readLastPass(db);
  if (!last)
    return [
      warning(
        "passes",
        "none has ended on this database yet",
        "Deploy, or run npm start, or call /api/cron yourself; if the cron is on, look at the function's log",
      ),
    ];
  const seconds = Math.max(0, Math.round((now.getTime() - last.endedAt.getTime()) / 1000));
  if (!isRecent(last, now, config))
    return [
      problem(
        "passes",
        `the last one ended ${ago(seconds)} ago, so nothing is sent`,
        "Is the cron on? Does the function answer 401, 500 or 503? Its log says why",
      ),
    ];
  const { ok: wasOk, errors } = last.summary;
  const codes = errors.map(({ code, count }) => `${code} (${count})`).join(", ");
  if (wasOk) return [ok("passes", `the last one ended ${ago(seconds)} ago, and went well`)];
  return [
    warning(
      "passes",
      `the last one ended ${ago(seconds)} ago, and was not ok: ${codes || "see the function's log"}`,
      "docs/errors.md says what to do about each code",
    ),
  ];
}

function ago(seconds: number): string {
  if (seconds < 120) return counted(seconds, "second");
  if (seconds < 7200) return counted(Math.round(seconds / 60), "minute");
  return counted(Math.round(seconds / 3600), "hour");
}
