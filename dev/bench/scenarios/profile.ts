import { readFile } from "node:fs/promises";
import type { Profiler } from "node:inspector";
import { join } from "node:path";
import { OURS } from "../contenders/catalog.ts";
import { openWahaFor } from "../contest.ts";
import { measure } from "../measure.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { makeWork } from "../work.ts";

const SESSIONS = 20;
const LATENCY_MS = 20;

/** Shares below this are told together. */
const LEAST_SHARE = 0.01;

/** What the function's process does while 20 sessions send: where a pass's time goes, and where it does not. */
export const profile: Scenario = {
  name: "profile",
  run: async (lab, { messages }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const file = join(lab.folder, "pass.cpuprofile");
    const place = { database: "profile", waha, settings: { PROFILE_TO: file } };
    const ours = lab.start({ name: OURS, program: "ours", args: [] }, place);
    let msPerMessage = Number.NaN;
    // The first is there so that its code is warm; the second writes over its profile.
    for (let round = 0; round < 2; round += 1) {
      const work = makeWork({ messages, sessions: SESSIONS }, new Date());
      const run = await measure(lab, { database: place.database, waha, contenders: [ours], work });
      msPerMessage = (run.seconds * 1000 * SESSIONS) / run.messages;
    }
    await ours.end();
    await waha.stop();
    const shares = sharesOf(JSON.parse(await readFile(file, "utf8")));
    tell(`asleep for ${percent(shares.get(ASLEEP) ?? 0)}`);
    return {
      tables: [
        {
          title: "What the function's process does while it sends",
          note: `${messages.toLocaleString("en")} messages over ${SESSIONS} sessions, WAHA takes ${LATENCY_MS} ms; a session takes ${msPerMessage.toFixed(1)} ms for a message`,
          head: ["", "of the time"],
          rows: [...shares]
            .sort(([, one], [, other]) => other - one)
            .map(([name, share]) => [name, percent(share)]),
        },
      ],
      figures: {},
    };
  },
};

const ASLEEP = "asleep: it waits for WAHA and the database";
const RUNTIME = "Node itself";
const OWN = "this project";
const REST = "the rest";

/** The shares of a profile's time, by whose code ran. */
export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const time = timeDeltas[index] ?? 0;
    const name = names.get(id) ?? REST;
    times.set(name, (times.get(name) ?? 0) + time);
    total += time;
  }
  const shares = new Map<string, number>();
  for (const [name, time] of times) {
    const shown = time / total < LEAST_SHARE ? REST : name;
    shares.set(shown, (shares.get(shown) ?? 0) + time / total);
  }
  return shares;
}

function nameOf({ functionName, url }: Profiler.Profile["nodes"][number]["callFrame"]): string {
  if (functionName === "(idle)") return ASLEEP;
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1];
  if (inPackage) return inPackage;
  return url.startsWith("file:") ? OWN : RUNTIME;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
