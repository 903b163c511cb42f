import type { MappingName } from "../../lib/documents/mapping.ts";
import { readArgs } from "../../ops/options.ts";
import { DEFAULT_PORT } from "../../ops/server/settings.ts";
import { NAMES, readDocuments } from "../host/sample/names.ts";

export const USAGE = `npm run dev -- [--documents <name>] [--port <port>]
npm run dev -- --live [--port <port>]

Serves the function on this computer and calls it every minute: on an embedded MongoDB with sample data and a
simulated WAHA, or with --live on the real ones.

  --documents <name>  whose documents the sample has: ${NAMES};
                      without it DOCUMENTS of the environment, else plain
  --live              use the settings of the environment or .env, and so send real messages
  --port <port>       where to listen, 0 for any free port; without it PORT, else ${DEFAULT_PORT}`;

/** What `npm run dev` was asked for. */
export interface Options {
  port: number;
  /** Use the settings of the environment or .env, and so send real messages. */
  live: boolean;
  /** Whose documents the sample has, where it is not live. */
  documents: MappingName;
}

/**
 * Reads the command line, and PORT and DOCUMENTS where it does not say these.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[], env: NodeJS.ProcessEnv): Options {
  const values = readArgs(
    "dev",
    {
      port: { type: "string" },
      live: { type: "boolean", default: false },
      documents: { type: "string" },
    },
    args,
  );
  const given = values.port ?? (env.PORT?.trim() || String(DEFAULT_PORT));
  const port = Number(given);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`"${given}" is not a port: give --port a number from 1 to 65535, or 0 for any free one`);
  const { live, documents } = values;
  if (live && documents !== undefined)
    throw new Error("--documents goes with the sample; with --live set DOCUMENTS");
  const whose = live ? "plain" : readDocuments(documents ?? (env.DOCUMENTS?.trim() || "plain"));
  return { port, live, documents: whose };
}
