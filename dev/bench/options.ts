import { parseArgs } from "node:util";

/** What `npm run bench` was asked for. */
export interface Options {
  /** Smaller counts and fewer repeats: done within three minutes, and less exact. */
  quick: boolean;
  /** The scenarios to run, by name; empty: all of them. */
  only: string[];
  /** Where the results go, without an ending: `<out>.md`, between its markers, and `<out>.svg`. */
  out: string | undefined;
}

/**
 * Reads the command line.
 *
 * @param known the names of the scenarios
 * @throws Error in plain words
 */
export function readOptions(args: string[], known: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
    },
  });
  const only = values.only.flatMap((names) => names.split(","));
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`--only knows no "${unknown}"; the scenarios are ${known.join(", ")}`);
  return { quick: values.quick, only, out: values.out };
}
