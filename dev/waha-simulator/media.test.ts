import { expect, onTestFinished, test } from "vitest";
import type { WahaSimulatorOptions } from "./options.ts";
import { startWahaSimulator, type WahaSimulator } from "./server.ts";

const CHAT = "111@c.us";
const FILE = { url: "https://files.example/one.bin", mimetype: "image/jpeg", filename: "one.bin" };
const ROUTES = ["sendImage", "sendVideo", "sendVoice", "sendFile"] as const;

async function start(options: WahaSimulatorOptions = {}): Promise<WahaSimulator> {
  const simulator = await startWahaSimulator({ refusalDelayMs: 5, ...options });
  onTestFinished(() => simulator.stop());
  return simulator;
}

/** What the tests read of an answer, none of it in every answer. */
type Body = {
  id: { id: string };
  key: { id: string };
  message: string;
  exception: { name: string; message: string };
  request: { body: object };
};

const post = ({ url }: WahaSimulator, route: string, body: object) =>
  fetch(`${url}/api/${route}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ session: "default", chatId: CHAT, ...body }),
  });

async function send(simulator: WahaSimulator, route: (typeof ROUTES)[number], fields: object = {}) {
  const response = await post(simulator, route, { file: FILE, ...fields });
  return { status: response.status, body: (await response.json()) as Body };
}

/** Sends a file that stands at this path of an address. */
const sendFrom = (simulator: WahaSimulator, path: string, fields: object = {}) =>
  send(simulator, "sendImage", { file: { url: `https://files.example/${path}` }, ...fields });

test("the ledger says what was sent", async () => {
  const simulator = await start();
  await send(simulator, "sendImage", { caption: "a picture" });
  await send(simulator, "sendVideo", { caption: "a video", convert: true, asNote: false });
  await send(simulator, "sendVoice", { file: { url: FILE.url }, convert: true });
  await send(simulator, "sendFile");
  const of = { session: "default", chatId: CHAT };
  expect(simulator.ledger).toEqual([
    expect.objectContaining({ ...of, ...FILE, kind: "image", text: "a picture" }),
    expect.objectContaining({ ...of, ...FILE, kind: "video", text: "a video", convert: true, asNote: false }),
    expect.objectContaining({ ...of, url: FILE.url, kind: "voice", text: "", convert: true }),
    expect.objectContaining({ ...of, ...FILE, kind: "file", text: "" }),
  ]);
  expect(simulator.ledger[2]).not.toHaveProperty("mimetype");
});

test("the ledger says of a text whether a preview of its links was asked for", async () => {
  const simulator = await start();
  for (const fields of [{ linkPreview: true }, { linkPreview: false }, {}])
    await post(simulator, "sendText", { text: "hello", ...fields });
  expect(simulator.ledger.map(({ linkPreview }) => linkPreview)).toEqual([true, false, undefined]);
  expect(simulator.ledger[2]).toMatchObject({ kind: "text", text: "hello" });
  expect(simulator.ledger[2]).not.toHaveProperty("linkPreview");
});

test("the answer has the shape of the engine, and a lookup finds the message", async () => {
  const noweb = await start();
  const gows = await start({ engine: "GOWS" });
  const webjs = await start({ engine: "WEBJS" });
  for (const route of ROUTES) {
    const id = `ID-${route}`;
    expect((await send(noweb, route, { id })).body.key.id).toBe(id);
    expect((await send(gows, route, { id })).body.id).toBe(`true_${CHAT}_${id}`);
    expect((await send(webjs, route, { id })).body.id.id).not.toBe(id);
    const path = `/api/default/chats/${encodeURIComponent(CHAT)}/messages/${id}`;
    const found = await fetch(gows.url + path);
    expect(await found.json()).toMatchObject({ id: `true_${CHAT}_${id}`, hasMedia: true });
  }
});

const NOT_LOADED: [path: string, message: string][] = [
  ["404/one.jpg", "Request failed with status code 404"],
  ["403/one.jpg", "Request failed with status code 403"],
  ["gone", "Request failed with status code 410"],
  ["500", "Request failed with status code 500"],
  ["unknown-host/one.jpg", "getaddrinfo ENOTFOUND files.example"],
  ["refused", "connect ECONNREFUSED 127.0.0.1:443"],
];

test.each(NOT_LOADED)("a file at /%s can't be loaded: %s", async (path, message) => {
  const simulator = await start();
  const { status, body } = await sendFrom(simulator, path, { caption: "quoted" });
  expect(status).toBe(500);
  expect(body.exception).toMatchObject({ name: "AxiosError", message });
  expect(body.request.body).toMatchObject({ caption: "quoted" });
  expect(simulator.ledger).toEqual([]);
});

test("WhatsApp does not take a file at /not-uploaded, which each engine words its own way", async () => {
  const gows = await start({ engine: "GOWS" });
  const noweb = await start();
  const worded = async (simulator: WahaSimulator) =>
    (await sendFrom(simulator, "not-uploaded")).body.exception.message;
  expect(await worded(gows)).toMatch(/^2 UNKNOWN: failed to upload/);
  expect(await worded(noweb)).toBe("Media upload failed on all hosts");
  expect([...gows.ledger, ...noweb.ledger]).toEqual([]);
});

test("what only looks like trouble is sent", async () => {
  const simulator = await start();
  for (const path of ["", "one.jpg?404", "4040", "files/404", "200"])
    expect((await sendFrom(simulator, path)).status).toBe(201);
});

test("nothing is validated but that there is a file or its address", async () => {
  const simulator = await start();
  expect(await send(simulator, "sendFile", { file: {} })).toMatchObject({
    status: 422,
    body: { message: 'Either "file.url" or "file.data" must be specified.' },
  });
  expect((await send(simulator, "sendFile", { file: undefined })).status).toBe(500);
  expect((await send(simulator, "sendFile", { chatId: 111 })).status).toBe(500);
  expect(await send(simulator, "sendFile", { file: { url: 7 } })).toMatchObject({
    status: 500,
    body: { exception: { message: "Invalid URL" } },
  });
  expect(simulator.ledger).toEqual([]);
  expect((await send(simulator, "sendFile", { file: { data: "AAAA" }, caption: 7 })).status).toBe(201);
});

test("Core sends files from 2026.6.1 on", async () => {
  const old = await start({ tier: "CORE", version: "2026.5.9" });
  for (const route of ROUTES) {
    const { body, status } = await send(old, route);
    expect(status).toBe(422);
    expect(body.message).toMatch(/^The feature is available only in Plus version for 'NOWEB' engine/);
  }
  expect((await send(await start({ tier: "CORE", version: "2026.6.1" }), "sendImage")).status).toBe(201);
  expect((await send(await start({ version: "2026.5.9" }), "sendImage")).status).toBe(201);
});

test("faults meet media by route and by a part of the caption", async () => {
  const simulator = await start();
  const action = { type: "status", status: 418, body: {} } as const;
  simulator.addFault({ match: { route: "sendVideo" }, action });
  simulator.addFault({ match: { textIncludes: "ictur" }, action });
  expect((await send(simulator, "sendVideo")).status).toBe(418);
  expect((await send(simulator, "sendImage", { caption: "Picture" })).status).toBe(418);
  expect((await send(simulator, "sendImage")).status).toBe(201);
});
