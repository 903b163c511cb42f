import type { FaultAction } from "./faults.ts";

/** What an error of an engine says of its message: only `nothing` leaves open whether it was sent. */
type Said = { words: string; proves: "unsent" | "nothing" };

/** Errors of GOWS, in whatsmeow's words, behind how gRPC words an error. The numbers are examples. */
export const GOWS_ERRORS = {
  numberNotFound: { words: "no LID found for 4915112345678@s.whatsapp.net from server", proves: "unsent" },
  noLidOfNumber: { words: "failed to get LID for PN 4915112345678@s.whatsapp.net: EOF", proves: "unsent" },
  noUserInfo: {
    words: "failed to get user info for 4915112345678@s.whatsapp.net to fill LID cache: info query timed out",
    proves: "unsent",
  },
  noLidMappings: { words: "failed to fetch LID mappings: info query timed out", proves: "unsent" },
  unknownServer: { words: "can't send message to unknown server example", proves: "unsent" },
  notAUser: { words: "message recipient must be a user JID with no device part", proves: "unsent" },
  noMembers: {
    words: "failed to get group members: failed to get group info: not-authorized",
    proves: "unsent",
  },
  noDevices: { words: "failed to get device list: info query timed out", proves: "unsent" },
  noSessions: { words: "failed to prefetch sessions: context deadline exceeded", proves: "unsent" },
  notConnected: { words: "failed to send message node: websocket not connected", proves: "unsent" },
  notLoggedIn: { words: "the store doesn't contain a device JID", proves: "unsent" },
  notUploaded: { words: "failed to upload media: upload failed with status code 503", proves: "unsent" },
  lostBeforeRepeat: { words: "websocket not connected", proves: "nothing" },
  noAcknowledgement: { words: "timed out waiting for message send response", proves: "nothing" },
  lostWhileWaiting: {
    words: "websocket disconnected before message send returned response",
    proves: "nothing",
  },
  notWritten: {
    words: "failed to send message node: write tcp 10.0.0.2:443: broken pipe",
    proves: "nothing",
  },
  canceled: { words: "context canceled", proves: "nothing" },
  serverError: { words: "server returned error 503", proves: "nothing" },
  ofABatch: { words: "batch 2: server returned error 479", proves: "nothing" },
} as const satisfies Record<string, Said>;

/** A 500 of GOWS with one of its errors. */
export function gowsError(
  name: keyof typeof GOWS_ERRORS,
  { after = false }: { after?: boolean } = {},
): FaultAction {
  return { type: "exception", message: `2 UNKNOWN: ${GOWS_ERRORS[name].words}`, after };
}

/** Errors of the other engines. */
export const NO_SESSIONS: FaultAction = { type: "exception", name: "SessionError", message: "No sessions" };
export const WEBJS_ERRORS = [
  "Evaluation failed: TypeError: Cannot read properties of undefined (reading 'getChat')",
  "Protocol error (Runtime.callFunctionOn): Target closed.",
  "No LID for user",
  "Lid is missing in chat table",
] as const;
