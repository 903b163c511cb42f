import { errorUrl, PROBLEMS, type ProblemCode, withDetail } from "../../../problems.ts";
import { capital, lasting, many, number, sentence } from "../../words.ts";
import type { Unseen } from "../documents.ts";
import type { Status } from "../gather.ts";
import type { Verdict } from "../verdict.ts";
import { type Html, html } from "./document.ts";

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

/** A code, with a link to the page that explains it. */
function codePill(code: ProblemCode): Html {
  return html`<a class="pill" href="${errorUrl(code)}" rel="noreferrer">${code}</a>`;
}

/** The alerts that stand; no card without any. */
export function alertsCard({ at, alerts }: Status): Html | "" {
  if (alerts.length === 0) return "";
  const rows = alerts.map(
    ({ kind, message, since }) =>
      html`<li><span class="when">for ${lasting(since, at)}</span><span class="pill">${kind}</span> ${sentence(message)}</li>`,
  );
  return html`<section class="wide"><h2>Alerts that stand</h2><ul class="rows">${rows}</ul></section>`;
}

/** WAHA's sessions, those that can't send first; or why there is no list of them. */
export function sessionsCard({ suspended, waha }: Status): Html {
  if (!waha.reachable) {
    const { happened, remedy } = PROBLEMS[waha.code];
    return html`<section class="wide"><h2>WhatsApp sessions</h2><p>${codePill(waha.code)} <b>${sentence(happened)}</b> ${sentence(withDetail(remedy, waha.detail))}</p></section>`;
  }
  const chips = waha.sessions.map(
    ({ name, status }) =>
      html`<li class="${status === "WORKING" ? "" : "down"}"><svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5"/></svg><div><b>${name}</b><small>${status}</small></div></li>`,
  );
  const rest = waha.total - waha.sessions.length;
  const resting = suspended.map(
    ({ code, message, session }) =>
      html`<li>${codePill(code)} <b>${session} rests:</b> ${sentence(message)}</li>`,
  );
  return html`<section class="wide"><h2>WhatsApp sessions <small>${number(waha.working)} of ${number(waha.total)} can send</small></h2><ul class="chips">${chips}</ul>${
    rest > 0 ? html`<p class="soft">and ${number(rest)} more</p>` : ""
  }${resting.length > 0 ? html`<ul class="rows">${resting}</ul>` : ""}</section>`;
}

/** A problem's minute is told by its beginning, so it may have been met up to a minute later. */
const MINUTE_MS = 60_000;

/** What passes met within a day, each problem with its remedy and how to send again. */
export function problemsCard(at: Date, problems: NonNullable<Status["problems"]>): Html {
  const rows = problems.map(({ code, lastAt, passes, count, resend }) => {
    const { happened, remedy } = PROBLEMS[code];
    const isRecent = at.getTime() - lastAt.getTime() < 2 * MINUTE_MS;
    const when = isRecent ? "just now" : `${lasting(lastAt, at)} ago`;
    const often =
      passes === 1
        ? `${number(count)} in one pass`
        : `${number(count)} in the latest pass; met by ${number(passes)} passes`;
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

/** Messages that no pass sees or touches; no card without any. */
export function documentsCard(documents: Unseen[]): Html | "" {
  if (documents.length === 0) return "";
  const rows = documents.map(({ code, count, more }) => {
    const { happened, remedy } = PROBLEMS[code];
    return html`<li>${codePill(code)} <b>${capital(happened)}: ${many({ count, more })}.</b> ${sentence(remedy)}</li>`;
  });
  return html`<section class="wide"><h2>Messages that are never sent <small>no pass sees or touches them</small></h2><ul class="rows">${rows}</ul></section>`;
}
