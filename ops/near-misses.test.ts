import { expect, test } from "vitest";
import { findNearMisses, tellNearMiss } from "./near-misses.ts";

const told = (env: NodeJS.ProcessEnv) => findNearMisses(env).map(tellNearMiss);

test.each([
  ["LOOKBACK", "LOOKBACK is no setting; LOOKBACK_SECONDS?"],
  ["WAHA_APIKEY", "WAHA_APIKEY is no setting; WAHA_API_KEY?"],
  ["WAHA_URL", "WAHA_URL is no setting; WAHA_API_URL?"],
  ["DATABASE_URI", "DATABASE_URI is no setting; DATABASE_URL?"],
  ["CRON_SECRTE", "CRON_SECRTE is no setting; CRON_SECRET?"],
  ["cron_secret", "cron_secret is no setting; CRON_SECRET?"],
  ["DOCUMENT", "DOCUMENT is no setting; DOCUMENTS?"],
  ["MESSAGE_COLLECTION", "MESSAGE_COLLECTION is no setting; messages.collection in DOCUMENTS?"],
  ["SEND_GAP", "SEND_GAP is no setting; SEND_GAP_MS?"],
  ["TICK_SECOND", "TICK_SECOND is no setting; TICK_SECONDS?"],
])("%s is near a setting", (given, words) => {
  expect(told({ [given]: "a-secret-value" })).toEqual([words]);
});

test("what hosts set is near none, nor is what stands beside the setting itself", () => {
  const ofHosts = ["PATH", "HOME", "HOSTNAME", "SHELL", "LANG", "LOGNAME", "PWD", "TERM", "USER", "NODE_ENV"];
  const ofVercel = ["VERCEL", "VERCEL_URL", "VERCEL_ENV", "AWS_REGION", "LAMBDA_TASK_ROOT", "NX_DAEMON"];
  const ofDesktops = ["SESSION_MANAGER", "XDG_SESSION_ID", "DBUS_SESSION_BUS_ADDRESS", "WINDOWID"];
  const ofApps = ["DATABASE_URL_UNPOOLED", "MONGODB_URI", "NEXTAUTH_SECRET", "NEXTAUTH_URL", "DB_PORT"];
  const ofSystemd = ["INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "MAINPID"];
  const names = [...ofHosts, ...ofVercel, ...ofDesktops, ...ofApps, ...ofSystemd];
  expect(told(Object.fromEntries(names.map((name) => [name, "x"])))).toEqual([]);
  expect(told({ DATABASE_URI: "x", DATABASE_URL: "x" })).toEqual([]);
});
