import { expect, test, vi } from "vitest";
import { writeLogTo } from "../../../lib/log.ts";
import { PROBLEMS } from "../../../lib/problems.ts";
import { createAlertedWorld } from "../../support/alerted-world.ts";
import { readPage } from "../../support/status.ts";
import { ago } from "../../support/world.ts";

const broken = vi.hoisted(() => ({ step: false }));

vi.mock("../../../lib/messages/audit.ts", async (importOriginal) => {
  const actual = await importOriginal<typeof import("../../../lib/messages/audit.ts")>();
  const auditMessages: typeof actual.auditMessages = (...given) => {
    if (broken.step) throw new TypeError("words-7q of the error");
    return actual.auditMessages(...given);
  };
  return { ...actual, auditMessages };
});

test("a defect in one step: the others run, and answer, log, record, page and one alert say so", async () => {
  const lines: string[] = [];
  writeLogTo({ write: (line) => void lines.push(line) });
  const world = await createAlertedWorld({}, { LOG_LEVEL: "info" });
  lines.length = 0;
  broken.step = true;
  await world.insert({});
  const response = await world.call();
  expect(response.status).toBe(500);
  const summary = JSON.parse(await response.text());
  const told = {
    ok: false,
    errors: [{ code: "internal_error", message: PROBLEMS.internal_error, count: 1 }],
  };
  expect(summary).toMatchObject({ sent: 1, ...told });
  const logged = lines.map((line) => JSON.parse(line));
  expect(logged.filter(({ msg }) => msg === "pass")).toMatchObject([told]);
  expect(logged.filter(({ step }) => step === "audit")).toMatchObject([{ error: { name: "TypeError" } }]);
  expect(lines.join("")).not.toContain("-7q");
  expect(await world.scheduler.findOne({ _id: "last-pass" as never })).toMatchObject({ summary: told });
  await world.callAndTell();
  broken.step = false;
  expect(await readPage(world)).toMatch(
    /<h1>Running, but not everything went out[^<]*<\/h1><p>internal_error/,
  );
  await world.callAndTell();
  expect(world.told()).toEqual(["defect standing"]);
  await world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { "entries.$[].lastAt": ago(610) } });
  await world.callAndTell();
  expect(world.told()).toEqual(["defect standing", "defect over"]);
});
