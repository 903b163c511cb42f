import { handleCron } from "../lib/http/cron.ts";
import { stopBySignal } from "../lib/http/stop.ts";

const host = stopBySignal(process);

/** One pass a call: by the platform's cron every minute, or by hand with the secret. */
export async function GET(request: Request): Promise<Response> {
  return handleCron(request, process.env, host);
}
