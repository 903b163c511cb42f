import { type Html, html } from "./html.ts";

/** Stands for a part of the page that the database was too slow for. */
export function notRead(part: string): Html {
  return html`<section class="wide"><h2>${part}</h2><p class="soft">Could not be read in time: the database is too slow.</p></section>`;
}
