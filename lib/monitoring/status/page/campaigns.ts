import { OUTCOMES } from "../../history/minutes.ts";
import { lasting, number } from "../../words.ts";
import type { CampaignInProgress, Campaigns, EndedCampaign, Progress, Receipts } from "../campaigns.ts";
import { type Html, html } from "./document.ts";

/** The campaigns in progress, each with a bar of how its messages stand. */
export function campaignsCard({ shown, more }: Campaigns): Html {
  return html`<section class="wide"><h2>Campaigns in progress ${moreThan(shown.length, more)}</h2>${
    shown.length > 0 ? shown.map(inProgress) : html`<p class="soft">None.</p>`
  }</section>`;
}

/** The campaigns that ended within a day; no card without any. */
export function endedCampaignsCard(at: Date, { ended: { shown, more } }: Campaigns): Html | "" {
  if (shown.length === 0) return "";
  return html`<section class="wide"><h2>Campaigns that ended within a day ${moreThan(shown.length, more)}</h2>${shown.map((campaign) => ended(at, campaign))}</section>`;
}

function moreThan(shown: number, more: boolean): Html | "" {
  return more ? html`<small>${shown} of them; there are more</small>` : "";
}

function inProgress({ id, name, status, counts, receipts }: CampaignInProgress): Html {
  return html`<div class="campaign"><div><b>${name ?? id}</b><span class="soft">${status ?? ""}</span></div>${
    counts
      ? html`${bar(counts)}<div class="soft"><span>${told(counts)}</span><span>${number(counts.total)} in all</span></div>${reported(receipts)}`
      : html`<p class="soft">more than 10,000 messages, which are not counted for this page</p>`
  }</div>`;
}

function ended(at: Date, { id, name, status, counts, endedAt, receipts }: EndedCampaign): Html {
  return html`<div class="campaign"><div><b>${name ?? id}</b><span class="soft">${status ?? ""}, ${lasting(endedAt, at)} ago</span></div><div class="soft"><span>${ofOutcomes(counts).join(", ")}</span><span>${number(counts.total)} in all</span></div>${reported(receipts)}</div>`;
}

/** What WhatsApp reported, where webhooks come. */
function reported(receipts: Receipts | null): Html | "" {
  if (!receipts) return "";
  const { delivered, read, refused } = receipts;
  return html`<div class="soft"><span>${number(delivered)} delivered, ${number(read)} read${refused > 0 ? `, ${number(refused)} refused by WhatsApp` : ""}</span></div>`;
}

function bar(counts: Progress): Html {
  let reached = 0;
  const parts = OUTCOMES.map((outcome) => {
    const share = (counts[outcome] / Math.max(1, counts.total)) * 100;
    const from = reached;
    reached += share;
    return html`<rect class="${outcome}" x="${from}%" width="${share}%" height="100%"/>`;
  });
  return html`<svg role="img" aria-label="${told(counts)}"><rect class="track" width="100%" height="100%"/>${parts}</svg>`;
}

function told(counts: Progress): string {
  return [...ofOutcomes(counts), `${number(counts.left)} still to send`].join(", ");
}

function ofOutcomes(counts: Omit<Progress, "left">): string[] {
  return OUTCOMES.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => `${number(counts[outcome])} ${outcome}`,
  );
}
