import type { z } from "zod";
import { MAPPINGS, type Mapping, type MappingName, MappingSchema } from "./mapping.ts";

/**
 * Reads the setting DOCUMENTS: the name of a mapping that ships, or JSON that changes some of one.
 *
 * @param value as it stands in the environment
 * @returns the mapping; or what is wrong with it, a line for each key
 */
export function parseMapping(value: string): { mapping: Mapping } | { problems: string[] } {
  if (isMappingName(value)) return { mapping: MAPPINGS[value] };
  if (/^\s*['"]/.test(value)) return { problems: [QUOTED] };
  if (!value.trimStart().startsWith("{")) return { problems: [`must be ${NAMES}, or a JSON object`] };
  const changes = readJson(value);
  if (changes === undefined) return { problems: [NO_JSON] };
  const { extends: base = "plain", ...own } = changes;
  if (!isMappingName(base)) return { problems: [`extends must be ${NAMES}`] };
  const whole = merged(MAPPINGS[base], own);
  const parsed = MappingSchema.safeParse(whole);
  return parsed.success ? { mapping: parsed.data } : { problems: problemsOf(parsed.error.issues, whole) };
}

const NAMES = Object.keys(MAPPINGS)
  .map((name) => `"${name}"`)
  .join(" or ");

/** `docker run --env-file` and the forms of platforms pass quotes on; a shell, and a file that Node or systemd reads, don't. */
const QUOTED =
  "begins with a quote: what it was read from keeps quotes as part of the value, so leave the outer ones out";
const NO_JSON =
  "is not JSON as it arrives here: keys and texts need double quotes; in a shell or an env file, single quotes around it all keep these";

function isMappingName(value: unknown): value is MappingName {
  return typeof value === "string" && Object.hasOwn(MAPPINGS, value);
}

function readJson(value: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** Each part is changed key by key; a part that is no object replaces the whole. */
function merged(base: Mapping, changes: Record<string, unknown>): Record<string, unknown> {
  const parts = Object.entries(changes).map(([part, own]) => {
    const of = Object.hasOwn(base, part) ? base[part as keyof Mapping] : undefined;
    return [part, isObject(own) && isObject(of) ? { ...of, ...own } : own];
  });
  return { ...base, ...Object.fromEntries(parts) };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** zod's own messages may quote values; only paths and the kinds of problems are passed on. */
function problemsOf(issues: z.core.$ZodIssue[], given: unknown): string[] {
  return issues.flatMap((issue) => {
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const keys = issue.keys.map((key) => (path ? `${path}.${key}` : key));
      return `has no key ${keys.map((key) => key.slice(0, MAX_KEY)).join(", ")}`;
    }
    const value = issue.path.reduce(part, given);
    if (issue.code === "invalid_union") {
      const closest = issue.errors.find((errors) => errors.some((error) => error.path.length > 0));
      if (closest)
        return problemsOf(
          closest.map((error) => ({ ...error, path: [...issue.path, ...error.path] })),
          given,
        );
    }
    return `${path} ${value === undefined ? "is missing" : plain(issue)}`;
  });
}

/** Longer keys are cut. */
const MAX_KEY = 100;

function part(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

const TYPES: Record<string, string> = { string: "a text", array: "a list", boolean: "true or false" };

function plain(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `must be ${TYPES[issue.expected] ?? "an object"}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_union") return "must be a field's name or a list of rules";
  return issue.message;
}
