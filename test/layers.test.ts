import { globSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { importsOf } from "./support/imports.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** The rooms of the product, the ones that know most first: each imports from those below it. */
const LAYERS = [
  ["api"],
  ["http"],
  ["pass"],
  ["monitoring"],
  ["sessions"],
  ["campaigns", "messages", "waha"],
  ["mongo"],
  ["config", "database-url", "documents", "problems", "errors", "neutral", "log", "clock", "async"],
];

/** `lib/pass/run.ts` is in the room `pass`, `lib/campaigns.ts` is one by itself. */
function roomOf(file: string): string {
  const [folder = "", room = ""] = file.split("/");
  return folder === "lib" ? room.replace(/\.ts$/, "") : folder;
}

const layerOf = (file: string) => LAYERS.findIndex((rooms) => rooms.includes(roomOf(file)));

interface Import {
  from: string;
  to: string;
}

/** What the product's files import of this project, from its root; packages are left out. */
const IMPORTS: Import[] = globSync("{api,lib}/**/*.ts", { cwd: ROOT }).flatMap((from) => {
  const source = readFileSync(join(ROOT, from), "utf8");
  const paths = source.matchAll(/(?:from|import|import\() ?"(\.[^"]+)"/g);
  return [...paths].map(([, path = ""]) => ({ from, to: relative(ROOT, resolve(ROOT, from, "..", path)) }));
});

/** Rooms of one layer don't know each other, but for the last layer's files, which are one room. */
function isAllowed({ from, to }: Import): boolean {
  if (to === "vercel.json") return true;
  const [above, below] = [layerOf(from), layerOf(to)];
  if (above === -1 || below === -1) return false;
  if (above !== below) return above < below;
  const [room, other] = [roomOf(from), roomOf(to)];
  return room === other || above === LAYERS.length - 1;
}

test("rooms import from the layers below them, and never from dev, ops or test", () => {
  expect(IMPORTS.length).toBeGreaterThan(100);
  const wrong = IMPORTS.filter((found) => !isAllowed(found));
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test("a cold start loads nothing that a pass does not need for its answer", async () => {
  const { atStart: loaded } = await importsOf("api/cron.ts");
  expect(loaded).toContain("lib/pass/send/deliver.ts");
  const needless =
    /alerts\/(tell-of-pass|database-away|evaluate|notification|post)|pass\/(dry-run|forecast)|monitoring\/status/;
  expect(loaded.filter((file) => needless.test(file))).toEqual([]);
});
