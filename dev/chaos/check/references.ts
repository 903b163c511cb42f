import { documentKey, type Id, idForms } from "../../../lib/mongo/ids.ts";
import type { ChaosCampaign, ChaosMessage, History, RoundRecord } from "../record.ts";
import { inForceBetween } from "./steps.ts";

/** What became of the campaigns that a reference names, in whichever form it is written. */
export function campaignHistories(reference: unknown, { campaigns }: RoundRecord): History<ChaosCampaign>[] {
  if (reference === undefined || reference === null) return [];
  return idForms(reference as Id).flatMap((id) => {
    const history = campaigns.get(documentKey(id));
    return history ? [history] : [];
  });
}

/** A message's campaign in every form that it had in a span of time; none if it has none. */
export function campaignsSeen(
  message: ChaosMessage,
  from: number,
  until: number,
  record: RoundRecord,
): ChaosCampaign[] {
  return campaignHistories(message.campaignId, record)
    .flatMap((history) => inForceBetween(history, from, until))
    .flatMap(({ document }) => document ?? []);
}

/** Whether nothing of a campaign may be sent, by its status. */
export function isOnHold(
  { status }: Pick<ChaosCampaign, "status">,
  { settings }: Pick<RoundRecord, "settings">,
): boolean {
  return settings.statusHold.some((hold) => hold === status);
}
