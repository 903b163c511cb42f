import type { Document } from "mongodb";
import type { Expected, SampleCampaign, SampleMessage } from "./sample.ts";
import type { Facts, Style } from "./styles.ts";

/** Writes the messages of one campaign in its app's style; they are to be sent on `session` unless told otherwise. */
export function writer(style: Style, campaignId: unknown, session: string) {
  let written = 0;
  return (facts: Facts, expected?: Expected): SampleMessage => {
    written += 1;
    const id = style.id(`${String(campaignId)}-${String(written).padStart(3, "0")}`);
    return {
      document: style.message(id, { ...(campaignId === undefined ? {} : { campaignId }), ...facts }),
      expected: expected ?? { end: "sent", session, chatId: facts.chatId },
    };
  };
}

/** Puts a campaign together; `document` is what its app wrote, but for the name. */
export function campaign(
  name: string,
  session: string,
  messages: SampleMessage[],
  expectedStatus: string,
  document: Document,
): SampleCampaign {
  return { name, session, messages, expectedStatus, document: { ...document, name } };
}
