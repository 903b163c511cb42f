import type { ChaosCampaign, RoundRecord } from "../record.ts";
import { belongsTo, type Counts, countAt, ENDS, endOfMessage } from "./campaign-counts.ts";
import { Check, type Finding } from "./finding.ts";
import type { Round, Trail } from "./round.ts";
import { deliveryOf, type Step, stateOf, stepsOf, TIES_MS } from "./steps.ts";

/** A campaign in the end, its messages, and how it was settled last. */
interface Case {
  key: string;
  campaign: ChaosCampaign;
  trails: Trail[];
  settlement: Settlement | undefined;
}

interface Settlement {
  document: ChaosCampaign;
  at: number;
  /** When it was last touched before: what the app wrote since may have come after the count. */
  touchedAt: number;
}

/** A campaign's final status is a function of its messages, and it is open as long as something is left to send. */
export function checkCampaigns({ record, trails }: Round): Finding {
  const check = new Check("campaigns");
  for (const [key, history] of record.campaigns) {
    const campaign = history.at(-1)?.document;
    if (!campaign) continue;
    const steps = stepsOf(history);
    const own = trails.filter((trail) => trail.history.some(({ document }) => belongsTo(document, key)));
    const wasTouched = steps.some(({ after }) => typeof deliveryOf(after).rev === "number");
    if (!wasTouched && !own.some((trail) => wasSettledIn(trail, key))) continue;
    check.covers();
    const found = wasTouched
      ? problemsOf({ key, campaign, trails: own, settlement: lastSettlement(steps) }, record)
      : ["some of its messages were settled, and it was never opened"];
    for (const what of found) check.violated(what, campaign.label);
  }
  return check;
}

function wasSettledIn({ steps }: Trail, key: string): boolean {
  const isEnd = (state: string) => ENDS.some((end) => end === state);
  return steps.some(
    ({ by, before, after }) =>
      by === "scheduler" && belongsTo(after, key) && isEnd(stateOf(after)) && !isEnd(stateOf(before)),
  );
}

function lastSettlement(steps: Step<ChaosCampaign>[]): Settlement | undefined {
  const revOf = (document: ChaosCampaign | null) => deliveryOf(document).rev;
  const settled = steps.findLastIndex(
    ({ by, before, after }) =>
      by === "scheduler" && deliveryOf(before).open === true && deliveryOf(after).open === false,
  );
  const { at, after } = steps[settled] ?? {};
  if (at === undefined || !after) return undefined;
  const touch = steps.slice(0, settled).findLast((step) => revOf(step.before) !== revOf(step.after));
  return { document: after, at, touchedAt: touch?.at ?? 0 };
}

function problemsOf(each: Case, { settings }: RoundRecord): string[] {
  const { key, campaign, trails, settlement } = each;
  const { open } = deliveryOf(campaign);
  const { left } = countAt(trails, key, Number.POSITIVE_INFINITY);
  const isHeld = settings.statusHold.some((hold) => hold === campaign.status);
  if (open) return left === 0 && !isHeld ? ["nothing is left to send, and it is still open"] : [];
  // Whoever else wrote that it is not open must answer for it.
  if (!settlement) return [];
  return [
    ...overlooked(each, settlement),
    ...changedSince(each, settlement),
    ...wrongCounts(each, settlement),
  ];
}

/** Messages that are left, and were when it was settled: the app has not written them since its last touch. */
function overlooked({ key, trails }: Case, { touchedAt }: Settlement): string[] {
  return trails
    .filter(({ history, steps }) => {
      const last = history.at(-1)?.document;
      if (!belongsTo(last, key) || endOfMessage(last) !== "left") return false;
      const written = steps.findLast(({ by }) => by === "app")?.at ?? 0;
      return written < touchedAt - TIES_MS;
    })
    .map(({ label }) => `is settled, although ${label} is left to send`);
}

/** What the scheduler itself found out later must have opened it again. */
function changedSince({ key, trails }: Case, { at: settledAt }: Settlement): string[] {
  return trails.flatMap(({ label, steps }) =>
    steps
      .filter(({ at, by, before, after }) => {
        const isLate = by === "scheduler" && at > settledAt + TIES_MS && belongsTo(after, key);
        return isLate && endOfMessage(before) !== endOfMessage(after);
      })
      .map(
        ({ after }) => `was not counted again when ${label} became ${stateOf(after)} after it was settled`,
      ),
  );
}

function wrongCounts({ key, trails }: Case, { document, at, touchedAt }: Settlement): string[] {
  const written = deliveryOf(document).counts as Partial<Counts> | undefined;
  // The app may have written anything between the touch and the settlement: any of these moments may be the count's.
  const moments = trails
    .flatMap(({ history }) => history.map((version) => version.at))
    .filter((moment) => moment >= touchedAt - TIES_MS && moment <= at + TIES_MS);
  const possible = [at, ...moments].map((moment) => countAt(trails, key, moment));
  const agrees = (counts: Counts) =>
    counts.left === 0 && (["total", ...ENDS] as const).every((end) => counts[end] === written?.[end]);
  const problems: string[] = [];
  const counted = possible.find(agrees);
  const { sent, total } = counted ?? (possible[0] as Counts);
  if (!counted) {
    problems.push(`was settled with ${tell(written)}, but its messages come to ${tell(possible[0])}`);
  }
  const status = sent === total ? "completed" : "completed_with_failures";
  if (document.status !== status) problems.push(`was settled as ${document.status}, not as ${status}`);
  if (!(document.completedAt instanceof Date)) problems.push("was settled without completedAt");
  return problems;
}

function tell(counts: Partial<Counts> | undefined): string {
  const parts = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  return parts.map(([end, count]) => `${count} ${end}`).join(", ") || "nothing";
}
