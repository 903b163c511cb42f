import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { BUGS } from "../dev/chaos/bugs.ts";
import { INVARIANTS } from "../dev/chaos/check/index.ts";
import { generatedFiles } from "../dev/docs/generate.ts";
import { CAMPAIGN_INDEXES } from "../lib/campaigns.ts";
import { MOVED_SETTINGS, parseConfig } from "../lib/config.ts";
import { MAPPINGS } from "../lib/documents/mapping.ts";
import { parseMapping } from "../lib/documents/parse.ts";
import { ConfigError } from "../lib/errors.ts";
import { messageIndexes } from "../lib/messages/indexes.ts";
import { PassStats } from "../lib/pass/stats.ts";
import { errorPage, errorUrl, PROBLEMS, type ProblemCode } from "../lib/problems.ts";
import { readServerSettings } from "../ops/server/settings.ts";
import packageJson from "../package.json" with { type: "json" };
import { settingNames } from "./support/setting-names.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Every page there is. */
const PAGES = globSync(["*.md", "docs/*.md", ".github/**/*.md", "dev/*.md"], { cwd: ROOT }).sort();
const ALL = PAGES.map(read).join("\n");

const README = read("README.md");
const API = read("docs/api.md");
const CONFIGURATION = read("docs/configuration.md");
const DOCUMENTS = read("docs/documents.md");
const ERRORS = read("docs/errors.md");
const PROTOCOL = read("docs/protocol.md");
const RELIABILITY = read("docs/reliability.md");
const ENV_EXAMPLE = read(".env.example");

/** The part of a document under one heading, up to the next of the same or a higher level. */
function section(document: string, heading: string): string {
  const level = heading.indexOf(" ");
  const [, rest] = `\n${document}`.split(`\n${heading}\n`);
  if (rest === undefined) throw new Error(`no heading ${heading}`);
  return rest.split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
}

/** The cells of every table row in a text, without heads and rules. */
function rows(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const isRule = (line: string | undefined) => /^\|( --- \|)+$/.test(line ?? "");
  const body = lines.filter((line, index) => !isRule(line) && !isRule(lines[index + 1]));
  return body.map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

/** What the first cells of a text's rows name in backticks. */
function named(text: string): string[] {
  return rows(text).flatMap(([first = ""]) => [...first.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}

/** The members of an interface, or the strings of a union, as its source lists them. */
function listedIn(path: string, start: string, end: string, item: RegExp): string[] {
  const [, after = ""] = read(path).split(start);
  return [...(after.split(end)[0] ?? "").matchAll(item)].map(([, name = ""]) => name);
}

const ANSWER_CODES = [...read("lib/http/respond.ts").matchAll(/code: "(\w+)"/g)].map(([, code = ""]) => code);

test("what the pages take from the code is up to date; if not, run npm run docs", async () => {
  for (const [path, text] of await generatedFiles()) expect(read(path), path).toBe(text);
});

describe("the codes", () => {
  test("are every code there is, each explained once", () => {
    expect(named(ERRORS).sort()).toEqual([...Object.keys(PROBLEMS), ...ANSWER_CODES].sort());
  });

  test("each come with what happened and what to do", () => {
    for (const cells of rows(ERRORS)) {
      expect(cells, cells[0]).toHaveLength(3);
      expect(Math.min(...cells.map((cell) => cell.length)), cells[0]).toBeGreaterThan(5);
    }
  });

  test("each have an anchor, to which the log, alerts, the doctor and the status page lead", () => {
    for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
      expect(leadsSomewhere("README.md", errorPage(code)), code).toBe(true);
      expect(errorUrl(code)).toBe(`${packageJson.homepage}/blob/main/${errorPage(code)}`);
    }
  });

  test("are real wherever one is named", () => {
    const indexes = [...messageIndexes(MAPPINGS.plain.messages), ...CAMPAIGN_INDEXES].map(
      (index) => index.name,
    );
    const others = ["completed_with_failures", "scheduler_id"];
    const known = [...Object.keys(PROBLEMS), ...ANSWER_CODES, ...indexes, ...others];
    const words = [...ALL.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, word]) => word);
    expect(words.length).toBeGreaterThan(80);
    expect(words.filter((word) => !known.includes(word ?? ""))).toEqual([]);
  });
});

describe("the settings", () => {
  const names = settingNames("lib/config.ts");
  const serverNames = settingNames("ops/server/settings.ts");
  const required = requiredSettings();
  const complete = {
    DATABASE_URL: "mongodb://localhost/app",
    WAHA_API_URL: "http://localhost:3000",
    CRON_SECRET: "sixteen characters".replaceAll(" ", "-"),
  };
  const { port: PORT, host: HOST, schedule } = readServerSettings(complete);
  const TICK_SECONDS = "everySeconds" in schedule ? schedule.everySeconds : schedule.cron;
  const defaults: Record<string, unknown> = { ...parseConfig(complete), PORT, HOST, TICK_SECONDS };

  /** A setting's default as one writes it in an environment. */
  function defaultOf(name: string): string | undefined {
    const value = defaults[name];
    const shipped = Object.entries(MAPPINGS).find(([, mapping]) => mapping === value)?.[0];
    return value === undefined ? undefined : (shipped ?? String(value));
  }

  test.each([
    ["## Settings", names],
    ["## A server of your own", serverNames],
  ])("are all in the table under %s, with their defaults", (heading, listed) => {
    const table = rows(section(CONFIGURATION, heading));
    expect(table.map(([name]) => name).sort()).toEqual(listed.map((name) => `\`${name}\``).sort());
    for (const [cell = "", value, meaning = ""] of table) {
      const name = cell.replaceAll("`", "");
      expect(meaning, name).toMatch(/^.{20,}\.$/);
      const expected = required.has(name) ? "required" : defaultOf(name);
      expect(value?.replaceAll("`", ""), name).toBe(expected ?? "none");
    }
  });

  test("are all in .env.example: the four that are needed first, required ones set, the others commented out with their defaults", () => {
    const lines = ENV_EXAMPLE.split("\n").filter((line) => /^(# )?[A-Z_]+=/.test(line));
    const given = new Map(lines.map((line) => [/[A-Z_]+/.exec(line)?.[0] ?? "", line]));
    const all = [...names, ...serverNames];
    expect(lines).toHaveLength(all.length);
    expect([...given.keys()].sort()).toEqual(all.sort());
    for (const [name, line] of given) {
      if (required.has(name)) expect(line).toMatch(/^[A-Z_]+=/);
      else expect(line).toBe(`# ${name}=${defaultOf(name) ?? ""}`);
    }
    expect([...given.keys()].slice(0, 4)).toEqual([
      "DATABASE_URL",
      "WAHA_API_URL",
      "WAHA_API_KEY",
      "CRON_SECRET",
    ]);
    expect(ENV_EXAMPLE).toMatch(/^# WAHA's key, .*Uncomment it unless WAHA has none\.\n# WAHA_API_KEY=$/m);
  });

  test("each have a one-line comment in .env.example", () => {
    const lines = ENV_EXAMPLE.split("\n");
    for (const [index, line] of lines.entries())
      if (/^(# )?[A-Z_]+=/.test(line)) expect(lines[index - 1], line).toMatch(/^# \S.*\.$/);
  });

  test("of .env.example work once the secret is filled in, which can't be forgotten", () => {
    const env = parseEnv(ENV_EXAMPLE) as NodeJS.ProcessEnv;
    expect(() => parseConfig(env)).toThrow("CRON_SECRET is not set");
    expect(() => parseConfig({ ...env, CRON_SECRET: "x".repeat(16) })).not.toThrow();
  });
});

function requiredSettings(): Set<string> {
  try {
    parseConfig({});
  } catch (error) {
    if (error instanceof ConfigError) return new Set(error.problems.map(({ setting }) => setting));
    throw error;
  }
  return new Set();
}

describe("the states of a message", () => {
  const states = listedIn("lib/messages/message.ts", "export type DeliveryState =", ";", /"(\w+)"/g).sort();

  test("are the README's", () => {
    expect(named(section(README, "## What each state means")).sort()).toEqual(states);
  });

  test("are the protocol's, in its table and in its diagram", () => {
    const text = section(PROTOCOL, "## The states of a message");
    const table = rows(text).filter((cells) => cells.length === 5);
    expect(table.flatMap(([state = ""]) => /^`(\w+)`$/.exec(state)?.[1] ?? []).sort()).toEqual(states);
    const arrows = [...text.matchAll(/^ +(\S+) --> ([^\s:]+)/gm)].flatMap(([, from, to]) => [from, to]);
    expect([...new Set(arrows)].sort()).toEqual(["[*]", "none", ...states].sort());
  });
});

test("the protocol lists every field of a message's delivery", () => {
  const fields = listedIn(
    "lib/messages/message.ts",
    "export interface Delivery {",
    "\n}",
    /^ {2}(\w+)\??:/gm,
  );
  const table = rows(section(PROTOCOL, "## The states of a message")).filter((cells) => cells.length === 3);
  const listed = table.flatMap(([first = ""]) => [...first.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(listed.sort()).toEqual(fields.sort());
});

describe("the page on other names", () => {
  const PAGE = read("docs/mapping.md");

  test("explains every key of a mapping, with its default", () => {
    const { plain, "whatsapp-waha-dashboard": dashboard } = MAPPINGS;
    const keys = Object.entries(dashboard).flatMap(([part, names]) =>
      Object.keys(names).map((key) => `${part}.${key}`),
    );
    const table = rows(section(PAGE, "## Keys")).filter((cells) => cells.length === 3);
    expect(table.map(([key = ""]) => key.replaceAll("`", ""))).toEqual(keys);
    for (const [path = "", value] of table) {
      const [part, key = ""] = path.replaceAll("`", "").split(".") as [keyof typeof plain, string];
      const names: Record<string, unknown> | null = plain[part];
      const written = (name: unknown) =>
        typeof name === "string" ? name : JSON.stringify(name)?.replace(",", ", ");
      expect(value?.replaceAll("`", ""), path).toBe(names ? written(names[key]) : "no groups");
    }
  });

  test("explains every key of a rule for media", () => {
    const [rule] = MAPPINGS["whatsapp-waha-dashboard"].messages.media;
    expect(named(section(PAGE, "### Rules for media")).sort()).toEqual(Object.keys(rule ?? {}).sort());
  });

  test("names every setting that has moved", () => {
    const table = rows(section(PAGE, "## Settings of earlier versions"));
    expect(table.map(([setting = ""]) => setting.replaceAll("`", ""))).toEqual(Object.keys(MOVED_SETTINGS));
    for (const [setting = "", key = ""] of table)
      expect(key).toContain(`\`${MOVED_SETTINGS[setting.replaceAll("`", "")]}\``);
  });

  test("has examples that are taken for DOCUMENTS, as have all pages", () => {
    const examples = [...ALL.matchAll(/DOCUMENTS='([^']+)'/g)].map(([, value = ""]) => value);
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) expect(parseMapping(example), example).toHaveProperty("mapping");
  });
});

test("the fields of delivery that apps are told of exist", () => {
  const fields = listedIn(
    "lib/messages/message.ts",
    "export interface Delivery {",
    "\n}",
    /^ {2}(\w+)\??:/gm,
  );
  const told = named(section(DOCUMENTS, "## Messages").split("`delivery`:")[1] ?? "");
  expect(told.length).toBeGreaterThan(8);
  expect(told.filter((field) => !fields.includes(field))).toEqual([]);
});

test("the API's page explains every field of the summary", () => {
  const fields = Object.keys(new PassStats().summary("", new Date(0), 0));
  const table = rows(section(API, "## GET /api/cron")).filter((cells) => cells.length === 2);
  const listed = table.flatMap(([first = ""]) => [...first.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(listed.sort()).toEqual(fields.sort());
});

test("the API's page explains every field of the status", () => {
  const own = listedIn(
    "lib/monitoring/status/gather.ts",
    "export interface Status extends IfRead<History> {",
    "\n}",
    /^ {2}(\w+):/gm,
  );
  const history = listedIn(
    "lib/monitoring/history/read.ts",
    "export interface History {",
    "\n}",
    /^ {2}(\w+):/gm,
  );
  const listed = named(section(API, "## GET /api/status"));
  expect(listed.sort()).toEqual([...new Set([...own, ...history])].sort());
});

test("the commands that create the indexes by hand are what the code creates", () => {
  const blocks = read("docs/indexes.md").matchAll(/db\.runCommand\((\{.*?\n\})\)/gs);
  expect([...blocks].map(([, json = ""]) => JSON.parse(json))).toEqual([
    { createIndexes: "messages", indexes: messageIndexes(MAPPINGS.plain.messages) },
    { createIndexes: "campaigns", indexes: CAMPAIGN_INDEXES },
  ]);
});

test("every npm script that a page names exists, and each that is for people is named", () => {
  const used = [...ALL.matchAll(/npm run ([\w:]+)/g)].map(([, script = ""]) => script);
  const scripts = Object.keys(packageJson.scripts);
  expect([...new Set(used)].filter((script) => !scripts.includes(script))).toEqual([]);
  for (const script of [
    "demo",
    "dev",
    "doctor",
    "resend",
    "chaos",
    "load",
    "bench",
    "idle",
    "screenshot",
    "docs",
  ])
    expect(used, script).toContain(script);
  expect(scripts).toEqual(expect.arrayContaining(["start", "test"]));
});

describe("the size of the pages", () => {
  const size = (path: string) => Buffer.byteLength(read(path));

  test("lets the README be read in two minutes", () => {
    expect(size("README.md")).toBeLessThanOrEqual(10_240);
    expect(README.split("\n").length).toBeLessThanOrEqual(200);
  });

  test("is at most 15 KB for every other one, but for the protocol", () => {
    const long = PAGES.filter((path) => size(path) > 15 * 1024 && path !== "docs/protocol.md");
    expect(long).toEqual([]);
  });
});

test("the workflow and the issue forms are YAML", () => {
  const files = globSync(".github/**/*.yml", { cwd: ROOT });
  expect(files.length).toBeGreaterThan(2);
  for (const path of files) expect(parseYaml(read(path)), path).toBeTypeOf("object");
});

test("every page of docs/ is in its index", () => {
  const index = read("docs/README.md");
  for (const page of globSync("docs/*.md", { cwd: ROOT }).map((path) => path.slice("docs/".length)))
    if (page !== "README.md") expect(index).toContain(`](${page})`);
});

test("no page and no source leads to a README that does not have it", () => {
  const leads = globSync(["api/**/*.ts", "lib/**/*.ts", "ops/**/*"], { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(leads.length).toBeGreaterThan(80);
  expect(leads.filter((path) => readFileSync(path, "utf8").includes("README"))).toEqual([]);
  for (const path of leads)
    for (const [target] of readFileSync(path, "utf8").matchAll(/docs\/[\w-]+\.md(?:#[\w-]+)?/g))
      expect(leadsSomewhere("README.md", target), `${relative(ROOT, path)}: ${target}`).toBe(true);
});

test("the invariants that are promised are those that the chaos run checks", () => {
  expect(named(section(RELIABILITY, "## What is checked"))).toEqual(Object.keys(INVARIANTS));
});

test("the planted bugs that are listed are those that the chaos run must find, and by what", () => {
  const found = rows(section(RELIABILITY, "## Does it find anything?"));
  expect(found.map(([bug = ""]) => bug.toLowerCase())).toEqual(BUGS.map(({ bug }) => bug.name.toLowerCase()));
  for (const [index, [, by = ""]] of found.entries())
    expect([...by.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(BUGS[index]?.caughtBy);
});

describe.each(PAGES)("the links of %s", (path) => {
  const links = [...withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);

  test("lead to files and headings that exist", () => {
    expect(links.filter((target) => !/^https?:/.test(target) && !leadsSomewhere(path, target))).toEqual([]);
  });
});

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file ? join(ROOT, dirname(from), file) : join(ROOT, from);
  if (relative(ROOT, path).startsWith("..") || !existsSync(path)) return false;
  return anchor === undefined || anchorsOf(readFileSync(path, "utf8")).has(anchor);
}

/** The anchors of a document: those that GitHub gives its headings, and its own. */
function anchorsOf(document: string): Set<string> {
  const anchors = new Set([...document.matchAll(/<a id="([\w-]+)">/g)].map(([, id = ""]) => id));
  for (const [, heading = ""] of withoutCode(document).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
    const anchor = plain.replaceAll(" ", "-");
    let unique = anchor;
    for (let copy = 1; anchors.has(unique); copy += 1) unique = `${anchor}-${copy}`;
    anchors.add(unique);
  }
  return anchors;
}

function withoutCode(document: string): string {
  return document.replace(/^ *```.*?^ *```$/gms, "");
}
