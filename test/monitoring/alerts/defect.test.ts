import { MongoServerError } from "mongodb";
import { expect, test, vi } from "vitest";
import { backgroundDone } from "../../../lib/async.ts";
import { writeLogTo } from "../../../lib/log.ts";
import { messageOf } from "../../../lib/problems.ts";
import { createAlertedWorld } from "../../support/alerted-world.ts";
import { readPage } from "../../support/status.ts";
import { ago } from "../../support/world.ts";

/** What a step meets. */
const broken = vi.hoisted((): { by?: Error } => ({}));

vi.mock("../../../lib/monitoring/audit.ts", async (importOriginal) => {
  const actual = await importOriginal<typeof import("../../../lib/monitoring/audit.ts")>();
  const auditMessages: typeof actual.auditMessages = async (...given) => {
    if (broken.by) throw broken.by;
    return actual.auditMessages(...given);
  };
  return { ...actual, auditMessages };
});

test("an audit that takes the database too long fails no pass, and is mentioned", async () => {
  const world = await createAlertedWorld();
  await world.insert({});
  broken.by = new MongoServerError({ errmsg: "operation exceeded time limit", code: 50 });
  const response = await world.call();
  delete broken.by;
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ ok: true, sent: 1, errors: [{ code: "database_slow" }] });
  await backgroundDone();
  expect(world.told()).toEqual([]);
});

test("a defect in one step: the others run, and answer, log, record, page and one alert say so", async () => {
  const lines: string[] = [];
  writeLogTo({ write: (line) => void lines.push(line) });
  const world = await createAlertedWorld({}, { LOG_LEVEL: "info" });
  lines.length = 0;
  broken.by = new TypeError("words-7q of the error");
  await world.insert({});
  const response = await world.call();
  expect(response.status).toBe(500);
  const summary = JSON.parse(await response.text());
  const told = {
    ok: false,
    errors: [{ code: "internal_error", message: messageOf("internal_error"), count: 1 }],
  };
  expect(summary).toMatchObject({ sent: 1, ...told });
  const logged = lines.map((line) => JSON.parse(line));
  expect(logged.filter(({ msg }) => msg === "pass")).toMatchObject([told]);
  expect(logged.filter(({ step }) => step === "audit")).toMatchObject([{ error: { name: "TypeError" } }]);
  expect(lines.join("")).not.toContain("-7q");
  expect(await world.scheduler.findOne({ _id: "last-pass" as never })).toMatchObject({ summary: told });
  await world.callAndTell();
  delete broken.by;
  expect(await readPage(world)).toMatch(
    /<h1>Running, but not everything went out[^<]*<\/h1><p>internal_error/,
  );
  await world.callAndTell();
  expect(world.told()).toEqual(["defect standing"]);
  await world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { "entries.$[].lastAt": ago(610) } });
  await world.callAndTell();
  expect(world.told()).toEqual(["defect standing", "defect over"]);
});
