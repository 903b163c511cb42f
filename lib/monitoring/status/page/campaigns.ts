import { OUTCOMES } from "../../history/minutes.ts";
import { number } from "../../words.ts";
import type { CampaignInProgress, CampaignsInProgress, Progress } from "../campaigns.ts";
import { type Html, html } from "./document.ts";

/** The campaigns in progress, each with a bar of how its messages stand. */
export function campaignsCard({ shown, more }: CampaignsInProgress): Html {
  const note = more ? html`<small>${shown.length} of them; there are more</small>` : "";
  return html`<section class="wide"><h2>Campaigns in progress ${note}</h2>${
    shown.length > 0 ? shown.map(campaign) : html`<p class="soft">None.</p>`
  }</section>`;
}

function campaign({ id, name, status, counts }: CampaignInProgress): Html {
  return html`<div class="campaign"><div><b>${name ?? id}</b><span class="soft">${status ?? ""}</span></div>${
    counts
      ? html`${bar(counts)}<div class="soft"><span>${told(counts)}</span><span>${number(counts.total)} in all</span></div>`
      : html`<p class="soft">more than 10,000 messages, which are not counted for this page</p>`
  }</div>`;
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
  const ended = OUTCOMES.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => `${number(counts[outcome])} ${outcome}`,
  );
  return [...ended, `${number(counts.left)} still to send`].join(", ");
}
