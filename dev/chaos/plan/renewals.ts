import type { FaultAction } from "../../waha-simulator/faults.ts";
import type { Random } from "../random.ts";
import type { LeaseEnd, Side, Trigger } from "./events.ts";

const POINT = "renew-leases";

/** How many renewals of a round come before the last that something is done to. */
const AMONG = 20;

/**
 * What goes wrong with the renewals of leases: they are held up, or their replies are, for longer than the lease; they
 * are lost with the driver's repetition of them; or they match nothing, as the lease has ended.
 */
export function planRenewals(random: Random, leaseMs: number): Trigger[] {
  const nth = () => random.int(1, AMONG);
  const held = (side: Side): Trigger => {
    const ms = Math.round(leaseMs * (random.int(105, 160) / 100));
    return { point: POINT, side, nth: nth(), act: { type: "hold", ms } };
  };
  const lost = (side: Side): Trigger[] => {
    const trigger: Trigger = { point: POINT, side, nth: nth(), act: { type: "break" } };
    return [trigger, trigger];
  };
  const ended = (how: LeaseEnd): Trigger => ({
    point: POINT,
    side: "before",
    nth: nth(),
    act: { type: "end-lease", how },
  });
  return [
    held("before"),
    held("after"),
    ...lost(random.pick<Side>(["before", "after"])),
    ended("runs-out"),
    ended("is-taken"),
  ];
}

/** WAHA answers late enough for a POST to outlast two leases, where its pass has time for that yet. */
export function planLongPosts(random: Random, leaseMs: number): FaultAction[] {
  const ms = () => Math.round(leaseMs * (random.int(205, 230) / 100));
  return [
    { type: "delay", ms: ms() },
    { type: "sendLate", ms: ms() },
  ];
}
