import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Crew } from "./crew.ts";

/** A crew whose processes do this with every call. */
async function crewThat(does: string): Promise<Crew> {
  const folder = await mkdtemp(join(tmpdir(), "chaos-crew-test-"));
  const program = join(folder, "program.mjs");
  await writeFile(program, `process.on("message", ({ call }) => { ${does} });\nprocess.send("ready");\n`);
  const crew = new Crew("p0r0", program, () => ({}));
  onTestFinished(async () => {
    await crew.end();
    await rm(folder, { recursive: true });
  });
  return crew;
}

const answering = (status: number, body: object | string) =>
  `process.send({ call, status: ${status}, body: ${JSON.stringify(typeof body === "string" ? body : JSON.stringify(body))}, peakMemory: 1 })`;

const REASON = { code: "waha_unreachable", message: "WAHA can't be reached", count: 1 };

test.each([
  [200, { ok: true, passId: "p" }, 0],
  [503, { ok: false, errors: [REASON] }, 0],
  [200, { ok: true }, 1],
  [200, "", 1],
  [503, { ok: false, errors: [] }, 1],
  [503, "Service Unavailable", 1],
  [500, { ok: false, errors: [REASON] }, 1],
])("an answer of %i with %o is odd %i times", async (status, body, odd) => {
  const crew = await crewThat(answering(status, body));
  await crew.callOne(crew.newcomer(), 0);
  expect([crew.answers, crew.oddAnswers.length]).toEqual([1, odd]);
});

test("a process that ends by itself is odd, and one that was killed is not", async () => {
  const crew = await crewThat("process.exit(3)");
  await crew.callOne(crew.newcomer(), 0);
  expect(crew.oddAnswers).toEqual(["p0r0i0 ended by itself (3)"]);
  const silent = await crewThat("");
  const instance = silent.newcomer();
  const call = silent.callOne(instance, 0);
  await expect.poll(() => instance.busy).toBe(1);
  instance.kill();
  expect(await call).toBeUndefined();
  expect(silent.oddAnswers).toEqual([]);
});
