import { type Program, run } from "./program.ts";
import { createWorld, SECRET, type World } from "./world.ts";

type WorldOptions = Parameters<typeof createWorld>[0];

/** What a supervisor (systemd, PM2, Docker) starts. */
export const SERVER = [process.execPath, "ops/server/main.ts"];

/** A server of one's own on a world's database and WAHA, until the test ends. */
export interface Host extends World {
  readonly server: Program;
  /** Asks it over HTTP, as the cron's secret allows. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** A world whose settings are a server's too; its passes don't stay, unless told otherwise. */
export function createHostWorld(
  settings: NodeJS.ProcessEnv = {},
  simulator: WorldOptions = {},
): Promise<World> {
  return createWorld(simulator, { LOG_LEVEL: "info", PORT: "0", STAY_SECONDS: "0", ...settings });
}

/** Starts the server in a world of its own. */
export async function startHost(settings: NodeJS.ProcessEnv = {}): Promise<Host> {
  const world = await createHostWorld(settings);
  return { ...world, ...(await startServer(world)) };
}

/** Starts a server in a world, by the command that a supervisor would use unless told otherwise. */
export async function startServer(world: World, command = SERVER): Promise<Pick<Host, "server" | "ask">> {
  const server = await run(command, { env: world.env });
  const port = await server.says(/"port":(\d+)/);
  const headers = { authorization: `Bearer ${SECRET}` };
  return {
    server,
    ask: (path, init = {}) => fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init }),
  };
}
