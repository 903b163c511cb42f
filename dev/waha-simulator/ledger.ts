import type { RouteName } from "./calls.ts";

/** A message that the simulated WAHA accepted, which is to say: one that people would have received. */
export type LedgerEntry = {
  /** 1 for the first message accepted, of whatever session. */
  seq: number;
  session: string;
  /** As it was posted. */
  chatId: string;
  text: string;
  /** The raw id that it went out under. */
  id: string;
  /** The id that the client gave, honoured or not. */
  givenId?: string;
  receivedAt: Date;
  acceptedAt: Date;
  /** Sends of the session received and not yet answered (nor their connection closed) when this one came, itself included. */
  concurrent: number;
  /** What a lookup shows: -1 refused by WhatsApp, 0 pending, 1 on WhatsApp's server. */
  ack: number;
  /** Lookups do not find it. */
  forgotten: boolean;
};

/** A request that reached the simulator, in order of arrival; the control plane's are left out. */
export type RequestEntry = {
  method: string;
  /** Without the query. */
  path: string;
  route: RouteName;
  /** From the path, or from the body. */
  session?: string;
  at: Date;
  /** What it met, whether or not the client was still there; absent while it is being handled. */
  status?: number | "reset" | "hang";
};
