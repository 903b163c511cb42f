import { globSync } from "node:fs";
import { describe, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { importsOf, ROOT } from "../test/support/imports.ts";

const PRODUCTION = Object.keys(packageJson.dependencies);

describe.each(globSync("ops/*/main.ts", { cwd: ROOT }))("%s", (program) => {
  test("runs after npm ci --omit=dev: what it imports is a dependency in production", async () => {
    const { files, packages } = await importsOf(program);
    expect(packages).toContain("mongodb");
    expect(packages.filter((name) => !PRODUCTION.includes(name))).toEqual([]);
    expect(files.filter((file) => /^(dev|test)\//.test(file))).toEqual([]);
  });
});

describe.each(globSync("api/*.ts", { cwd: ROOT }))("%s", (program) => {
  test("brings nothing to the platform that only a host of one's own needs", async () => {
    const { files, packages } = await importsOf(program);
    expect(packages).toContain("pino");
    for (const name of ["pino-pretty", "@hono/node-server", "croner"]) expect(packages).not.toContain(name);
    expect(files.filter((file) => !/^(api|lib)\/|^vercel\.json$/.test(file))).toEqual([]);
  });
});
