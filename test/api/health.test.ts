import { expect, test } from "vitest";
import vercel from "../../vercel.json" with { type: "json" };
import { startFunction } from "../support/platform.ts";
import { createWorld } from "../support/world.ts";

test("as the platform runs it: open to everybody, who are told ok or not, and may ask for no body", async () => {
  const world = await createWorld();
  await world.pass();
  const url = await startFunction(world.env, "api/health.ts");
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([200, '{"ok":true}']);
  const head = await fetch(url, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect((await fetch(url, { method: "POST" })).status).toBe(405);
});

test("the platform gives it more time than its own limit of eight seconds", () => {
  expect(vercel.functions["api/health.ts"].maxDuration).toBeGreaterThan(10);
});
