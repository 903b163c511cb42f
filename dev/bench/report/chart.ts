import type { BarGroup } from "../scenario.ts";

/** What the bars are, for those who have it read to them. */
export const CHART_NAME = "Messages per second, as a share of the floor's";

/** All in pixels. */
const WIDTH = 760;
const NAME_WIDTH = 150;
const FIGURE_WIDTH = 60;
const BAR = 16;
const STEP = 21;
const TITLE = 30;
const GAP = 14;

/** The colours of a page that may be light or dark; the bars are told apart on both. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .bar { fill: #8c959f; }
  .own { fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #6e7681; }
    .own { fill: #3fb950; }
  }
`;

/**
 * Horizontal bars, group below group.
 *
 * @param own the bar's name that stands out
 */
export function barChart(groups: BarGroup[], own: string): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const scale = (WIDTH - NAME_WIDTH - FIGURE_WIDTH) / most;
  let top = 0;
  const drawn = groups.map((group) => {
    const at = top;
    top += heightOf(group) + GAP;
    return drawGroup(group, at, scale, own);
  });
  const size = `width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n<title>${CHART_NAME}</title>\n<style>${STYLE}</style>\n${drawn.join("\n")}\n</svg>\n`;
}

const heightOf = ({ bars }: BarGroup) => TITLE + bars.length * STEP;

function drawGroup(group: BarGroup, top: number, scale: number, own: string): string {
  const bars = group.bars.map(({ name, value }, place) => {
    const y = top + TITLE + place * STEP;
    const width = Math.round(value * scale);
    return [
      `<text x="${NAME_WIDTH - 8}" y="${y + BAR - 3}" text-anchor="end">${escaped(name)}</text>`,
      `<rect class="${name === own ? "bar own" : "bar"}" x="${NAME_WIDTH}" y="${y}" width="${width}" height="${BAR}"/>`,
      `<text x="${NAME_WIDTH + width + 6}" y="${y + BAR - 3}">${value.toFixed(2)}</text>`,
    ].join("\n");
  });
  const title = `<text class="title" x="0" y="${top + TITLE - 10}">${escaped(group.title)}</text>`;
  return [title, ...bars].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
