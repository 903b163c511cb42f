import { type SystemClock, systemClock } from "../../lib/clock.ts";

/** The machine's clocks, of which the monotonic one can be made to jump: so a pass's time goes by at once. */
export function jumpingClock(): SystemClock & { jump(ms: number): void } {
  let jumped = 0;
  return {
    monotonic: () => systemClock.monotonic() + jumped,
    system: systemClock.system,
    jump: (ms) => {
      jumped += ms;
    },
  };
}
