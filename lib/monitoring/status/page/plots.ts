import { OUTCOMES } from "../../history/minutes.ts";
import type { Status } from "../gather.ts";
import { type Html, html } from "./html.ts";
import { latenessPlot, outcomePlot } from "./plot.ts";

/** The last hour in two plots. */
export function plotCards(minutes: NonNullable<Status["minutes"]>): Html {
  return html`<section><h2>Messages a minute</h2>${legend(OUTCOMES.map((outcome) => [outcome, outcome]))}${outcomePlot(minutes)}</section>
<section><h2>How late they went out</h2>${legend([
    ["p50", "half are not later"],
    ["p99", "99 % are not later"],
  ])}${latenessPlot(minutes)}</section>`;
}

/** What each colour means. */
function legend(entries: [tone: string, words: string][]): Html {
  const items = entries.map(
    ([tone, words]) =>
      html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${tone}" width="10" height="10" rx="3"/></svg>${words}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}
