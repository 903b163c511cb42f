import { createHash } from "node:crypto";
import { raw } from "hono/html";
import { type Html, html } from "./html.ts";
import { STYLE } from "./style.ts";

/** How often a page asks for itself again, in seconds; but the one that asks for a password. */
const REFRESH_SECONDS = 10;

/** Nothing but the one style may be loaded or run, whatever gets into a page. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Answers with a page, which nobody keeps and which loads nothing. */
export async function pageAnswer(
  status: number,
  title: string,
  body: Html,
  headers: Record<string, string> = {},
): Promise<Response> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${status === 401 ? "" : html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`}
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>${body}</body>
</html>
`;
  return new Response(String(await page), {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": POLICY,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "X-Robots-Tag": "noindex",
      ...headers,
    },
  });
}
