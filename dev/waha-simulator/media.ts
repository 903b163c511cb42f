import { type Answer, exception, noFile, plusOnly, Refusal } from "./answers.ts";
import { type Call, isSend, SENDS } from "./calls.ts";
import { hasMedia } from "./features.ts";
import type { Content } from "./ledger.ts";
import type { Engine } from "./options.ts";
import { chatOf, queueSend, type Twist, workingSession } from "./send.ts";
import type { SimulatorState } from "./state.ts";

/**
 * WAHA's `sendImage`, `sendVideo`, `sendVoice` and `sendFile`. It loads the file and uploads it to WhatsApp before it
 * sends: what fails until then is not sent. Here nothing is loaded; the address says what WAHA meets there.
 */
export async function sendMedia(state: SimulatorState, call: Call, twist: Twist): Promise<Answer> {
  const { settings } = state;
  const session = await workingSession(state, call.body.session);
  if (!hasMedia(settings.version, settings.tier)) throw new Refusal(plusOnly(session.engine));
  const chatId = chatOf(state, call);
  const content = contentOf(state, call);
  const error = content.url === undefined ? undefined : errorAt(content.url, session.engine);
  if (error) throw new Refusal(exception(settings, call, error));
  return queueSend(state, session, call, twist, { chatId, ...content });
}

/** What is posted is taken as it comes: WAHA checks none of it. */
function contentOf({ settings }: SimulatorState, call: Call): Content {
  const { asNote, caption, convert, file } = call.body;
  if (typeof file !== "object" || file === null) {
    const message = `Cannot use 'in' operator to search for 'url' in ${String(file)}`;
    throw new Refusal(exception(settings, call, { name: "TypeError", message }));
  }
  const { url, data, mimetype, filename } = file as Record<string, unknown>;
  if (url === undefined && data === undefined) throw new Refusal(noFile());
  const given = Object.entries({ mimetype, filename, convert, asNote }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    kind: isSend(call.route) ? SENDS[call.route] : "file",
    text: typeof caption === "string" ? caption : "",
    ...(url !== undefined && { url: String(url) }),
    ...Object.fromEntries(given),
  };
}

/** As WAHA words it. The body of such an answer was not seen: that it has the address twice is a guess. */
type FileError = { name: string; message: string; config?: object };

/**
 * What WAHA meets at an address, by the first part of its path:
 *
 * - `403`, `404`, `500` or another error's status: the address answers so; `gone` is 410
 * - `unknown-host`: there is no such host
 * - `refused`: nothing listens there
 * - `not-uploaded`: the file is loaded, and WhatsApp does not take it
 * - anything else: the file
 */
function errorAt(url: string, engine: Engine): FileError | undefined {
  const ofAxios = (message: string) => ({ name: "AxiosError", message, config: { method: "get", url } });
  if (!URL.canParse(url)) return ofAxios("Invalid URL");
  const { hostname, pathname } = new URL(url);
  const [, word = ""] = pathname.split("/");
  if (/^[45]\d\d$/.test(word)) return ofAxios(`Request failed with status code ${word}`);
  switch (word) {
    case "gone":
      return ofAxios("Request failed with status code 410");
    case "unknown-host":
      return ofAxios(`getaddrinfo ENOTFOUND ${hostname}`);
    case "refused":
      return ofAxios("connect ECONNREFUSED 127.0.0.1:443");
    case "not-uploaded":
      return notUploaded(engine);
    default:
      return undefined;
  }
}

/** GOWS words it as gRPC words an error; the others do not. */
function notUploaded(engine: Engine): FileError {
  const message =
    engine === "GOWS"
      ? "2 UNKNOWN: failed to upload media: upload failed with status code 503"
      : "Media upload failed on all hosts";
  return { name: "Error", message };
}
