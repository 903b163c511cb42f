import { ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { MAPPINGS, type MessageNames } from "../../lib/documents/mapping.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import { hasMedia, parseOutgoing } from "../../lib/messages/outgoing.ts";

const CHAT = "491701234567@c.us";
const SECRET = "hunter2";
const URL_OF_FILE = `https://files.example/${SECRET}.bin`;

const PLAIN = MAPPINGS.plain.messages;
const DASHBOARD: MessageNames = MAPPINGS["whatsapp-waha-dashboard"].messages;

/** A message as it is read from the database, with these fields. */
function document(fields: Partial<MessageDocument>): MessageDocument {
  const flags = { isSent: false, isDeleted: false, isPicked: false };
  return { _id: new ObjectId(), scheduledAt: new Date(), ...flags, chatId: CHAT, content: "Look", ...fields };
}

const read = (fields: Partial<MessageDocument>, names: MessageNames = PLAIN) =>
  parseOutgoing(document(fields), names);

/** Why nothing can be posted; it quotes neither the address nor the text. */
function problemOf(fields: Partial<MessageDocument>, names: MessageNames = PLAIN): string {
  const parsed = read(fields, names);
  if (!("problem" in parsed)) throw new Error("it is accepted");
  expect(parsed.problem).not.toContain(SECRET);
  return parsed.problem;
}

describe("the document `media`", () => {
  test.each(["image", "video", "file"])("of the kind %s is sent with the content as its caption", (kind) => {
    const media = { kind, url: URL_OF_FILE, mimetype: "a/b", filename: "a.bin" };
    expect(read({ media })).toEqual({ outgoing: { chatId: CHAT, content: "Look", media } });
  });

  test.each([
    ["absent", undefined],
    ["null", null],
    ["empty", ""],
  ])("needs no caption: one that is %s is none", (_name, content) => {
    for (const kind of ["image", "voice"]) {
      const media = { kind, url: URL_OF_FILE };
      expect(read({ content, media })).toMatchObject({ outgoing: { content: "", media } });
    }
  });

  test("may lack type and name, which the database gives as null", () => {
    const parsed = read({ media: { kind: "image", url: URL_OF_FILE, mimetype: null, filename: null } });
    const media = { kind: "image", url: URL_OF_FILE, mimetype: undefined, filename: undefined };
    expect(parsed).toEqual({ outgoing: { chatId: CHAT, content: "Look", media } });
  });

  test.each([undefined, null])("that is %s makes the message a text", (media) => {
    expect(read({ media })).toEqual({ outgoing: { chatId: CHAT, content: "Look", media: undefined } });
    expect(hasMedia(document({ media }), PLAIN)).toBe(false);
    expect(problemOf({ media, content: "" })).toBe("content is empty");
  });

  test("counts for the time that the message needs, whatever is wrong with it", () => {
    for (const media of [{ kind: "image", url: URL_OF_FILE }, {}, "image", 0, false])
      expect(hasMedia(document({ media }), PLAIN)).toBe(true);
  });

  const NO_DOCUMENT = "media is not a document with kind and url";
  const NO_KIND = "media: kind is none of image, video, voice, file";
  const NO_ADDRESS = "media holds no http:// or https:// address";
  const LONG_ADDRESS = "media: the address is longer than 2048 characters";

  test.each([
    ["a text", URL_OF_FILE, NO_DOCUMENT],
    ["a number", 7, NO_DOCUMENT],
    ["a list", [{ kind: "image", url: URL_OF_FILE }], NO_DOCUMENT],
    // What stands in for a value of another type, as it is read from the database.
    ["of a type that is not read", { type: "array" }, `${NO_KIND}; ${NO_ADDRESS}`],
    ["empty", {}, `${NO_KIND}; ${NO_ADDRESS}`],
  ])("that is %s is rejected", (_name, media, problem) => {
    expect(problemOf({ media })).toBe(problem);
  });

  test.each([undefined, null, 7, "", "Image", "images", `${SECRET}`, ["image"], "sticker"])(
    "of the kind %j is rejected",
    (kind) => {
      expect(problemOf({ media: { kind, url: URL_OF_FILE } })).toBe(NO_KIND);
    },
  );

  test.each([
    ["absent", undefined, NO_ADDRESS],
    ["null", null, NO_ADDRESS],
    ["empty", "", NO_ADDRESS],
    ["a number", 7, NO_ADDRESS],
    ["a list", [URL_OF_FILE], NO_ADDRESS],
    ["a path", `/${SECRET}.jpg`, NO_ADDRESS],
    ["without a scheme", `files.example/${SECRET}.jpg`, NO_ADDRESS],
    ["ftp:", `ftp://files.example/${SECRET}`, NO_ADDRESS],
    ["file:", `file:///etc/${SECRET}`, NO_ADDRESS],
    ["data:", `data:text/plain,${SECRET}`, NO_ADDRESS],
    ["javascript:", `javascript:${SECRET}()`, NO_ADDRESS],
    ["without slashes", `https:files.example/${SECRET}`, NO_ADDRESS],
    ["without a host", "https://", NO_ADDRESS],
    ["without a host, but with a port", "http://:80/", NO_ADDRESS],
    ["with a host that is none", `https://a b/${SECRET}`, NO_ADDRESS],
    ["too long by a character", `https://files.example/${SECRET}`.padEnd(2_049, "a"), LONG_ADDRESS],
    // A stand-in, too.
    ["far too long", { tooLong: 100_000 }, LONG_ADDRESS],
  ])("with an address that is %s is rejected", (_name, url, problem) => {
    expect(problemOf({ media: { kind: "image", url } })).toBe(problem);
  });

  test.each([
    "http://files.example",
    "HTTPS://FILES.EXAMPLE/A.JPG",
    "https://127.0.0.1:8080/a?b=c#d",
    "https://user:word@files.example/%20ü",
    "https://files.example/".padEnd(2_048, "a"),
  ])("with the address %s is accepted as it stands", (url) => {
    expect(read({ media: { kind: "image", url } })).toMatchObject({ outgoing: { media: { url } } });
  });

  test.each([
    ["mimetype", 7, "is not a string"],
    ["filename", [SECRET], "is not a string"],
    ["mimetype", SECRET.padEnd(256, "a"), "is too long"],
    ["filename", SECRET.padEnd(256, "a"), "is too long"],
    ["filename", { tooLong: 600 }, "is too long"],
  ])("with a %s that is wrong is rejected", (part, value, words) => {
    const media = { kind: "file", url: URL_OF_FILE, [part]: value };
    expect(problemOf({ media })).toBe(`media: ${part} ${words}`);
  });

  test("has a caption of no more characters than a text", () => {
    const media = { kind: "image", url: URL_OF_FILE };
    expect(read({ media, content: "x".repeat(65_536) })).toHaveProperty("outgoing");
    const problem = "content is longer than 65536 characters";
    expect(problemOf({ media, content: SECRET.padEnd(65_537) })).toBe(problem);
    expect(problemOf({ media, content: { tooLong: 1_000_000 } })).toBe(problem);
    expect(problemOf({ media, content: 7 })).toBe("content is missing or not a string");
  });

  test("of a voice message has none", () => {
    const media = { kind: "voice", url: URL_OF_FILE };
    expect(problemOf({ media, content: `${SECRET}` })).toBe(
      "content must be empty: a voice message has no caption",
    );
  });

  test("says all that is wrong at once", () => {
    expect(problemOf({ chatId: "Bob", media: { kind: "x", url: "y" }, content: 7 })).toBe(
      `chatId is not a WhatsApp chat: digits with the country's code, without + and spaces, or …@c.us, @s.whatsapp.net, @g.us, @lid, @newsletter; ${NO_KIND}; ${NO_ADDRESS}; content is missing or not a string`,
    );
  });
});

describe("mapped fields", () => {
  const VIDEO = { mediaUrl0: "https://files.example/a.mp4", mediaWhen0: true };
  const IMAGE = { mediaUrl1: "https://files.example/a.jpg", mediaWhen1: true };
  const video = {
    kind: "video",
    url: VIDEO.mediaUrl0,
    mimetype: "video/mp4",
    filename: "video.mp4",
    convert: true,
  };
  const image = { kind: "image", url: IMAGE.mediaUrl1, mimetype: "image/jpeg", filename: "image.jpg" };
  const of = (fields: Partial<MessageDocument>) => {
    const parsed = parseOutgoing({ ...document(fields), campaignChat: CHAT }, DASHBOARD);
    return "outgoing" in parsed ? parsed.outgoing.media : parsed.problem;
  };

  test("are a video, a picture, or neither", () => {
    expect(of(VIDEO)).toEqual(video);
    expect(of(IMAGE)).toEqual(image);
    expect(of({})).toBeUndefined();
  });

  test("are the video where there are both", () => {
    expect(of({ ...IMAGE, ...VIDEO })).toEqual(video);
  });

  test("count only where the boolean beside them is true", () => {
    for (const mediaWhen0 of [false, null, undefined, "true", 1]) {
      expect(of({ ...VIDEO, mediaWhen0 })).toBeUndefined();
      expect(of({ ...VIDEO, mediaWhen0, ...IMAGE })).toEqual(image);
      expect(hasMedia(document({ ...VIDEO, mediaWhen0 }), DASHBOARD)).toBe(false);
    }
  });

  test.each([undefined, null, ""])("count only with an address: one that is %j is none", (mediaUrl0) => {
    expect(of({ mediaWhen0: true, mediaUrl0, ...IMAGE })).toEqual(image);
    expect(of({ mediaWhen0: true, mediaUrl0 })).toBeUndefined();
    expect(hasMedia(document({ mediaWhen0: true, mediaUrl0 }), DASHBOARD)).toBe(false);
    expect(of({ mediaWhen0: true, mediaUrl0, content: "" })).toBe("content is empty");
  });

  test("count with an address that is wrong: another file is not what was meant", () => {
    for (const mediaUrl0 of ["ftp://files.example/a", " ", 7, { type: "array" }])
      expect(of({ mediaWhen0: true, mediaUrl0, ...IMAGE })).toBe(
        "videoUrl holds no http:// or https:// address",
      );
  });

  test("count by their address where there is no boolean", () => {
    const media = [
      { kind: "voice" as const, url: "voiceUrl" },
      { kind: "file" as const, url: "fileUrl" },
    ];
    const names: MessageNames = { ...PLAIN, media };
    const url = URL_OF_FILE;
    const voice = { outgoing: { content: "", media: { kind: "voice", url } } };
    expect(read({ mediaUrl0: url, mediaUrl1: url, content: "" }, names)).toMatchObject(voice);
    const file = { outgoing: { content: "Look", media: { kind: "file", url } } };
    expect(read({ mediaUrl0: null, mediaUrl1: url }, names)).toMatchObject(file);
    const text = { outgoing: { chatId: CHAT, content: "Look", media: undefined } };
    for (const none of [undefined, null, ""])
      expect(read({ mediaUrl0: none, mediaUrl1: none }, names)).toEqual(text);
  });
});
