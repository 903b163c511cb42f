import { describe, expect, test } from "vitest";
import { startRawServer } from "../hostile/raw-server.ts";
import { CHAT, clientAt, LIMIT_MS, send, startWaha } from "../support/waha-client.ts";

const URL_OF_FILE = "https://files.example/a.bin";

/** A WAHA that takes everything, and the requests that it took. */
async function startTaker(settings: NodeJS.ProcessEnv = {}) {
  const { requests, url } = await startRawServer(() => ({ status: 201, body: '{"key":{"id":"3EB0A"}}' }));
  return { requests, waha: clientAt(url, undefined, settings) };
}

type Message = Parameters<ReturnType<typeof clientAt>["send"]>[0];

/** What is posted for a message, and where. */
async function posted(fields: Partial<Message>, settings: NodeJS.ProcessEnv = {}) {
  const { requests, waha } = await startTaker(settings);
  expect(await send(waha, fields)).toEqual({ kind: "sent", waMessageId: "3EB0A" });
  return requests.map(({ body, method, target }) => ({ to: `${method} ${target}`, body: JSON.parse(body) }));
}

describe("what is posted", () => {
  const to = { session: "default", chatId: CHAT };

  test("is for a video what the dashboard's own scheduler posts", async () => {
    const video = {
      kind: "video",
      url: URL_OF_FILE,
      mimetype: "video/mp4",
      filename: "video.mp4",
      convert: true,
    } as const;
    expect(await posted({ content: "Look", media: video })).toEqual([
      {
        to: "POST /api/sendVideo",
        body: {
          ...to,
          caption: "Look",
          asNote: false,
          convert: true,
          file: { url: URL_OF_FILE, mimetype: "video/mp4", filename: "video.mp4" },
        },
      },
    ]);
  });

  test("is for a picture what the dashboard's own scheduler posts", async () => {
    const media = { kind: "image", url: URL_OF_FILE, mimetype: "image/jpeg", filename: "image.jpg" } as const;
    expect(await posted({ content: "Look", media })).toEqual([
      {
        to: "POST /api/sendImage",
        body: {
          ...to,
          caption: "Look",
          file: { url: URL_OF_FILE, mimetype: "image/jpeg", filename: "image.jpg" },
        },
      },
    ]);
  });

  test("is for a voice message a file without a caption", async () => {
    const media = {
      kind: "voice",
      url: URL_OF_FILE,
      mimetype: "audio/ogg; codecs=opus",
      convert: false,
    } as const;
    expect(await posted({ content: "", media })).toEqual([
      {
        to: "POST /api/sendVoice",
        body: { ...to, convert: false, file: { url: URL_OF_FILE, mimetype: "audio/ogg; codecs=opus" } },
      },
    ]);
  });

  test("is for a file its address, and with a caption and an id where it has them", async () => {
    const media = { kind: "file", url: URL_OF_FILE } as const;
    const file = { url: URL_OF_FILE };
    expect(await posted({ content: "", media })).toEqual([
      { to: "POST /api/sendFile", body: { ...to, file } },
    ]);
    expect(await posted({ content: "Read", id: "3EB0GIVEN", media })).toEqual([
      { to: "POST /api/sendFile", body: { ...to, id: "3EB0GIVEN", caption: "Read", file } },
    ]);
  });

  test("never tells the engine, which is not WAHA's to read", async () => {
    const media = { kind: "image", url: URL_OF_FILE } as const;
    const [image] = await posted({ engine: "GOWS", content: "", media });
    const [text] = await posted({ engine: "GOWS" });
    expect([image?.body, text?.body]).toEqual([
      { ...to, file: { url: URL_OF_FILE } },
      { ...to, text: "Hello" },
    ]);
  });
});

describe("LINK_PREVIEW", () => {
  test.each([
    ["true", { linkPreview: true }],
    ["false", { linkPreview: false }],
    [undefined, {}],
  ])("%s goes out with texts", async (LINK_PREVIEW, fields) => {
    const body = { session: "default", chatId: CHAT, text: "Hello", ...fields };
    expect(await posted({}, { LINK_PREVIEW })).toEqual([{ to: "POST /api/sendText", body }]);
  });

  test("does not go out with a file", async () => {
    const media = { kind: "image", url: URL_OF_FILE } as const;
    const [image] = await posted({ content: "Look", media }, { LINK_PREVIEW: "true" });
    expect(image?.body).not.toHaveProperty("linkPreview");
  });
});

test("each kind arrives, under the id that it was given", async () => {
  const { server, waha } = await startWaha({ engine: "GOWS" });
  for (const kind of ["image", "video", "voice", "file"] as const) {
    const media = { kind, url: URL_OF_FILE };
    const outcome = await send(waha, { id: `3EB0${kind}`, content: "", media }, LIMIT_MS);
    expect(outcome).toEqual({ kind: "sent", waMessageId: `3EB0${kind}` });
    expect(await waha.lookUp("default", CHAT, `3EB0${kind}`, LIMIT_MS)).toBe("found");
  }
  expect(server.ledger.map(({ kind, url }) => [kind, url])).toEqual(
    ["image", "video", "voice", "file"].map((kind) => [kind, URL_OF_FILE]),
  );
});
