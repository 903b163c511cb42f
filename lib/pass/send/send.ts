import { UnavailableError } from "../../errors.ts";
import { asReason } from "../../problems.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { takeSnapshot } from "../../waha/snapshot.ts";
import { rescue } from "../housekeeping.ts";
import type { Pass } from "../pass.ts";
import { noteOutage } from "./backlog.ts";
import { Board } from "./board.ts";
import { sendDue } from "./loop.ts";
import { awaitWaha, stay } from "./stay.ts";

/**
 * Sends what is due. What was rescued beside the first look is found by another.
 *
 * @returns WAHA as it was seen last; undefined if it never answered
 */
export async function send(
  pass: Pass,
  look: WahaSnapshot | UnavailableError,
  rescued: Promise<number | undefined>,
): Promise<WahaSnapshot | undefined> {
  const { config, waha } = pass;
  const stays = config.STAY_SECONDS > 0;
  const chores = {
    takeSnapshot: async () => {
      const seenAt = pass.clock.now();
      const again = await takeSnapshot(waha, config);
      return again instanceof UnavailableError ? undefined : { ...again, seenAt };
    },
    rescue: () => rescue(pass),
  };
  if (look instanceof UnavailableError) {
    await rescued;
    await noteOutage(pass, asReason(look));
  }
  const around =
    look instanceof UnavailableError ? stays && (await awaitWaha(pass, chores.takeSnapshot)) : look;
  if (!around) return undefined;
  const board = new Board(around, stays);
  const [found, count = 0] = await Promise.all([board.lookout.findOffers(pass, around), rescued]);
  const offers = count > 0 ? await board.lookout.findOffers(pass, around) : found;
  if (stays) await stay(pass, board, offers, chores);
  else await sendDue(pass, board, offers);
  return board.around;
}
