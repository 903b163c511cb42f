import type { Verdict } from "../verdict.ts";
import { type Html, html } from "./html.ts";

/** A tick, an exclamation mark, a cross: the level is not told by colour alone. */
const SIGNS: Record<Verdict["level"], string> = {
  good: "M7 12.5l3.4 3.4L17.2 9",
  warning: "M12 6.8v6.4M12 17v.01",
  bad: "M8.2 8.2l7.6 7.6M15.8 8.2l-7.6 7.6",
};

/** The whole state at a glance. */
export function verdictCard({ level, headline, detail }: Verdict): Html {
  return html`<div class="verdict ${level}"><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="${SIGNS[level]}"/></svg><div><h1>${headline}</h1><p>${detail}</p></div></div>`;
}
