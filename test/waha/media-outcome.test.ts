import { describe, expect, test } from "vitest";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import type { SendOutcome } from "../../lib/waha/outcome.ts";
import { answering, send, startWaha } from "../support/waha-client.ts";

const KINDS = ["image", "video", "voice", "file"] as const;
type Kind = (typeof KINDS)[number];

const SECRET = "hunter2";

/** What a message comes to that WAHA answers so; a text, where there is no kind. */
async function outcomeOf(
  { engine, kind }: { engine: string | undefined; kind?: Kind },
  status: number,
  body: object | string,
): Promise<SendOutcome> {
  const { server, waha } = await startWaha();
  server.addFault({ match: {}, action: answering(status, body) });
  const media = kind && { kind, url: `https://files.example/${SECRET}` };
  const outcome = await send(waha, { engine, content: "", media });
  expect(JSON.stringify(outcome)).not.toContain(SECRET);
  return outcome;
}

const ofAxios = (message: string) => ({ exception: { name: "AxiosError", message } });
const ofGrpc = (message: string) => ({ exception: { name: "Error", message } });

const gone = (status: number): SendOutcome => ({
  kind: "failed",
  code: "media_not_loaded",
  about: "message",
  detail: `HTTP ${status}`,
});
const later = (detail: string): SendOutcome => ({
  kind: "unsent",
  code: "media_unavailable",
  about: "message",
  detail,
});
const plusOnly: SendOutcome = { kind: "failed", code: "waha_plus_only", about: "message" };
const unproven = (engine: string | undefined): SendOutcome => ({
  kind: "unproven",
  code: "waha_error",
  about: engine === "WEBJS" || engine === "WPP" ? "either" : "session",
});

/** What proves that a file was not sent, and on which engines. */
const PROOFS: [
  name: string,
  status: number,
  body: object,
  outcome: SendOutcome,
  engines: (string | undefined)[],
][] = [
  ["403", 500, ofAxios("Request failed with status code 403"), gone(403), ["NOWEB", "GOWS"]],
  ["404", 500, ofAxios("Request failed with status code 404"), gone(404), ["NOWEB", "GOWS"]],
  ["410", 500, ofAxios("Request failed with status code 410"), gone(410), ["NOWEB", "GOWS"]],
  ["400", 500, ofAxios("Request failed with status code 400"), later("HTTP 400"), ["NOWEB", "GOWS"]],
  ["429", 500, ofAxios("Request failed with status code 429"), later("HTTP 429"), ["NOWEB", "GOWS"]],
  ["500", 500, ofAxios("Request failed with status code 500"), later("HTTP 500"), ["NOWEB", "GOWS"]],
  [
    "no such host",
    500,
    ofAxios(`getaddrinfo ENOTFOUND ${SECRET}.example`),
    later("getaddrinfo ENOTFOUND"),
    ["NOWEB", "GOWS"],
  ],
  [
    "nothing that listens",
    500,
    ofAxios("connect ECONNREFUSED 10.0.0.1:443"),
    later("connect ECONNREFUSED"),
    ["NOWEB", "GOWS"],
  ],
  ["an upload", 500, ofGrpc("2 UNKNOWN: failed to upload media: 503"), later("upload"), ["GOWS"]],
  ["another gRPC status", 500, ofGrpc("13 INTERNAL: failed to upload media"), later("upload"), ["GOWS"]],
  [
    "an old Core",
    422,
    { message: "The feature is available only in Plus version. Check this out: https://waha.devlike.pro/" },
    plusOnly,
    ["NOWEB", "GOWS", "WEBJS", "WPP", undefined],
  ],
  [
    "no file",
    422,
    { message: 'Either "file.url" or "file.data" must be specified.' },
    later("HTTP 422"),
    ["NOWEB", "GOWS", "WEBJS", "WPP", undefined],
  ],
];

const ENGINES = ["NOWEB", "GOWS", "WEBJS", "WPP", undefined];

describe.each(PROOFS)("%s", (_name, status, body, outcome, engines) => {
  test.each(ENGINES)(
    "on %s proves what it is known to prove there, on every media endpoint",
    async (engine) => {
      const nothing =
        status === 500
          ? unproven(engine)
          : { kind: "unproven", code: "waha_unproven", about: "waha", detail: "HTTP 422" };
      for (const kind of KINDS) {
        const expected = engines.includes(engine) ? outcome : nothing;
        expect(await outcomeOf({ engine, kind }, status, body)).toEqual(expected);
      }
    },
  );

  test("proves nothing of a text", async () => {
    for (const engine of ["NOWEB", "GOWS"])
      expect(await outcomeOf({ engine }, status, body)).toMatchObject({ kind: "unproven" });
  });
});

/** What only looks like one of these. */
const NEAR: [name: string, status: number, body: object | string][] = [
  ["another error's name", 500, ofGrpc("Request failed with status code 404")],
  ["no name", 500, { exception: { message: "Request failed with status code 404" } }],
  ["an odd name", 500, { exception: { name: 7, message: "Request failed with status code 404" } }],
  ["more words behind the status", 500, ofAxios("Request failed with status code 404 for a reason")],
  ["a longer number", 500, ofAxios("Request failed with status code 4040")],
  ["words before the status", 500, ofAxios("can't load: Request failed with status code 404")],
  ["words before the system's error", 500, ofAxios("socket hang up: connect ECONNREFUSED 10.0.0.1:443")],
  ["an error of an open connection", 500, ofAxios("read ECONNRESET")],
  ["a time-out of axios", 500, ofAxios("timeout of 1000ms exceeded")],
  ["an upload in a caption that is quoted", 500, ofGrpc("2 UNKNOWN: no: 2 UNKNOWN: failed to upload")],
  ["an upload after earlier batches", 500, ofGrpc("2 UNKNOWN: batch 2: failed to upload media")],
  ["an upload without gRPC's words", 500, ofGrpc("failed to upload media")],
  [
    "the words outside the exception",
    500,
    { name: "AxiosError", message: "Request failed with status code 404" },
  ],
  ["the words under another status", 503, ofAxios("Request failed with status code 404")],
  [
    "Plus in the words of another 422",
    422,
    { message: "Look: The feature is available only in Plus version" },
  ],
  ["Plus under another status", 501, { message: "The feature is available only in Plus version" }],
  ["Plus in a 500", 500, ofGrpc("The feature is available only in Plus version")],
  ["a file that is missing on WAHA's side", 404, { error: { message: "ENOENT: no such file" } }],
  ["an empty 500", 500, ""],
];

test.each(NEAR)("%s (%i) proves nothing", async (_name, status, body) => {
  for (const engine of ["NOWEB", "GOWS"])
    expect(await outcomeOf({ engine, kind: "image" }, status, body)).toMatchObject({ kind: "unproven" });
});

test("what proves a text unsent or refused proves it of a file, too", async () => {
  const of = { engine: "GOWS", kind: "image" } as const;
  const missing = { message: "We didn't find a session with name 'default'" };
  expect(await outcomeOf(of, 404, missing)).toMatchObject({ kind: "unsent", code: "session_not_found" });
  expect(await outcomeOf(of, 400, "")).toMatchObject({ kind: "unsent", code: "waha_bad_request" });
  const refused = ofGrpc("2 UNKNOWN: server returned error 479");
  expect(await outcomeOf(of, 500, refused)).toMatchObject({ kind: "unsent", code: "whatsapp_refused" });
});

describe("of the simulated WAHA", () => {
  const FILES: [path: string, engine: "NOWEB" | "GOWS" | "WEBJS", code: string][] = [
    ["404/a.jpg", "NOWEB", "media_not_loaded"],
    ["gone", "GOWS", "media_not_loaded"],
    ["500", "GOWS", "media_unavailable"],
    ["unknown-host", "NOWEB", "media_unavailable"],
    ["refused", "GOWS", "media_unavailable"],
    ["not-uploaded", "GOWS", "media_unavailable"],
    ["not-uploaded", "NOWEB", "waha_error"],
    ["404/a.jpg", "WEBJS", "waha_error"],
  ];

  test.each(FILES)("a file at /%s on %s is %s, and is not sent", async (path, engine, code) => {
    const { server, waha } = await startWaha({ engine });
    const media = { kind: "image", url: `https://files.example/${path}` } as const;
    expect(await send(waha, { engine, content: "Look", media })).toMatchObject({ code });
    expect(server.ledger).toEqual([]);
  });

  test("an old Core refuses files and sends texts", async () => {
    const options: WahaSimulatorOptions = { tier: "CORE", version: "2026.5.1", engine: "WEBJS" };
    const { server, waha } = await startWaha(options);
    const media = { kind: "image", url: "https://files.example/a.jpg" } as const;
    expect(await send(waha, { engine: "WEBJS", content: "Look", media })).toEqual(plusOnly);
    expect(await send(waha, { engine: "WEBJS" })).toMatchObject({ kind: "sent" });
    expect(server.ledger).toMatchObject([{ kind: "text" }]);
  });
});
