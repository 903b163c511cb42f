import { handleStatus } from "../lib/http/status.ts";

/** How the scheduler is, for a person on call or a machine that watches. */
export async function GET(request: Request): Promise<Response> {
  return handleStatus(request, process.env);
}
