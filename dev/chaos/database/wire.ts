import { BSON, type Document } from "mongodb";

/*
 * MongoDB's wire protocol, as far as a driver without compression speaks it:
 * https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ (all integers are little-endian).
 */
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

/** length, requestId, responseTo, opCode. */
const HEADER = 16;
/** After OP_REPLY's header: flags, cursor id, starting from, number returned. */
const REPLY_DOCUMENT = HEADER + 20;
/** After OP_MSG's header come its flags. */
const SECTIONS = HEADER + 4;
const CHECKSUM = 4;

/** The server's own limit is 48,000,000 bytes (`maxMessageSizeBytes`). */
const MAX_MESSAGE = 64 * 1024 * 1024;

const CHECKSUM_PRESENT = 1 << 0;
const MORE_TO_COME = 1 << 1;

/** As the scheduler's own client reads: what an app stored badly must not stop the harness. */
const LENIENT: BSON.DeserializeOptions = { validation: { utf8: false }, bsonRegExp: true };

export interface MessageHeader {
  requestId: number;
  responseTo: number;
  /** From a client: no reply is wanted. From a server: another reply follows, in answer to this one's id. */
  moreToCome: boolean;
}

/** Cuts the bytes of one direction of a connection into whole messages. */
export class MessageSplitter {
  #chunks: Buffer[] = [];
  #size = 0;
  /** How many bytes it takes to go on: a length, or the message that it announces. */
  #needed = 4;

  /**
   * Takes what arrived, and gives the messages that are now complete, in order.
   *
   * @throws RangeError if the bytes announce a message of no possible length
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // Joined only when something is complete, so that a long message is not copied again with each chunk.
    if (this.#size < this.#needed) return [];
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const messages: Buffer[] = [];
    for (this.#needed = neededFor(rest); rest.length >= this.#needed; this.#needed = neededFor(rest)) {
      messages.push(rest.subarray(0, this.#needed));
      rest = rest.subarray(this.#needed);
    }
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return messages;
  }
}

function neededFor(bytes: Buffer): number {
  if (bytes.length < 4) return 4;
  const length = bytes.readInt32LE(0);
  if (length < HEADER || length > MAX_MESSAGE)
    throw new RangeError(`a message of ${length} bytes is none of MongoDB's`);
  return length;
}

export function readHeader(message: Buffer): MessageHeader {
  const moreToCome = opCodeOf(message) === OP_MSG && (message.readUInt32LE(HEADER) & MORE_TO_COME) !== 0;
  return { requestId: message.readInt32LE(4), responseTo: message.readInt32LE(8), moreToCome };
}

const opCodeOf = (message: Buffer) => message.readInt32LE(12);

/**
 * The command that a message from a client carries, with its document sequences as lists, and `$db` also where
 * the message names it apart (OP_QUERY); undefined if it is another kind of message.
 */
export function decodeCommand(message: Buffer): Document | undefined {
  if (opCodeOf(message) === OP_MSG) return decodeSections(message, LENIENT);
  if (opCodeOf(message) !== OP_QUERY) return undefined;
  const end = message.indexOf(0, SECTIONS);
  const [$db] = message.toString("utf8", SECTIONS, end).split(".");
  // Two integers lie between the name and the document: how many to skip and to return.
  return { ...documentAt(message, end + 1 + 8, LENIENT), $db };
}

/** The document that a message from a server carries. With `exact`, numbers keep their types, to be encoded again. */
export function decodeReply(message: Buffer, { exact = false } = {}): Document {
  const options = exact ? { ...LENIENT, promoteValues: false } : LENIENT;
  return opCodeOf(message) === OP_MSG
    ? decodeSections(message, options)
    : documentAt(message, REPLY_DOCUMENT, options);
}

/** A message from a server with another document in it, and everything else (ids, kind, flags) as it was. */
export function replaceReply(message: Buffer, document: Document): Buffer {
  if (opCodeOf(message) === OP_REPLY)
    return withLength(message.subarray(0, REPLY_DOCUMENT), BSON.serialize(document));
  const head = Buffer.from(message.subarray(0, SECTIONS + 1));
  head.writeUInt32LE(head.readUInt32LE(HEADER) & ~CHECKSUM_PRESENT, HEADER);
  return withLength(head, BSON.serialize(document));
}

/** A server's reply (OP_MSG) to the request with that id. */
export function encodeReply(document: Document, responseTo: number): Buffer {
  const head = Buffer.alloc(SECTIONS + 1);
  head.writeInt32LE(responseTo, 8);
  head.writeInt32LE(OP_MSG, 12);
  return withLength(head, BSON.serialize(document));
}

function withLength(head: Buffer, body: Uint8Array): Buffer {
  const message = Buffer.concat([head, body]);
  message.writeInt32LE(message.length, 0);
  return message;
}

/** Sections of kind 0 hold the document, those of kind 1 a named list of documents that belongs into it. */
function decodeSections(message: Buffer, options: BSON.DeserializeOptions): Document {
  const hasChecksum = (message.readUInt32LE(HEADER) & CHECKSUM_PRESENT) !== 0;
  const end = message.length - (hasChecksum ? CHECKSUM : 0);
  let body: Document = {};
  const sequences: Document = {};
  for (let at = SECTIONS; at < end; at += 1 + message.readInt32LE(at + 1)) {
    if (message[at] === 0) body = documentAt(message, at + 1, options);
    else if (message[at] === 1) Object.assign(sequences, decodeSequence(message, at + 1, options));
    else throw new RangeError(`a section of kind ${message[at]} is none of OP_MSG's`);
  }
  return { ...body, ...sequences };
}

function decodeSequence(message: Buffer, start: number, options: BSON.DeserializeOptions): Document {
  const nameEnd = message.indexOf(0, start + 4);
  const end = start + message.readInt32LE(start);
  const documents: Document[] = [];
  for (let at = nameEnd + 1; at < end; at += message.readInt32LE(at))
    documents.push(documentAt(message, at, options));
  return { [message.toString("utf8", start + 4, nameEnd)]: documents };
}

function documentAt(message: Buffer, at: number, options: BSON.DeserializeOptions): Document {
  return BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)), options);
}
