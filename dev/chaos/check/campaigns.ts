import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import type { ChaosCampaign, RoundRecord } from "../record.ts";
import { belongsTo, type Counts, countAt, ENDS, endOfMessage } from "./campaign-counts.ts";
import { Check, type Finding } from "./finding.ts";
import { isOnHold } from "./references.ts";
import type { Round, Trail } from "./round.ts";
import { deliveryOf, type Step, stateOf, stepsOf, TIES_MS } from "./steps.ts";

/** A campaign in the end, its messages, and how it was settled, each time. */
interface Case {
  key: string;
  campaign: ChaosCampaign;
  trails: Trail[];
  settlements: Settlement[];
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
      ? [
          ...problemsOf({ key, campaign, trails: own, settlements: settlementsIn(steps) }, record),
          ...wronglyShown(campaign, record),
        ]
      : ["some of its messages were settled, and it was never opened"];
    for (const what of found) check.violated(what, campaign.label);
  }
  return check;
}

/** What the app's own screens show of it, where the app has a field for it. */
function wronglyShown({ completed, status }: ChaosCampaign, { settings }: RoundRecord): string[] {
  const isShown = MAPPINGS[settings.documents].campaigns.completed !== null;
  // The app itself writes other words.
  if (!isShown || !WRITTEN.some((word) => word === status)) return [];
  return completed === (status === "completed")
    ? []
    : [`is ${status}, and for the app completed is ${completed}`];
}

const WRITTEN = ["sending", "completed", "completed_with_failures"];

function wasSettledIn({ steps }: Trail, key: string): boolean {
  const isEnd = (state: string) => ENDS.some((end) => end === state);
  return steps.some(
    ({ by, before, after }) =>
      by === "scheduler" && belongsTo(after, key) && isEnd(stateOf(after)) && !isEnd(stateOf(before)),
  );
}

function settlementsIn(steps: Step<ChaosCampaign>[]): Settlement[] {
  const revOf = (document: ChaosCampaign | null) => deliveryOf(document).rev;
  let touchedAt = 0;
  return steps.flatMap(({ at, by, before, after }) => {
    if (revOf(before) !== revOf(after)) touchedAt = at;
    const isSettled = by === "scheduler" && deliveryOf(before).open === true;
    return after && isSettled && deliveryOf(after).open === false ? [{ document: after, at, touchedAt }] : [];
  });
}

function problemsOf(each: Case, record: RoundRecord): string[] {
  const { key, campaign, trails, settlements } = each;
  // Also those that new messages made good again: they were wrong for a while.
  const wrong = settlements.flatMap((settlement) => wrongCounts(each, settlement));
  const { open } = deliveryOf(campaign);
  const { left } = countAt(trails, key, Number.POSITIVE_INFINITY);
  if (open && left === 0 && !isOnHold(campaign, record))
    return [...wrong, "nothing is left to send, and it is still open"];
  const last = settlements.at(-1);
  // Without a settlement the write that closed it is judged elsewhere.
  if (open || !last) return wrong;
  return [...wrong, ...overlooked(each, last), ...changedSince(each, last)];
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
  const agrees = (counts: Counts) =>
    counts.left === 0 && (["total", ...ENDS] as const).every((end) => counts[end] === written?.[end]);
  const problems: string[] = [];
  const inTheEnd = countAt(trails, key, at);
  // A count takes long, and almost always this is it.
  const counted = agrees(inTheEnd)
    ? inTheEnd
    : [touchedAt, ...moments].map((moment) => countAt(trails, key, moment)).find(agrees);
  const { sent, total } = counted ?? inTheEnd;
  if (!counted) {
    problems.push(`was settled with ${tell(written)}, but its messages come to ${tell(inTheEnd)}`);
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
