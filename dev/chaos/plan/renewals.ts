import type { Random } from "../random.ts";
import type { Event, LeaseEnd, Side, Trigger } from "./events.ts";

const POINT = "renew-leases";

/** How many renewals of a round come before the last that something is done to. */
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

/** Sessions of every world that work. */
const SLOW = ["account-1", "account-2"];

/**
 * WAHA answers late enough for a POST to outlast two leases, where its pass has time for that yet: to the first POSTs
 * on some sessions, which no other fault can meet.
 */
export function planLongPosts(random: Random, leaseMs: number): Event[] {
  return SLOW.map((session, place) => {
    const type = place === 0 ? "delay" : "sendLate";
    const action = { type, ms: Math.round(leaseMs * (random.int(205, 230) / 100)) } as const;
    return {
      type: "waha-fault",
      atMs: 0,
      fault: { match: { route: "sendText", session }, action, times: 4 },
    };
  });
}
