import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Stalls } from "./stalls.ts";

test("what keeps this process from its work is noted, and how long", async () => {
  const stalls = new Stalls();
  onTestFinished(() => stalls.stop());
  await sleep(0);
  const from = Date.now();
  while (Date.now() - from < 300);
  stalls.stop();
  const [began = 0, until = 0] = stalls.spans.at(-1) ?? [];
  expect(began).toBeLessThanOrEqual(from);
  expect(until - from).toBeGreaterThanOrEqual(300);
});
