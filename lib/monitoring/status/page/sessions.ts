import { splitWords } from "../../../problems.ts";
import { number, sentence } from "../../words.ts";
import type { Status } from "../gather.ts";
import { type Html, html } from "./html.ts";

/** WAHA's sessions, those that can't send first; or why there is no list of them. */
export function sessionsCard({ waha }: Status): Html {
  if (!waha.reachable) {
    const { happened, remedy } = splitWords(waha.message);
    return html`<section class="wide"><h2>WhatsApp sessions</h2><p><span class="pill">${waha.code}</span> <b>${sentence(happened)}</b> ${sentence(remedy)}</p></section>`;
  }
  const chips = waha.sessions.map(
    ({ name, status }) =>
      html`<li class="${status === "WORKING" ? "" : "down"}"><svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5"/></svg><div><b>${name}</b><small>${status}</small></div></li>`,
  );
  const rest = waha.total - waha.sessions.length;
  return html`<section class="wide"><h2>WhatsApp sessions <small>${number(waha.working)} of ${number(waha.total)} can send</small></h2><ul class="chips">${chips}</ul>${
    rest > 0 ? html`<p class="soft">and ${number(rest)} more</p>` : ""
  }</section>`;
}
