import type { Answer } from "./answers.ts";
import type { Call } from "./calls.ts";
import type { Fault } from "./faults.ts";
import type { SessionOptions, SessionStatus, WebhookOptions } from "./options.ts";
import type { SimulatorState } from "./state.ts";

/** Where another process drives the simulator: no route of WAHA's, no key. */
export const CONTROL_PATH = "/__simulator";

/** The body of `POST /__simulator`. */
type ControlOperation =
  /** Answers `{id}`, for `removeFault`. */
  | { op: "addFault"; fault: Fault }
  | { op: "removeFault"; id: number }
  | { op: "clearFaults" }
  | { op: "setSessionStatus"; name: string; status: SessionStatus }
  | { op: "addSession"; session: SessionOptions }
  | { op: "removeSession"; name: string }
  /** Null: no key is asked for any more. */
  | { op: "setApiKey"; apiKey: string | null }
  /** Null: events go nowhere any more. */
  | { op: "setWebhooks"; webhooks: WebhookOptions | null }
  /** Refuses connections for `ms`, to this plane too, which could not be told to resume. */
  | { op: "pause"; ms: number };

/** Answers a request to the control plane. `pauseFor` may close the connection only once the answer is out. */
export function control(state: SimulatorState, call: Call, pauseFor: (ms: number) => void): Answer {
  const asked = `${call.method} ${call.path.slice(CONTROL_PATH.length)}`;
  if (asked === "GET /ledger") return { status: 200, body: state.ledger };
  if (asked === "GET /events") return { status: 200, body: state.events };
  if (asked === "GET /requests") return { status: 200, body: state.requests };
  try {
    return { status: 200, body: operate(state, call.body as ControlOperation, pauseFor) };
  } catch (error) {
    return { status: 400, body: { error: String(error) } };
  }
}

function operate(state: SimulatorState, operation: ControlOperation, pauseFor: (ms: number) => void): object {
  switch (operation.op) {
    case "addFault":
      return { id: state.faults.add(operation.fault) };
    case "removeFault":
      state.removeFault(operation.id);
      return {};
    case "clearFaults":
      state.faults.clear();
      return {};
    case "setSessionStatus":
      state.setSessionStatus(operation.name, operation.status);
      return {};
    case "addSession":
      state.addSession(operation.session);
      return {};
    case "removeSession":
      state.sessions.delete(operation.name);
      return {};
    case "setApiKey":
      state.apiKey = operation.apiKey ?? undefined;
      return {};
    case "setWebhooks":
      state.webhooks = operation.webhooks ?? undefined;
      return {};
    case "pause":
      pauseFor(operation.ms);
      return {};
    default:
      throw new Error(`Unknown operation: ${JSON.stringify(operation)}`);
  }
}
