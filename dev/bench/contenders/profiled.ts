import { writeFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";

/** How often the processor is sampled, in microseconds. */
const SAMPLED_EVERY = 200;

/**
 * Does work under Node's own profiler.
 *
 * @param file where the profile goes, as browsers' developer tools read it (`.cpuprofile`)
 */
export async function profiled<T>(file: string, work: () => Promise<T>): Promise<T> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLED_EVERY });
  await session.post("Profiler.start");
  const result = await work();
  const { profile } = await session.post("Profiler.stop");
  await writeFile(file, JSON.stringify(profile));
  session.disconnect();
  return result;
}
