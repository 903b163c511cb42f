import type { Failure } from "../../../errors.ts";
import { PROBLEMS } from "../../../problems.ts";
import { sentence } from "../../words.ts";
import type { Status } from "../gather.ts";
import { campaignsCard, endedCampaignsCard } from "./campaigns.ts";
import { alertsCard, documentsCard, problemsCard, sessionsCard, verdictCard } from "./cards.ts";
import { html, notRead, renderPage } from "./document.ts";
import { plotCards } from "./plots.ts";
import { tiles } from "./tiles.ts";

/** The status as a page that tells the story at a glance: the worst first, then figures, then what to do. */
export function statusPage(status: Status): Promise<string> {
  const { at, campaigns, documents, minutes, problems } = status;
  const seconds = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const body = html`<header><b>waha-scheduler</b><span>${seconds}, refreshes itself every 10 s</span></header>
${verdictCard(status.verdict)}
${tiles(status)}
<div class="grid">
${alertsCard(status)}
${minutes ? plotCards(minutes) : notRead("The last hour")}
${campaigns ? campaignsCard(campaigns) : notRead("Campaigns in progress")}
${campaigns ? endedCampaignsCard(at, campaigns) : ""}
${sessionsCard(status)}
${problems ? problemsCard(at, problems) : notRead("Problems of the last day")}
${documents ? documentsCard(documents) : notRead("Messages that are never sent")}
</div>
<footer><span>Hour and day: as passes that ended counted. Counts of what is on its way stop at 1,000.</span><span>For machines: the same address without <code>Accept: text/html</code></span></footer>`;
  return renderPage(status.verdict.headline, body);
}

/** Says why there is no status, in the words of `lib/problems.ts`. */
export function failurePage(errors: Failure["errors"]): Promise<string> {
  const cards = errors.map(({ code, message }) => {
    const { happened, remedy } =
      code === "setting_wrong" ? { happened: message, remedy: "" } : PROBLEMS[code];
    return verdictCard({ level: "bad", headline: sentence(happened).slice(0, -1), detail: sentence(remedy) });
  });
  return renderPage("waha-scheduler: no status", html`<header><b>waha-scheduler</b></header>${cards}`);
}

/** What a browser shows whose user gave up on the password. */
export function unauthorizedPage(): Promise<string> {
  const card = verdictCard({
    level: "warning",
    headline: "The password is STATUS_SECRET or CRON_SECRET",
    detail: "Any user name will do. Load the page again to be asked.",
  });
  return renderPage("waha-scheduler: password", card, { refreshes: false });
}
