import type { ServerResponse } from "node:http";
import type { Answer } from "./answers.ts";
import { exception, gowsRefusal } from "./answers.ts";
import { type Call, isSend } from "./calls.ts";
import type { FaultAction, StatusAction } from "./faults.ts";
import { handle } from "./handlers.ts";
import { ACK_ERROR } from "./messages.ts";
import type { SimulatorState } from "./state.ts";

/** What a request meets: an answer, none, or a reset, perhaps with half of an answer before it. */
type Outcome = { answer: Answer; isCut?: boolean } | "reset" | "hang";

/** Serves one request of WAHA's, faults included, and records it. */
export async function respond(state: SimulatorState, call: Call, response: ServerResponse): Promise<void> {
  const entry = state.receive(call);
  const answered = isSend(call.route) ? state.countUnanswered(call) : () => {};
  // A client that gave up waits no longer, though WAHA may still send.
  response.once("close", answered);
  const outcome = await outcomeOf(state, call, state.faults.take(call));
  entry.status = typeof outcome === "string" ? outcome : outcome.isCut ? "reset" : outcome.answer.status;
  if (outcome === "hang") return;
  // Before the answer leaves: the client's next send may be here before `close` is.
  answered();
  if (outcome === "reset") response.socket?.resetAndDestroy();
  else if (outcome.isCut) cutOff(response, outcome.answer);
  else write(response, outcome.answer);
}

async function outcomeOf(
  state: SimulatorState,
  call: Call,
  action: FaultAction | undefined,
): Promise<Outcome> {
  const usual = async () => ({ answer: await handle(state, call) });
  const failure = { name: "Error", message: "Simulated failure" };
  switch (action?.type) {
    case "resetBefore":
      return "reset";
    case "resetAfter":
      await usual();
      return "reset";
    case "resetMidAnswer":
      return { ...(await usual()), isCut: true };
    case "hangBefore":
      return "hang";
    case "hangAfter":
      await usual();
      return "hang";
    case "error500Before":
      return { answer: exception(state.settings, call, failure) };
    case "error500After":
      await usual();
      return { answer: exception(state.settings, call, failure) };
    case "exception": {
      const { after, message, name = "Error" } = action;
      if (after) await usual();
      return { answer: exception(state.settings, call, { name, message }) };
    }
    case "gowsRefusal":
      return { answer: gowsRefusal(state.settings, call, action.code) };
    case "status": {
      const { answer } = action.after ? await usual() : { answer: undefined };
      return { answer: answer && answer.status >= 400 ? answer : statusAnswer(action) };
    }
    default:
      return { answer: await bentAnswer(state, call, action) };
  }
}

/** The actions under which WAHA itself still answers. */
async function bentAnswer(
  state: SimulatorState,
  call: Call,
  action: Exclude<FaultAction, StatusAction> | undefined,
): Promise<Answer> {
  if (action?.type === "sendLate") return handle(state, call, { ms: action.ms });
  if (action?.type === "wrongId") return handle(state, call, { ignoreId: true });
  if (action?.type === "ackError") return handle(state, call, { ack: ACK_ERROR });
  if (action?.type === "forget") return handle(state, call, { forgotten: true });
  const answer = await handle(state, call);
  if (action?.type === "delay") await state.until(() => !state.faults.stands(action), action.ms);
  if (action?.type === "rewrite201" && answer.status === 201) return { ...answer, status: action.status };
  return action?.type === "empty201" && answer.status === 201 ? { status: 201, body: "" } : answer;
}

function statusAnswer({ status, body = "", bytes, headers = {} }: StatusAction): Answer {
  return { status, body: bytes === undefined ? body : " ".repeat(bytes), headers };
}

/** Sends an answer; on a connection that is gone, without effect. */
export function write(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, headersOf(answer)).end(textOf(answer));
}

function cutOff(response: ServerResponse, answer: Answer): void {
  const whole = Buffer.from(textOf(answer));
  response.writeHead(answer.status, headersOf(answer));
  response.write(whole.subarray(0, whole.length / 2), () => response.socket?.destroy());
}

/** A `content-length` of the answer's own may promise more than the body holds: the client then waits. */
function headersOf(answer: Answer): Record<string, string> {
  const text = textOf(answer);
  const type = typeof answer.body === "string" ? "text/html" : "application/json";
  return {
    "content-length": String(Buffer.byteLength(text)),
    ...(text !== "" && { "content-type": `${type}; charset=utf-8` }),
    ...answer.headers,
  };
}

function textOf({ body }: Answer): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
