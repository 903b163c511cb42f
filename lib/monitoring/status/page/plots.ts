import { OUTCOMES } from "../../history/minutes.ts";
import type { History } from "../../history/read.ts";
import { number, span, timeOfDay } from "../../words.ts";
import { type Html, html } from "./document.ts";

type Minutes = History["minutes"];

/** The plots' own units, which the page stretches to its width. */
const HEIGHT = 100;
const STEP = 10;
const BAR = 7.6;

/** The last hour in two plots. */
export function plotCards(minutes: Minutes): Html {
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

/** Rounds up to 1, 2, 4, 6 or 8 times a power of ten, so that half of it is a round number, too. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8].find((digit) => digit * power >= value) ?? 10) * power;
}

const MINUTE_MS = 60_000;

/** Messages by the minute in which their pass ended, as bars stacked by outcome. */
function outcomePlot(minutes: Minutes): Html {
  const top = Math.max(4, roundUp(Math.max(...minutes.map(total))));
  const bars = minutes.map((minute, place) => {
    let reached = 0;
    return OUTCOMES.filter((outcome) => minute[outcome] > 0).map((outcome) => {
      const height = (minute[outcome] / top) * HEIGHT;
      reached += height;
      return html`<rect class="${outcome}" x="${place * STEP}" y="${HEIGHT - reached}" width="${BAR}" height="${height}"/>`;
    });
  });
  const told = minutes.map((minute) => {
    const counts = OUTCOMES.filter((outcome) => minute[outcome] > 0).map(
      (outcome) => `${minute[outcome]} ${outcome}`,
    );
    return counts.join(", ") || "nothing";
  });
  return plot(minutes, bars, told, top, number, total(sum(minutes)) === 0);
}

/** How late messages were, by the minute: half of them no later than p50, and 99 % no later than p99. */
function latenessPlot(minutes: Minutes): Html {
  const latest = Math.max(0, ...minutes.map(({ latenessMs: { p99 } }) => p99 ?? 0));
  const top = topOf(latest);
  const line = (quantile: "p50" | "p99") =>
    html`<path class="${quantile}" d="${pathOf(
      minutes.map(({ latenessMs }) => latenessMs[quantile]),
      top,
    )}"/>`;
  const told = minutes.map(({ latenessMs: { p50, p99 } }) =>
    p50 === null ? "nothing sent" : `half within ${span(p50)}, 99 % within ${span(p99)}`,
  );
  return plot(minutes, [line("p99"), line("p50")], told, top, span, latest === 0);
}

/** The end of an axis, of which half is a round figure in the same unit, too. */
function topOf(latestMs: number): number {
  const minutes = latestMs / MINUTE_MS;
  if (minutes <= 1) return Math.max(1000, roundUp(latestMs / 1000) * 1000);
  return Math.max(4, roundUp(minutes)) * MINUTE_MS;
}

/** A line through the values, with gaps where there is none. A value between two gaps is a dot. */
function pathOf(values: (number | null)[], top: number): string {
  const at = (value: number, place: number) =>
    `${place * STEP + BAR / 2} ${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`;
  return values
    .map((value, place) => {
      if (value === null) return "";
      const isFirst = (values[place - 1] ?? null) === null;
      return isFirst ? `M${at(value, place)}h.01` : `L${at(value, place)}`;
    })
    .join("");
}

function plot(
  minutes: Minutes,
  shapes: unknown,
  told: string[],
  top: number,
  words: (value: number) => string,
  isEmpty: boolean,
): Html {
  const width = minutes.length * STEP;
  const grid = [0, 0.5, 1].map(
    (share) => html`<line x1="0" x2="${width}" y1="${share * HEIGHT}" y2="${share * HEIGHT}"/>`,
  );
  const hover = minutes.map(
    ({ at }, place) =>
      html`<rect class="hover" x="${place * STEP - 1}" y="0" width="${STEP}" height="${HEIGHT}"><title>${timeOfDay(at)} UTC: ${told[place]}</title></rect>`,
  );
  return html`<div class="plot"><svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="by the minute over the last hour">${grid}${shapes}${hover}</svg><span class="top">${words(top)}</span><span class="middle">${words(top / 2)}</span>${isEmpty ? html`<div class="none"><p>nothing in the last hour</p></div>` : ""}</div><div class="axis"><span>an hour ago</span><span>30 min</span><span>now</span></div>`;
}

type Counts = Pick<Minutes[number], (typeof OUTCOMES)[number]>;

function total(counts: Counts): number {
  return OUTCOMES.reduce((all, outcome) => all + counts[outcome], 0);
}

function sum(minutes: Minutes): Counts {
  const of = (outcome: keyof Counts) => minutes.reduce((all, minute) => all + minute[outcome], 0);
  return { sent: of("sent"), failed: of("failed"), missed: of("missed"), unknown: of("unknown") };
}
