import { html } from "hono/html";

/** A piece of a page. What is filled into the template is escaped, unless it is such a piece itself. */
export type Html = ReturnType<typeof html>;

export { html };

/** Stands for a part of the page that the database was too slow for. */
export function notRead(part: string): Html {
  return html`<section class="wide"><h2>${part}</h2><p class="soft">Could not be read in time: the database is too slow.</p></section>`;
}

/** A label in the type of code. */
export function pill(label: string): Html {
  return html`<span class="pill">${label}</span>`;
}
