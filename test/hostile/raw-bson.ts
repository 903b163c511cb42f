import { connect } from "node:net";
import { BSON } from "mongodb";
import { ConnectionString } from "mongodb-connection-string-url";

/** A BSON value by its type and bytes: what MongoDB stores, and the driver would not write. */
export class RawValue {
  readonly type: number;
  readonly bytes: Uint8Array;

  constructor(type: number, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

export type Fields = [name: string, value: unknown][];

/** A document of these fields; a value may be a `RawValue`, a name may come twice. */
export function encodeDocument(fields: Fields): Buffer {
  const body = Buffer.concat([...fields.map(encodeField), Buffer.of(0)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** A document in a document, of which the parts may be `RawValue`s as well. */
export function nested(fields: Fields): RawValue {
  return new RawValue(3, encodeDocument(fields));
}

function encodeField([name, value]: Fields[number]): Uint8Array {
  if (value === undefined) return Buffer.of();
  const { type, bytes } = value instanceof RawValue ? value : encodeValue(value);
  return Buffer.concat([Buffer.of(type), Buffer.from(`${name}\0`), bytes]);
}

/** The driver would not take every name, so it only encodes the value, under a name of one letter. */
function encodeValue(value: unknown): RawValue {
  const document = BSON.serialize({ v: value });
  return new RawValue(document[4] ?? 0, document.subarray(7, -1));
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Each message of MongoDB's wire protocol begins with its length and has 16 bytes of header. */
const HEADER = 16;
const OP_MSG = 2013;

/**
 * Inserts documents as they are, byte by byte, over a connection of its own: the driver's encoder is not asked.
 *
 * @param url names the database
 * @returns for each document why the server turned it away, undefined if it did not
 */
export async function insertRaw(
  url: string,
  collection: string,
  documents: Buffer[],
): Promise<(string | undefined)[]> {
  const { hosts, pathname } = new ConnectionString(url);
  const { hostname, port } = new URL(`tcp://${hosts[0]}`);
  const command = BSON.serialize({ insert: collection, ordered: false, $db: pathname.slice(1) });
  const name = Buffer.from("documents\0");
  const size = int32(4 + name.length + documents.reduce((sum, { length }) => sum + length, 0));
  // No flags; a section of kind 0 with the command, and one of kind 1 with its documents.
  const sections = [int32(0), Buffer.of(0), command, Buffer.of(1), size, name, ...documents];
  const length = HEADER + sections.reduce((sum, part) => sum + part.length, 0);
  const socket = connect(Number(port), hostname);
  try {
    socket.write(
      Buffer.concat([int32(length), int32(1), int32(0), int32(OP_MSG), ...(sections as Uint8Array[])]),
    );
    const reply = await readReply(socket);
    if (!reply.ok) throw new Error(`raw insert failed: ${reply.errmsg}`);
    const refusals = new Map<number, string>();
    for (const { index, errmsg } of reply.writeErrors ?? []) refusals.set(index, errmsg);
    return documents.map((_, index) => refusals.get(index));
  } finally {
    socket.destroy();
  }
}

type InsertReply = { ok: number; errmsg?: string; writeErrors?: { index: number; errmsg: string }[] };

async function readReply(socket: ReturnType<typeof connect>): Promise<InsertReply> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= HEADER && received.length >= received.readInt32LE(0)) break;
  }
  // Flags and the section's kind come before the document.
  return BSON.deserialize(received.subarray(HEADER + 5)) as InsertReply;
}
