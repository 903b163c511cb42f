import fc from "fast-check";

/** What means something in a path, a query, a header or an address. */
const TRICKS = [
  ...[
    "..",
    ".",
    "/",
    "//",
    "\\",
    "/../",
    "%2e",
    "%2E%2e",
    "%2F",
    "%5C",
    "%00",
    "%",
    "?",
    "#",
    "&",
    "=",
    ";",
    ":",
  ],
  ...["\r\n", "\r\nX-Api-Key: stolen\r\n\r\n", "\n", "\0", "\t", "@", "+", "*", "http://elsewhere.test/"],
  ...["\ud800", "\udfff", "\ufffd", "\ufeff", "\u2028", "\u202e", "．．", "／", "__proto__", "$gt", "$"],
];

export const trick = fc.constantFrom(...TRICKS);

/** A code point of any of Unicode's planes; surrogates on their own are among them. */
export const anyCodePoint = fc
  .tuple(fc.nat(16), fc.nat(0xffff))
  .map(([plane, offset]) => String.fromCodePoint(plane * 0x1_0000 + offset));

/** Short texts that try to be more than a text. */
export const tricky = fc
  .array(fc.oneof(trick, anyCodePoint, fc.string({ maxLength: 4 })), { maxLength: 5 })
  .map((parts) => parts.join(""));
