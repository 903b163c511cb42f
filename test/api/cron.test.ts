import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { glob } from "@vercel/build-utils";
import { expect, test } from "vitest";
import { startFunction } from "../support/platform.ts";
import { createWorld, SECRET, type World } from "../support/world.ts";

const ROOT = resolve(import.meta.dirname, "../..");

const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });

async function expectNothingSent(world: World): Promise<void> {
  expect(world.waha.requests).toHaveLength(0);
}

test("as the platform runs it: 401 to strangers, 405 to POST, 200 and the messages sent to the cron", async () => {
  const world = await createWorld();
  await world.insert({});
  const url = await startFunction(world.env);
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: SECRET } })).status).toBe(401);
  expect((await fetch(url, bearer("another-secret-altogether"))).status).toBe(401);
  expect((await fetch(url, { method: "POST", ...bearer(SECRET) })).status).toBe(405);
  await expectNothingSent(world);
  const response = await fetch(url, bearer(SECRET));
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toMatchObject({ ok: true, sent: 1 });
  expect(world.waha.ledger).toHaveLength(1);
});

test("as the platform runs it without CRON_SECRET: 500 that names it", async () => {
  const world = await createWorld();
  const url = await startFunction({ ...world.env, CRON_SECRET: "" });
  const response = await fetch(url, bearer(""));
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ ok: false, errors: [{ setting: "CRON_SECRET" }] });
  await expectNothingSent(world);
});

test("the platform's configuration: a call a minute, the function's time limit, and only public/ as static files", async () => {
  const vercel = JSON.parse(await readFile(resolve(ROOT, "vercel.json"), "utf8"));
  expect(vercel.crons).toEqual([{ path: "/api/cron", schedule: "* * * * *" }]);
  expect(vercel.outputDirectory).toBe("public");
  expect(vercel.functions["api/cron.ts"].maxDuration).toBe(60);
  expect(Object.keys(await glob("**", resolve(ROOT, "public")))).toEqual(["robots.txt"]);
});
