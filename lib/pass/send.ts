import { UnavailableError } from "../errors.ts";
import { asReason } from "../messages/writes.ts";
import { Board } from "./board.ts";
import type { Pass, Surroundings } from "./context.ts";
import { sendDue } from "./dispatch.ts";
import { lookAround } from "./look-around.ts";
import { noteOutage } from "./offers.ts";
import { rescue } from "./rescue.ts";
import { awaitWaha, stay } from "./stay.ts";

/**
 * Sends what is due. What was rescued beside the first look is found by another.
 *
 * @returns WAHA as it was seen last; undefined if it never answered
 */
export async function send(
  pass: Pass,
  look: Surroundings | UnavailableError,
  rescued: Promise<number | undefined>,
): Promise<Surroundings | undefined> {
  const { config, waha } = pass;
  const stays = config.STAY_SECONDS > 0;
  const chores = {
    lookAround: async () => {
      const seenAt = pass.clock.now();
      const again = await lookAround(waha, config);
      return again instanceof UnavailableError ? undefined : { ...again, seenAt };
    },
    rescue: () => rescue(pass),
  };
  if (look instanceof UnavailableError) {
    await rescued;
    await noteOutage(pass, asReason(look));
  }
  const around =
    look instanceof UnavailableError ? stays && (await awaitWaha(pass, chores.lookAround)) : look;
  if (!around) return undefined;
  const board = new Board(around, stays);
  const [found, count = 0] = await Promise.all([board.lookout.findOffers(pass, around), rescued]);
  const offers = count > 0 ? await board.lookout.findOffers(pass, around) : found;
  if (stays) await stay(pass, board, offers, chores);
  else await sendDue(pass, board, offers);
  return board.around;
}
