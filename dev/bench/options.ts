import { readArgs } from "../../ops/options.ts";

/** What `npm run bench` was asked for. */
export interface Options {
  /** Smaller counts and fewer repeats: done within minutes, and less exact. */
  quick: boolean;
  /** The scenarios to run, by name; empty: all of them. */
  only: string[];
  /** Where the results go, without an ending: `<out>.md`, between its markers, and `<out>.svg`. */
  out: string | undefined;
}

/** @param known the names of the scenarios */
export function usage(known: string[]): string {
  return `npm run bench -- [--quick] [--only <names>] [--out <path>]

Measures the function against what else a user might pick, and against its targets.

  --quick         smaller counts and fewer repeats: done within minutes, and less exact
  --only <names>  only these scenarios, with commas between them:
                  ${known.join(", ")}
  --out <path>    write the results to <path>.md, between its markers, and <path>.svg`;
}

/**
 * Reads the command line.
 *
 * @param known the names of the scenarios
 * @throws Error in plain words
 */
export function readOptions(args: string[], known: string[]): Options {
  const values = readArgs(
    "bench",
    {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
    },
    args,
  );
  const only = values.only.flatMap((names) => names.split(","));
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`--only knows no "${unknown}"; the scenarios are ${known.join(", ")}`);
  return { quick: values.quick, only, out: values.out };
}
