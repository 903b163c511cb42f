import { type ParseArgsConfig, parseArgs } from "node:util";
import { distance } from "./distance.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** So many letters of a name that is no option may differ from one's that was probably meant. */
const MOST_DIFFERENT = 2;

/** What npm makes of an option that was given to it instead of to the program: it is on the command line no more. */
const npmName = (option: string) => `npm_config_${option.replaceAll("-", "_")}`;

/**
 * Reads a program's options.
 *
 * @param script the script of package.json that started it
 * @throws Error in plain words, for an option that is not known or lacks its value, and for what npm took for itself
 */
export function readArgs<const T extends Options>(
  script: string,
  options: T,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
) {
  refuseTaken(script, Object.keys(options), args, env);
  try {
    return parseArgs({ args, options, allowPositionals: false }).values;
  } catch (error) {
    throw new Error(inPlainWords(error as NodeJS.ErrnoException, Object.keys(options), args));
  }
}

/** Without `--` before them npm keeps the options, and passes on what follows them. */
function refuseTaken(script: string, names: string[], args: string[], env: NodeJS.ProcessEnv): void {
  if (env.npm_lifecycle_event !== script || args.some((arg) => arg.startsWith("-"))) return;
  const taken = names.flatMap((name) => {
    const value = env[npmName(name)];
    return value ? [value === "true" ? `--${name}` : `--${name}=${value}`] : [];
  });
  if (taken.length > 0)
    throw new Error(`Put -- before the options: npm run ${script} -- ${[...taken, ...args].join(" ")}`);
}

function inPlainWords({ code, message }: NodeJS.ErrnoException, names: string[], args: string[]): string {
  const given = /'(-[^' ]*)/.exec(message)?.[1] ?? "";
  switch (code) {
    case "ERR_PARSE_ARGS_UNKNOWN_OPTION": {
      const word = given.replace(/^-+/, "");
      const near = names.find((name) => distance(word, name) <= MOST_DIFFERENT);
      return `${given} is no option${near ? `; --${near}?` : ". --help lists them"}`;
    }
    case "ERR_PARSE_ARGS_INVALID_OPTION_VALUE":
      return message.includes("does not take") ? `${given} takes no value` : `${given} needs a value`;
    case "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL":
      return `"${args.find((arg) => message.includes(`'${arg}'`)) ?? ""}" belongs to no option. --help lists them`;
    default:
      return message;
  }
}
