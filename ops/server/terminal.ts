import { inspect } from "node:util";
import { writeLogTo } from "../../lib/log.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import { harmless, tellCounts, tellProblem } from "../format.ts";

/** A line of the log, as parsed from its JSON. */
type Line = Record<string, unknown>;

/**
 * Where standard output is a terminal, the log's lines are written for people from now on: the same ones, but not
 * as JSON. Elsewhere nothing changes, as programs read it there.
 */
export async function writeForPeople(): Promise<void> {
  if (!process.stdout.isTTY) return;
  const { prettyFactory } = await import("pino-pretty");
  const format = prettyFactory({
    colorize: process.stdout.hasColors(),
    translateTime: "SYS:HH:MM:ss",
    messageFormat: tellLine,
    hideObject: true,
  });
  writeLogTo({ write: (line) => void process.stdout.write(format(line)) });
}

/** What a line says, but for its time and level: the message, and then what it is about. */
export function tellLine({ msg, time, level, ...fields }: Line): string {
  if (msg === "pass") return tellPass(fields as unknown as Summary);
  const about = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return [harmless(String(msg)), ...about].join("  ");
}

/** A pass in a sentence, and each of its problems in another. */
function tellPass(summary: Summary): string {
  const { passId, durationMs, errors } = summary;
  const problems = errors.map(
    ({ code, message, count }) => `  ${tellProblem(code, count)}: ${harmless(message)}`,
  );
  const seconds = (durationMs / 1000).toFixed(1);
  return [`pass: ${tellCounts(summary)}, in ${seconds} s  passId=${passId}`, ...problems].join("\n");
}

/** What can neither be taken for two values nor do anything to a terminal. */
const PLAIN = /^[\x21-\x7e]+$/;

function shown(value: unknown): string {
  if (typeof value === "string" && PLAIN.test(value)) return value;
  if (isErrorLike(value)) return shownError(value);
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 6 });
}

/** An error as the log describes it; the JSON has more of where it arose. */
type ErrorLike = { name: string; code?: string | number; at?: string[]; cause?: ErrorLike };

function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

/** The error and its causes by name and code, and where the first of them arose. */
function shownError(error: ErrorLike): string {
  const names: string[] = [];
  for (let link: ErrorLike | undefined = error; link; link = link.cause)
    names.push([link.name, link.code].filter((word) => word !== undefined).join(" "));
  const place = error.at?.[0];
  return harmless(`${names.join(" < ")}${place ? ` (${place})` : ""}`);
}
