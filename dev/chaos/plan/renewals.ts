import type { Random } from "../random.ts";
import type { Event, LeaseEnd, Side, Trigger } from "./events.ts";

const POINT = "renew-leases";

/** So many renewals of a round come before the last that something is done to. */
const AMONG = 20;

/** Leases end early, while their sessions have much to send. */
const EARLY = 8;

const ENDS: LeaseEnd[] = ["runs-out", "runs-out", "is-taken", "is-taken"];

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
    nth: random.int(1, EARLY),
    act: { type: "end-lease", how },
  });
  return [held("before"), held("after"), ...lost(random.pick<Side>(["before", "after"])), ...ENDS.map(ended)];
}

/**
 * WAHA answers late enough for a POST to outlast two leases, where its pass has time for that yet: the first POSTs of
 * the storm, which no other fault can meet, and some later.
 */
export function planLongPosts(random: Random, stormMs: number, leaseMs: number): Event[] {
  const long = (atMs: number, type: "delay" | "sendLate"): Event => {
    const action = { type, ms: Math.round(leaseMs * (random.int(205, 230) / 100)) };
    return { type: "waha-fault", atMs, fault: { match: { route: "sendText" }, action, times: 2 } };
  };
  return [long(0, "delay"), long(random.int(0, Math.floor(stormMs * 0.6)), "sendLate")];
}
