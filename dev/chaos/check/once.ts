import type { RoundRecord } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { provenBy, tellAnswer } from "./oracle.ts";
import { askedAgain, type Round, type Trail } from "./round.ts";

/** At most one POST a message, unless every earlier one is proven unsent or a person asked again. */
export function checkOnce({ record, trails, foreignEntries }: Round): Finding {
  const check = new Check("once");
  for (const entry of foreignEntries) {
    check.violated(`WAHA accepted a message to ${entry.chatId}, a chat that no message ever had`);
  }
  for (const trail of trails) {
    if (trail.posts.length + trail.entries.length > 0) check.covers();
    checkAccepted(check, trail);
    checkPosted(check, trail, record.engines);
  }
  return check;
}

function checkAccepted(check: Check, trail: Trail): void {
  trail.entries.forEach((later, index) => {
    for (const earlier of trail.entries.slice(0, index)) {
      const asked = askedAgain(trail, earlier.receivedAt.getTime(), later.receivedAt.getTime());
      if (earlier.ack === -1 && asked) continue;
      const because =
        earlier.ack === -1 ? "no person asked again" : "WhatsApp did not refuse the earlier one";
      check.violated(
        `accepted twice by WAHA (no. ${earlier.seq} and ${later.seq}), and ${because}`,
        trail.label,
      );
    }
  });
}

function checkPosted(check: Check, trail: Trail, engines: RoundRecord["engines"]): void {
  trail.posts.forEach((later, index) => {
    for (const earlier of trail.posts.slice(0, index)) {
      const proof = provenBy(earlier, engines.get(earlier.session));
      if (proof === "unsent" || askedAgain(trail, earlier.at, later.at)) continue;
      check.violated(
        `posted again by ${later.instance} ${later.at - earlier.at} ms after a POST by ${earlier.instance} ` +
          `whose answer (${tellAnswer(earlier)}) is ${proof === "nothing" ? "no proof" : `"${proof}"`}; no person asked again`,
        trail.label,
      );
    }
  });
}
