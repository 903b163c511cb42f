import type { Figures } from "../../history/read.ts";
import { lasting, many, number, span } from "../../words.ts";
import type { Status } from "../gather.ts";
import { type Html, html } from "./document.ts";

/** The most important figures. */
export function tiles({ at, now, hour, day }: Status): Html {
  const oldest = now.oldestDue ? `oldest due ${lasting(now.oldestDue, at)} ago` : "nothing waits";
  const due = now.pastWindow.count > 0 ? `${many(now.pastWindow)} past their window` : oldest;
  const held = now.onHold.count > 0 ? `, ${many(now.onHold)} on hold` : "";
  return html`<div class="tiles">
${tile(many(now.due), "due now", due + held)}
${tile(many(now.attempting), "being sent", `${many(now.claimed)} claimed for it`)}
${hour && day ? pastTiles(now, hour, day) : tile("–", "sent in an hour", "not read in time")}
</div>`;
}

function pastTiles({ awaitingLookup }: Status["now"], hour: Figures, day: Figures): Html {
  const unknown = inADay(hour.unknown, day.unknown);
  const looked = awaitingLookup.count > 0 ? `, ${many(awaitingLookup)} being looked up` : "";
  const { p50, p99 } = hour.latenessMs;
  return html`${tile(number(hour.sent), "sent in an hour", `${number(day.sent)} in a day`, "sent")}
${tile(number(hour.failed + hour.missed), "failed or missed", inADay(hour.failed + hour.missed, day.failed + day.missed), "failed")}
${tile(number(hour.unknown), "unknown", unknown + looked, "unknown")}
${tile(span(p50), "late at the median", p99 === null ? "nothing sent in an hour" : `99 % within ${span(p99)}`)}`;
}

function inADay(hour: number, day: number): string {
  return day === 0 && hour === 0 ? "none in a day" : `${number(day)} in a day`;
}

/** `tone`: the outcome whose colour the figure has, unless it is 0. */
function tile(value: string, what: string, more: string, tone = ""): Html {
  return html`<div class="tile"><b class="${value === "0" ? "" : tone}">${value}</b><span>${what}</span><small>${more}</small></div>`;
}
