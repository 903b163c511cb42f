import { z } from "zod";

/** A session as `GET /api/sessions` lists it. Statuses other than WORKING all mean that it can't send. */
export interface WahaSession {
  name: string;
  status: string;
  /** The session's own engine, where it differs from the server's. */
  engine?: string | undefined;
  /**
   * WhatsApp restricts the account: it may not open chats until then; without a time, until WAHA says otherwise. Null:
   * WAHA says that it does not. Undefined: WAHA does not say; it does from 2026.7.2 on.
   */
  restriction?: { until: Date | undefined } | null | undefined;
}

/** WAHA's names and statuses are words; what they show up in (logs, answers, documents) must stay short. */
const MAX_NAME = 512;
const MAX_STATUS = 64;

/** Far more than one server can run. */
const MAX_SESSIONS = 10_000;

/** In Unix seconds; one that no Date can hold is none. */
const UnixTime = z
  .number()
  .transform((seconds) => new Date(seconds * 1000))
  .refine((time) => !Number.isNaN(time.getTime()));

const Me = z.object({
  reachoutTimelock: z.object({
    isActive: z.boolean(),
    timeEnforcementEnds: UnixTime.optional().catch(undefined),
  }),
});

function restrictionBy({ isActive, timeEnforcementEnds }: z.infer<typeof Me>["reachoutTimelock"]) {
  return isActive ? { until: timeEnforcementEnds } : null;
}

const Session = z
  .object({
    name: z.string().min(1).max(MAX_NAME),
    status: z.string(),
    engine: z.object({ engine: z.string() }).nullish().catch(undefined),
    me: Me.nullish().catch(undefined),
  })
  .transform(
    ({ name, status, engine, me }): WahaSession => ({
      name,
      status: status.slice(0, MAX_STATUS),
      engine: engine?.engine,
      ...(me ? { restriction: restrictionBy(me.reachoutTimelock) } : {}),
    }),
  );

/** Reads the list of sessions; an entry that is none is left out, and undefined means that it is no list at all. */
export function readSessions(body: unknown): Map<string, WahaSession> | undefined {
  if (!Array.isArray(body) || body.length > MAX_SESSIONS) return undefined;
  const sessions = body
    .map((entry) => Session.safeParse(entry).data)
    .filter((session) => session !== undefined);
  return new Map(sessions.map((session) => [session.name, session]));
}

const Server = z.object({
  version: z.string(),
  engine: z.string(),
  tier: z.string().optional().catch(undefined),
});

/** Version, as year.month.build, engine, and tier (CORE or PLUS) of a server. */
export type WahaServer = z.infer<typeof Server>;

export function readServer(body: unknown): WahaServer | undefined {
  return Server.safeParse(body).data;
}

/** `true_<chatId>_<RAW>`, in groups with `_<participant>` behind it; or the raw id alone. */
const rawOf = (id: string) => (id.includes("_") ? id.split("_")[2] : id);

/** It is kept on the message, so what is far too long for an id is none. */
const AnyId = z.string().min(1).max(512);

/** The places in which the engines put a message's id, in the order in which they are tried. */
const MessageId = z.union([
  // As documented (WAMessage): the serialized id.
  z.object({ id: AnyId }).transform(({ id }) => rawOf(id)),
  // WEBJS: the id's parts.
  z.object({ id: z.object({ id: AnyId }) }).transform(({ id }) => id.id),
  // NOWEB: Baileys' own message.
  z.object({ key: z.object({ id: AnyId }) }).transform(({ key }) => key.id),
]);

/** WhatsApp's raw id in what `sendText` or a lookup answered, if it is anywhere. */
export function readMessageId(body: unknown): string | undefined {
  return MessageId.safeParse(body).data;
}

/** What only WAHA makes of a message that it sent: what echoes a request, or tells of another's message, is none. */
const SentMessage = z.union([
  z.object({ id: z.string().regex(/^true_[^_]+_[^_]+/) }),
  z.object({ id: z.object({ fromMe: z.literal(true), id: AnyId }) }),
  z.object({ key: z.object({ fromMe: z.literal(true), id: AnyId }) }),
]);

/** Whether a body is that of a message that WAHA sent, in the shape of one of its engines. */
export function isSentMessage(body: unknown): boolean {
  return SentMessage.safeParse(body).success;
}

const Ack = z.object({ ack: z.number() });

/** Whether WhatsApp refused a message that a lookup found: its `ack` is −1 (ERROR). */
export function isRefusedAck(body: unknown): boolean {
  return Ack.safeParse(body).data?.ack === -1;
}

const ErrorBody = z.object({
  error: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  exception: z
    .object({ message: z.string(), name: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** The parts of WAHA's error bodies that tell errors apart. The rest may echo a message's text, so it stays unread. */
export function readError(body: unknown): z.infer<typeof ErrorBody> {
  return ErrorBody.safeParse(body).data ?? {};
}
