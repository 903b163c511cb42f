import { ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import { parseOutgoing } from "../../lib/messages/outgoing.ts";
import { distinctForms, documentKey, type Id, idForms, idKey } from "../../lib/mongo/ids.ts";

const HEX = "65f0c0ffee65f0c0ffee65f0";
const OBJECT_ID = new ObjectId(HEX);

describe("a reference", () => {
  const FORMS: [name: string, id: Id, forms: Id[]][] = [
    ["an ObjectId", OBJECT_ID, [OBJECT_ID, HEX]],
    ["an ObjectId's string", HEX, [HEX, OBJECT_ID]],
    ["an ObjectId's string in upper case", HEX.toUpperCase(), [HEX.toUpperCase(), OBJECT_ID]],
    ["a name", "default", ["default"]],
    ["a name of twelve characters", "twelve-chars", ["twelve-chars"]],
    ["a string one digit short of an ObjectId", HEX.slice(1), [HEX.slice(1)]],
    ["a string one digit longer than an ObjectId", `${HEX}0`, [`${HEX}0`]],
    ["a string of 24 characters that are not all hexadecimal", `g${HEX.slice(1)}`, [`g${HEX.slice(1)}`]],
    ["a number", 7, [7]],
  ];

  test.each(FORMS)("that is %s is looked up in every form it may have", (_name, id, forms) => {
    expect(idForms(id)).toEqual(forms);
  });

  test("has one key for both forms", () => {
    const keys = [OBJECT_ID, HEX, HEX.toUpperCase(), new ObjectId(HEX)].map(idKey);
    expect(new Set(keys)).toEqual(new Set([HEX]));
  });

  test("is looked up once in each form, however often and in whichever form it is named", () => {
    const upper = HEX.toUpperCase();
    const forms = distinctForms([OBJECT_ID, HEX, new ObjectId(HEX), 7, upper, 7]);
    expect(new Set(forms.map(documentKey))).toEqual(new Set([OBJECT_ID, HEX, 7, upper].map(documentKey)));
    expect(forms).toHaveLength(4);
  });

  test("has another key than any other reference", () => {
    const ids: Id[] = [OBJECT_ID, new ObjectId(), "7", 7, "default", "Default", "[7]", ""];
    expect(new Set(ids.map(idKey)).size).toBe(ids.length);
  });

  test("tells documents apart by the form of their _id", () => {
    const ids: Id[] = [OBJECT_ID, HEX, HEX.toUpperCase(), "7", 7, `o${HEX}`];
    expect(new Set(ids.map(documentKey)).size).toBe(ids.length);
    expect(documentKey(new ObjectId(HEX))).toBe(documentKey(OBJECT_ID));
  });
});

/** A message of the app's, with just these fields in doubt. */
function document(fields: { chatId?: unknown; content?: unknown }): MessageDocument {
  return {
    _id: OBJECT_ID,
    scheduledAt: new Date(),
    isSent: false,
    isDeleted: false,
    isPicked: false,
    chatId: "491701234567@c.us",
    content: "Hello",
    ...fields,
  };
}

const draftOf = (fields: object) => {
  const read = parseOutgoing(document(fields), MAPPINGS.plain.messages);
  return "outgoing" in read ? read.outgoing : read.problem;
};

const problemOf = (fields: object) => {
  const read = parseOutgoing(document(fields), MAPPINGS.plain.messages);
  if (!("problem" in read)) throw new Error("it is accepted");
  return read.problem;
};

describe("a chat", () => {
  const ACCEPTED: [kind: string, chatId: string, posted: string][] = [
    ["a phone", "491701234567@c.us", "491701234567@c.us"],
    ["a phone's bare digits", "491701234567", "491701234567@c.us"],
    ["a phone in WhatsApp's own form", "491701234567@s.whatsapp.net", "491701234567@s.whatsapp.net"],
    ["one device of a phone", "491701234567:12@s.whatsapp.net", "491701234567@s.whatsapp.net"],
    ["one device of a phone, of WAHA's kind", "4915112345678:4@c.us", "4915112345678@c.us"],
    ["one device of a hidden number", "123456789012345:0@lid", "123456789012345@lid"],
    ["the shortest phone", "4917012", "4917012@c.us"],
    ["the longest phone", "491701234567890@c.us", "491701234567890@c.us"],
    ["a short hidden number that begins with 0", "01234@lid", "01234@lid"],
    ["a group", "120363041234567890@g.us", "120363041234567890@g.us"],
    ["a group of the old kind", "491701234567-1609459200@g.us", "491701234567-1609459200@g.us"],
    ["a hidden number", "123456789012345@lid", "123456789012345@lid"],
    ["a channel", "120363041234567890@newsletter", "120363041234567890@newsletter"],
  ];

  test.each(ACCEPTED)("that is %s is accepted: %s as %s", (_kind, chatId, posted) => {
    expect(draftOf({ chatId })).toEqual({ chatId: posted, content: "Hello" });
  });

  const REJECTED: [name: string, chatId: unknown][] = [
    ["absent", undefined],
    ["null", null],
    ["a number", 491701234567],
    ["a list", ["491701234567@c.us"]],
    ["an object", { id: "491701234567@c.us" }],
    ["empty", ""],
    ["blank", "  "],
    ["a name", "Bob-Miller"],
    ["the status broadcast", "status@broadcast"],
    ["a broadcast list", "1609459200@broadcast"],
    ["a suffix alone", "@c.us"],
    ["of an unknown kind", "491701234567@x.us"],
    ["in upper case", "491701234567@C.US"],
    ["written with a plus", "+491701234567"],
    ["written with spaces", "49170 1234567"],
    ["led by a space", " 491701234567@c.us"],
    ["too short for a phone", "491701"],
    ["too long for a phone", "4".repeat(16)],
    ["a phone without its country's code", "0512345678"],
    ["of WAHA's kind, without a country's code", "0512345678@c.us"],
    ["of WhatsApp's own kind, without a country's code", "0512345678@s.whatsapp.net"],
    ["too long for a phone of WAHA's kind", "4917012345678901@c.us"],
    ["too short for a phone of WhatsApp's own kind", "491701@s.whatsapp.net"],
    ["a device of a group", "120363041234567890:1@g.us"],
    ["a device of no person", ":1@c.us"],
    ["a device too many", "491701234567:1:2@c.us"],
    ["written with digits of another script", "٤٩١٧٠١٢٣٤٥٦٧"],
    ["two in one", "491701234567@c.us,491701234568@c.us"],
    ["followed by a line feed", "491701234567@c.us\n"],
    ["bare digits and a line feed", "491701234567\n"],
    ["followed by a path", "491701234567@c.us/../../sessions"],
    ["a path alone", "../sessions"],
    ["followed by a query", "491701234567@c.us?limit=1"],
    ["followed by a fragment", "491701234567@c.us#x"],
    ["percent-encoded", "491701234567%40c.us"],
    ["followed by a null character", "491701234567@c.us\0"],
  ];

  test.each(REJECTED)("that is %s is rejected, and not quoted", (_name, chatId) => {
    const problem = problemOf({ chatId });
    expect(problem).toMatch(/^chatId is (missing or not a string|not a WhatsApp chat)/);
    const quotable = String(chatId).trim();
    if (quotable.length > 5 && chatId !== undefined && quotable !== "@c.us")
      expect(problem).not.toContain(quotable);
    expect(problem).not.toMatch(/\d{4}/);
  });
});

describe("a content", () => {
  const ACCEPTED: [name: string, content: string][] = [
    ["a single character", "x"],
    ["surrounded by blanks, which stay", "  Hello\n"],
    ["in several lines and scripts", "Grüße 👋🏽\nمرحبا"],
    ["of digits alone", "0"],
    ["an emoji that is joined", "👨‍👩‍👧"],
    ["one that stands among invisible ones", "\u200b.\ufeff"],
    ["as long as WhatsApp takes it", "x".repeat(65_536)],
  ];

  test.each(ACCEPTED)("that is %s is accepted as it is", (_name, content) => {
    expect(draftOf({ content })).toEqual({ chatId: "491701234567@c.us", content });
  });

  const REJECTED: [name: string, content: unknown, problem: string][] = [
    ["absent", undefined, "content is missing or not a string"],
    ["null", null, "content is missing or not a string"],
    ["a number", 4711, "content is missing or not a string"],
    ["an object", { text: "Hello-4711" }, "content is missing or not a string"],
    ["empty", "", "content is empty"],
    ["blank", " \n\t ", "content is empty"],
    ["blank as Unicode has it", "\u00a0\u2003", "content is empty"],
    ["invisible: a space without width", "\u200b", "content is empty"],
    ["invisible: two kinds of them mixed", "\ufeff\u200b \ufeff", "content is empty"],
    ["invisible: joiners, marks of direction, a soft hyphen", "\u200d\u200f\u2066\u00ad", "content is empty"],
    ["invisible: fillers and a braille cell without dots", "\u3164\u115f\u2800", "content is empty"],
    ["invisible: controls and variation selectors", "\u0000\u0007\ufe0f\u{e0101}", "content is empty"],
    ["one character too long", "x".repeat(65_537), "content is longer than 65536 characters"],
  ];

  test.each(REJECTED)("that is %s is rejected, and not quoted", (_name, content, problem) => {
    expect(problemOf({ content })).toBe(problem);
  });
});

test("a message with a bad chat and a bad content says both", () => {
  const problem = problemOf({ chatId: "Bob-Miller", content: "" });
  expect(problem).toContain("chatId is not a WhatsApp chat");
  expect(problem).toContain("content is empty");
});
