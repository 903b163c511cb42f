import { PROBLEMS } from "../../../problems.ts";
import { lasting } from "../../alerts/words.ts";
import type { Status, Unseen } from "../gather.ts";
import { sentence } from "../verdict.ts";
import { codePill } from "./code-pill.ts";
import { type Html, html } from "./html.ts";
import { many, number } from "./words.ts";

/** A minute in which a pass ended is told by its beginning. */
const MINUTE_MS = 60_000;

/** What passes met within a day, each with what to do about it and how to send again. */
export function problemsCard(at: Date, problems: NonNullable<Status["problems"]>): Html {
  const rows = problems.map(({ code, lastAt, passes, count, resend }) => {
    const { happened, remedy } = PROBLEMS[code];
    const isRecent = at.getTime() - lastAt.getTime() < 2 * MINUTE_MS;
    const when = isRecent ? "just now" : `${lasting(lastAt, at)} ago`;
    const often =
      passes === 1
        ? `${number(count)} in one pass`
        : `${number(count)} in the last of ${number(passes)} passes`;
    return html`<li><span class="when">${when}; ${often}</span>${codePill(code)} <b>${sentence(happened)}</b> ${sentence(remedy)}${
      resend
        ? html`<br><span class="soft">${resend.first}:</span><code class="command">${resend.command}</code>`
        : ""
    }</li>`;
  });
  return html`<section class="wide"><h2>Problems of the last day</h2>${
    rows.length > 0 ? html`<ul class="rows">${rows}</ul>` : html`<p class="soft">None.</p>`
  }</section>`;
}

/** What stands as long as nobody does anything; nothing where there is nothing. */
export function alertsCard({ at, alerts }: Status): Html | "" {
  if (alerts.length === 0) return "";
  const rows = alerts.map(
    ({ kind, message, since }) =>
      html`<li><span class="when">for ${lasting(since, at)}</span><span class="pill">${kind}</span> ${sentence(message)}</li>`,
  );
  return html`<section class="wide"><h2>Alerts that stand</h2><ul class="rows">${rows}</ul></section>`;
}

/** Messages that no pass sees or touches; nothing where there are none. */
export function documentsCard(documents: Unseen[]): Html | "" {
  if (documents.length === 0) return "";
  const rows = documents.map(({ code, count, more }) => {
    const { happened, remedy } = PROBLEMS[code];
    return html`<li>${codePill(code)} <b>${many({ count, more })} ${happened}.</b> ${sentence(remedy)}</li>`;
  });
  return html`<section class="wide"><h2>Messages that are never sent <small>no pass sees or touches them</small></h2><ul class="rows">${rows}</ul></section>`;
}
