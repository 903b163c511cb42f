import { PROBLEMS, withDetail } from "../../../problems.ts";
import type { Status } from "../gather.ts";
import { sentence } from "../verdict.ts";
import { codePill } from "./code-pill.ts";
import { type Html, html } from "./html.ts";
import { number } from "./words.ts";

/** WAHA's sessions, those that can't send first; or why there is no list of them. */
export function sessionsCard({ waha }: Status): Html {
  if (!waha.reachable) {
    const { happened, remedy } = PROBLEMS[waha.code];
    return html`<section class="wide"><h2>WhatsApp sessions</h2><p>${codePill(waha.code)} <b>${sentence(happened)}</b> ${sentence(withDetail(remedy, waha.detail))}</p></section>`;
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
