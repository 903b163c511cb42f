import { handleHealth } from "../lib/http/health.ts";

/** Ok or not, for uptime monitors; no secret is needed. */
export async function GET(request: Request): Promise<Response> {
  return handleHealth(request, process.env);
}

/** Monitors that ask for no body get none. */
export async function HEAD(request: Request): Promise<Response> {
  return handleHealth(request, process.env);
}
