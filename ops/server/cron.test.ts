import { expect, onTestFinished, test, vi } from "vitest";
import vercel from "../../vercel.json" with { type: "json" };

test("without crons in vercel.json the server and the doctor still know the path, and a schedule", async () => {
  const { crons, ...rest } = vercel;
  vi.resetModules();
  vi.doMock("../../vercel.json", () => ({ default: rest }));
  onTestFinished(() => vi.doUnmock("../../vercel.json"));

  const { CRON_PATH, CRON_SCHEDULE } = await import("./settings.ts");

  expect([{ path: CRON_PATH, schedule: CRON_SCHEDULE }]).toEqual(crons);
});
