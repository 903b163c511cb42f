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
  if (!value.trimStart().startsWith("{")) return { problems: [`must be ${NAMES}, or a JSON object`] };
  const changes = readJson(value);
  if (changes === undefined) return { problems: ["is not JSON"] };
  const { extends: base = "plain", ...own } = changes;
  if (!isMappingName(base)) return { problems: [`extends must be ${NAMES}`] };
  const parsed = MappingSchema.safeParse(merged(MAPPINGS[base], own));
  return parsed.success ? { mapping: parsed.data } : { problems: problemsOf(parsed.error) };
}

const NAMES = Object.keys(MAPPINGS)
  .map((name) => `"${name}"`)
  .join(" or ");

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
function problemsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const keys = issue.keys.map((key) => (path ? `${path}.${key}` : key));
      return `has no key ${keys.map((key) => key.slice(0, 100)).join(", ")}`;
    }
    return `${path} ${plain(issue)}`;
  });
}

function plain(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `must be a ${issue.expected}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_union") return "must be a field's name or a list of rules";
  return issue.message;
}

/** Settings of earlier versions, and the key of DOCUMENTS that says the same. */
export const MOVED_SETTINGS: Record<string, string> = {
  MESSAGES_COLLECTION: "messages.collection",
  CAMPAIGNS_COLLECTION: "campaigns.collection",
  SESSIONS_COLLECTION: "sessions.collection",
  CAMPAIGN_STATUS_SENDING: "campaigns.sending",
  CAMPAIGN_STATUS_COMPLETED: "campaigns.completedWord",
  CAMPAIGN_STATUS_FAILED: "campaigns.failedWord",
  CAMPAIGN_STATUS_HOLD: "campaigns.hold",
};
