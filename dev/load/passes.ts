import type { Summary } from "../../lib/monitoring/report.ts";
import type { PassRun } from "./seen.ts";
import type { Stage } from "./stage.ts";

/**
 * Runs passes one after another, as the cron would, until nothing is left to do, or one gets nothing done.
 *
 * @param onPass told of each pass when it has ended
 */
export async function drain(stage: Stage, onPass: (pass: PassRun) => void): Promise<PassRun[]> {
  const passes: PassRun[] = [];
  for (;;) {
    const pass = await runPass(stage);
    passes.push(pass);
    onPass(pass);
    if (pass.sent + pass.campaignsCompleted === 0) return passes;
    if (!pass.more && (await stage.countLeft()) === 0) return passes;
  }
}

async function runPass({ instance }: Stage): Promise<PassRun> {
  const began = performance.now();
  const answer = await instance.call(0);
  const seconds = (performance.now() - began) / 1000;
  const body: Partial<Summary> = answer ? JSON.parse(answer.body) : {};
  return {
    status: answer?.status,
    seconds,
    sent: body.sent ?? 0,
    campaignsCompleted: body.campaignsCompleted ?? 0,
    more: body.more ?? true,
    peakMemory: answer?.peakMemory ?? 0,
    problems: (body.errors ?? []).map(({ code, count }) => `${count} × ${code}`),
  };
}
