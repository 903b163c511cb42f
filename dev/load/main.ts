/** `npm run load`: lets tens of thousands of messages be due at once, and checks what becomes of them. */
import { helpIfAsked } from "../../ops/program.ts";
import { runProgram } from "../host/process.ts";
import { judge } from "./check.ts";
import { readOptions, USAGE } from "./options.ts";
import { drain } from "./passes.ts";
import { tellPass, tellTotal, tellVerdict } from "./report.ts";
import { buildStage, PASS_SECONDS } from "./stage.ts";
import { makeWorld } from "./world.ts";

/** An eighth of what a function has on the platform by default; of the whole process. */
const MEMORY_MB = 256;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
helpIfAsked(USAGE);
await runProgram(load);

async function load(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const { messages, sessions } = options;
  console.log(`${messages} messages are due, over ${sessions} sessions; a pass may take ${PASS_SECONDS} s`);
  const world = makeWorld(options, new Date());
  const stage = await buildStage(world);
  try {
    const passes = await drain(stage, (pass) => console.log(tellPass(pass)));
    console.log(`${tellTotal(passes)}\n`);
    const seen = { ...(await stage.look()), passes };
    const { holds, text } = tellVerdict(
      judge(world, seen, { passSeconds: PASS_SECONDS, memoryMB: MEMORY_MB }),
    );
    console.log(text);
    return holds ? 0 : 1;
  } finally {
    await stage.close();
  }
}
