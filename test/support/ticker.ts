import { machineTicker, type Ticker } from "../../lib/clock.ts";

/** The machine's clocks, of which the monotonic one can be made to jump: so a pass's time goes by at once. */
export function jumpingTicker(): Ticker & { jump(ms: number): void } {
  let jumped = 0;
  return {
    monotonic: () => machineTicker.monotonic() + jumped,
    system: machineTicker.system,
    jump: (ms) => {
      jumped += ms;
    },
  };
}
