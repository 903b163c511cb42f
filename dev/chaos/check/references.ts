import { documentKey, type Id, idForms } from "../../../lib/mongo/ids.ts";
import type { ChaosCampaign, History, RoundRecord } from "../record.ts";

/** What became of the campaigns that a reference names, in whichever form it is written. */
export function campaignHistories(reference: unknown, { campaigns }: RoundRecord): History<ChaosCampaign>[] {
  if (reference === undefined || reference === null) return [];
  return idForms(reference as Id).flatMap((id) => {
    const history = campaigns.get(documentKey(id));
    return history ? [history] : [];
  });
}

/** Whether nothing of a campaign may be sent, by its status. */
export function isOnHold(
  { status }: Pick<ChaosCampaign, "status">,
  { settings }: Pick<RoundRecord, "settings">,
): boolean {
  return settings.statusHold.some((hold) => hold === status);
}
