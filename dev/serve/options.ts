import { parseArgs } from "node:util";
import { DEFAULT_PORT } from "../../ops/server/settings.ts";

/** What `npm run dev` was asked for. */
export interface Options {
  port: number;
  /** Use the settings of the environment or .env, and so send real messages. */
  live: boolean;
}

/**
 * Reads the command line, and PORT where it names no port.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[], env: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({
    args,
    options: { port: { type: "string" }, live: { type: "boolean", default: false } },
  });
  const given = values.port ?? (env.PORT?.trim() || String(DEFAULT_PORT));
  const port = Number(given);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`"${given}" is not a port: give --port a number from 1 to 65535, or 0 for any free one`);
  return { port, live: values.live };
}
