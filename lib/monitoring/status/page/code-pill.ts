import { errorUrl, type ProblemCode } from "../../../problems.ts";
import { type Html, html } from "./html.ts";

/** A code, with a link to the page that explains it. */
export function codePill(code: ProblemCode): Html {
  return html`<a class="pill" href="${errorUrl(code)}" rel="noreferrer">${code}</a>`;
}
