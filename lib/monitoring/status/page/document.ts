import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { STYLE } from "./style.ts";

/** A piece of a page. What is filled into the template is escaped, unless it is such a piece itself. */
export type Html = ReturnType<typeof html>;

export { html };

/** How often a page asks for itself again, in seconds. */
const REFRESH_SECONDS = 10;

/** Only the page's one style may be loaded, and nothing may run, whatever gets into a page. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Renders a page. One that asks for a password does not refresh itself, or it would ask again every time. */
export async function renderPage(title: string, body: Html, { refreshes = true } = {}): Promise<string> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshes ? html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : ""}
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>${body}</body>
</html>
`;
  return String(await page);
}

/** Stands for a part of the page that the database was too slow for. */
export function notRead(part: string): Html {
  return html`<section class="wide"><h2>${part}</h2><p class="soft">Could not be read in time: the database is too slow.</p></section>`;
}
