/** `npm run chaos`: tries to make the scheduler send twice, lose a message, or say something untrue. */
import { styleText } from "node:util";
import { counted } from "../../ops/format.ts";
import { helpIfAsked } from "../../ops/program.ts";
import { runProgram } from "../host/process.ts";
import type { Finding } from "./check/index.ts";
import { tellHistory } from "./check/tell.ts";
import { openLab } from "./lab.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { tellHeld, tellTotals, untested } from "./report.ts";
import type { Played } from "./round.ts";
import { ALL_POINTS, runRounds } from "./run.ts";
import { addRound, noTotals } from "./totals.ts";

/** How many violations of an invariant in a round are told in full. */
const TOLD = 3;

helpIfAsked(USAGE);
await runProgram(chaos);

async function chaos(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const { seed, parallel } = options;
  const limit = options.rounds === undefined ? `${options.minutes} min` : counted(options.rounds, "round");
  console.log(`seed ${seed}, ${options.only === undefined ? limit : `round ${options.only} alone`}`);
  const totals = noTotals();
  const began = performance.now();
  let violated = false;
  let broken = false;
  const lab = await openLab();
  await runRounds(lab, { seed, parallel, rounds: roundsOf(options, began) }, (played, findings) => {
    addRound(totals, played, findings);
    const violatedBy = findings.filter(({ violations }) => violations.length > 0);
    violated ||= violatedBy.length > 0;
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    console.log(
      `  round ${played.record.round}: ${counted(played.record.calls.length, "pass", "passes")}, ${played.record.ledger.length} accepted, ` +
        `${violatedBy.length === 0 ? "all held" : styleText("red", "VIOLATED")} (${totals.rounds} in ${minutes} min)`,
    );
    for (const finding of violatedBy) tellViolations(played, finding, seed);
  })
    .catch((error: Error) => {
      broken = true;
      console.log(styleText("red", `a round could not be played to its end: ${error.stack}`));
    })
    .finally(lab.close);
  console.log(`\n${tellTotals(totals, ALL_POINTS)}`);
  const gaps = untested(totals, ALL_POINTS);
  if (violated) console.log(styleText("red", `\nVIOLATED, with seed ${seed}`));
  else if (!broken && gaps.length === 0) console.log(styleText("green", `\n${tellHeld(totals)}`));
  for (const gap of gaps) console.log(styleText("yellow", `not enough was tested: ${gap}`));
  return violated || broken || gaps.length > 0 ? 1 : 0;
}

/** The numbers of the rounds to run. */
function* roundsOf({ rounds, minutes, only }: Options, began: number): Generator<number> {
  if (only !== undefined) return yield only;
  for (let round = 0; rounds === undefined || round < rounds; round += 1) {
    if (minutes !== undefined && performance.now() - began > minutes * 60_000) return;
    yield round;
  }
}

function tellViolations({ record }: Played, { invariant, violations }: Finding, seed: string): void {
  console.log(
    styleText(
      "red",
      `  ${invariant}: ${violations.length}; again: npm run chaos -- --seed ${seed} --round ${record.round}`,
    ),
  );
  for (const { what, subject } of violations.slice(0, TOLD)) {
    console.log(`    ${what}`);
    if (subject !== undefined) console.log(tellHistory(record, subject).replace(/^/gm, "      "));
  }
}
