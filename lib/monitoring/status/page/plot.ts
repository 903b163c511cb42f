import { OUTCOMES } from "../../history/minutes.ts";
import type { History } from "../../history/read.ts";
import { type Html, html } from "./html.ts";
import { clock, number, span } from "./words.ts";

type Minutes = History["minutes"];

/** The plots' own units, which the page stretches to its width. */
const HEIGHT = 100;
const STEP = 10;
const BAR = 7.6;

/** The least even digit (or 1) times a power of ten that is not less: where an axis may end, and be halved. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8].find((digit) => digit * power >= value) ?? 10) * power;
}

/** Messages by the minute in which their pass ended, stacked by outcome. */
export function outcomePlot(minutes: Minutes): Html {
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

/** How late messages were, by the minute: half of them no later than p50, and all but one in a hundred than p99. */
export function latenessPlot(minutes: Minutes): Html {
  const latest = Math.max(0, ...minutes.map(({ latenessMs: { p99 } }) => p99 ?? 0));
  const top = Math.max(1000, roundUp(latest / 1000) * 1000);
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

/** A line through what is there, with gaps where nothing is; a value alone is a dot. */
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
      html`<rect class="hover" x="${place * STEP - 1}" y="0" width="${STEP}" height="${HEIGHT}"><title>${clock(at)} UTC: ${told[place]}</title></rect>`,
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
