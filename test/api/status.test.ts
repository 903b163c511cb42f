import { expect, test } from "vitest";
import { startFunction } from "../support/platform.ts";
import { basic } from "../support/status.ts";
import { createWorld, SECRET } from "../support/world.ts";

test("as the platform runs it: 401 to strangers, JSON to machines, a page to browsers", async () => {
  const world = await createWorld();
  await world.pass();
  const url = await startFunction(world.env, "api/status.ts");
  expect((await fetch(url)).status).toBe(401);
  const json = await fetch(url, { headers: { authorization: `Bearer ${SECRET}` } });
  expect(json.headers.get("cache-control")).toBe("no-store");
  expect(await json.json()).toMatchObject({ ok: true, waha: { reachable: true, working: 1 } });
  const page = await fetch(url, { headers: { authorization: basic(SECRET), accept: "text/html" } });
  expect(page.status).toBe(200);
  expect(await page.text()).toMatch(/<h1>Running: last pass \d+ s ago<\/h1>/);
});
