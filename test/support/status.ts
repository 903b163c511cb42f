import { handleStatus } from "../../lib/http/status.ts";
import type { Status } from "../../lib/monitoring/status/gather.ts";
import { SECRET, type World } from "./world.ts";

/** The header with which a browser sends a password. */
export function basic(password: string, user = "anybody"): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/** Asks for the status, with the secret unless told otherwise. */
export function askStatus(
  world: World,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> {
  const request = new Request("http://localhost/api/status", {
    method,
    headers: { authorization: `Bearer ${SECRET}`, ...headers },
  });
  // A copy is another instance: one shares its answer for a moment.
  return handleStatus(request, { ...world.env });
}

/** The status as a program gets it: dates are texts. Throws if the answer is not 200. */
export async function readStatus(world: World): Promise<Status> {
  const response = await askStatus(world);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Status;
}

/** The status as a browser gets it. */
export async function readPage(world: World): Promise<string> {
  return (await askStatus(world, { accept: "text/html,*/*;q=0.8" })).text();
}
