import { Check, type Finding } from "./finding.ts";
import type { Round } from "./round.ts";

/** No redirect is followed. The cases are the POSTs that met one, and whatever went where it leads. */
export function checkRedirects({ record }: Round): Finding {
  const check = new Check("redirects");
  const { posts, strayRequests } = record;
  check.covers(posts.filter(({ answer }) => answer && answer.status >= 300 && answer.status < 400).length);
  for (const { method, path, hadKey } of strayRequests) {
    check.covers();
    check.violated(`${method} ${path} followed a redirect, ${hadKey ? "with" : "without"} the key`);
  }
  return check;
}

/** Every answer of the function is one of those promised, and no process of it ends by itself or hangs. */
export function checkAnswers({ record }: Round): Finding {
  const check = new Check("answers");
  check.covers(record.answers);
  for (const answer of record.oddAnswers) check.violated(answer);
  return check;
}
