import type { Scenario } from "../scenario.ts";
import { besideHot } from "./beside-hot.ts";
import { capacity } from "./capacity.ts";
import { coldStart } from "./cold-start.ts";
import { CONTESTS } from "./contests.ts";
import { deployments } from "./deployments.ts";
import { idle } from "./idle.ts";
import { intentCost } from "./intent-cost.ts";
import { large } from "./large.ts";
import { memory } from "./memory.ts";
import { onTime } from "./on-time.ts";
import { overlap } from "./overlap.ts";
import { profile } from "./profile.ts";
import { size } from "./size.ts";
import { webhooks } from "./webhooks.ts";

/** All that is measured, in the order in which it is. */
export const SCENARIOS: Scenario[] = [
  ...CONTESTS,
  besideHot,
  webhooks,
  idle,
  large,
  capacity,
  overlap,
  deployments,
  profile,
  intentCost,
  coldStart,
  size,
  memory,
  onTime,
];
