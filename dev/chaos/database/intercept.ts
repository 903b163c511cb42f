import type { Document } from "mongodb";

/** A command on its way from a process to the database. */
export interface DatabaseRequest {
  /** The `appName` that the process gave when it connected. */
  client: string;
  /** The name of the step of the protocol that this request is: see `points.ts`. */
  point: string;
  /** The command, as sent, its document sequences (such as `updates`) included as lists. */
  command: Document;
}

/** What becomes of a request: it goes on, the connection breaks, or the proxy answers for the database. */
export type RequestFate = "forward" | "break" | { reply: Document };

/** What becomes of the database's reply: it is handed over, or the connection breaks and it is lost. */
export type ReplyFate = "deliver" | "break";

/**
 * Who decides about the requests of the processes under test. Handshakes, monitoring and the housekeeping of
 * the driver are not asked about.
 */
export interface Interceptor {
  /** A request has arrived; the database does not know of it yet, and waits until this resolves. */
  onRequest(request: DatabaseRequest): Promise<RequestFate> | RequestFate;
  /** The database has executed it and replied; the process does not know yet, and waits until this resolves. */
  onReply(request: DatabaseRequest, reply: Document): Promise<ReplyFate> | ReplyFate;
}
