/** No name that people gave is longer than this, or need be read further, in characters. */
const MAX_NAME = 100;

/** Ends lines, turns their direction, or is not seen at all. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/** Look-alikes of what receivers read as markup, mentions and links: Slack, Discord, Teams, Telegram, Mattermost. */
const LOOKALIKES: Record<string, string> = {
  "<": "‹",
  ">": "›",
  "@": "＠",
  "[": "［",
  "]": "］",
  "*": "∗",
  "`": "ˋ",
  "~": "∼",
  "|": "∣",
  "\\": "∖",
  "//": "∕∕",
};
const MARKUP = /\/\/|[<>@[\]*`~|\\]/g;

/** A dot before what may be the end of a host's name, which some receivers make a link of. */
const HOST_DOT = /(?<=[\p{L}\p{N}])\.(?=\p{L}{2,})/gu;

/**
 * A name that others wrote (an app, WAHA), as a person may be told it: on one line, cut short, and without anything
 * that a receiver of alerts reads as its own language. What common names are made of stays.
 */
export function neutral(name: string): string {
  const plain = name
    .replaceAll(UNSEEN, " ")
    .replaceAll(MARKUP, (sign) => LOOKALIKES[sign] ?? "")
    .replaceAll(HOST_DOT, "․");
  return plain.length > MAX_NAME ? `${plain.slice(0, MAX_NAME - 1)}…` : plain;
}
