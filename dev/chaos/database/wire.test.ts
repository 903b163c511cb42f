import fc from "fast-check";
import { Binary, BSON, BSONRegExp, type Document, Double, Int32, ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { renameNodes } from "./hello.ts";
import { decodeCommand, decodeReply, encodeReply, MessageSplitter, readHeader } from "./wire.ts";

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

/** A message with id 7 in answer to 5, as the protocol's description lays it out. */
function message(opCode: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(16 + body.length), int32(7), int32(5), int32(opCode), body]);
}

const OP_MSG = 2013;
const kind0 = (document: Document) => Buffer.concat([Buffer.of(0), BSON.serialize(document)]);

function kind1(name: string, documents: Document[]): Buffer {
  const body = Buffer.concat([Buffer.from(`${name}\0`), ...documents.map((one) => BSON.serialize(one))]);
  return Buffer.concat([Buffer.of(1), int32(4 + body.length), body]);
}

test("messages are found whole, wherever the stream is cut", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 });
  const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, cuts, (texts, sizes) => {
      const messages = texts.map((length, index) => encodeReply({ text: "x".repeat(length) }, index));
      const stream = Buffer.concat(messages);
      const splitter = new MessageSplitter();
      const found: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] as number;
        found.push(...splitter.push(stream.subarray(at, at + size)));
        at += size;
      }
      expect(found).toEqual(messages);
    }),
  );
});

test("a message is given as soon as its last byte is there, and not before", () => {
  const bytes = encodeReply({ ok: 1 }, 1);
  const splitter = new MessageSplitter();
  expect(splitter.push(bytes.subarray(0, -1))).toEqual([]);
  expect(splitter.push(bytes.subarray(-1))).toEqual([bytes]);
});

test("a message of many megabytes is put together from its parts", () => {
  const bytes = encodeReply({ text: "x".repeat(15_000_000) }, 1);
  const splitter = new MessageSplitter();
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65_536)
    found.push(...splitter.push(bytes.subarray(at, at + 65_536)));
  expect(found).toHaveLength(1);
  expect(found[0]?.equals(bytes)).toBe(true);
});

test.each([-1, 0, 15, 100_000_000])("a length of %i is refused", (length) => {
  expect(() => new MessageSplitter().push(int32(length))).toThrow(RangeError);
});

test("a command is its document with its sequences as lists, in whichever order they come", () => {
  const head = kind0({ update: "messages", $db: "app" });
  const updates = kind1("updates", [{ q: { _id: 1 } }, { q: { _id: 2 } }]);
  const whole = { update: "messages", $db: "app", updates: [{ q: { _id: 1 } }, { q: { _id: 2 } }] };
  for (const parts of [
    [head, updates],
    [updates, head],
  ])
    expect(decodeCommand(message(OP_MSG, int32(0), ...parts))).toEqual(whole);
});

test("a checksum at the end is no section", () => {
  expect(decodeCommand(message(OP_MSG, int32(1), kind0({ ping: 1 }), int32(-1)))).toEqual({ ping: 1 });
});

test("a section of another kind is refused", () => {
  expect(() => decodeCommand(message(OP_MSG, int32(0), Buffer.of(2, 0, 0, 0, 0)))).toThrow(RangeError);
});

test("the first handshake, in its old form, is a command on its database", () => {
  const parts = [int32(4), Buffer.from("admin.$cmd\0"), int32(0), int32(-1), BSON.serialize({ ismaster: 1 })];
  expect(decodeCommand(message(2004, ...parts))).toEqual({ ismaster: 1, $db: "admin" });
});

test("a message that carries no command is none", () => {
  expect(decodeCommand(message(2012, int32(0)))).toBeUndefined();
});

test("values are what they were, and what is no text or no expression for this runtime is read all the same", () => {
  const bytes = new Binary(Buffer.from([1, 2]));
  const document = { id: new ObjectId(), at: new Date(5), bytes, expression: new BSONRegExp("(?i)x", "") };
  expect(decodeCommand(message(OP_MSG, int32(0), kind0(document)))).toEqual(document);
  const bad = kind0({ text: "?" });
  bad[bad.lastIndexOf("?")] = 0xff;
  expect(decodeCommand(message(OP_MSG, int32(0), bad))).toEqual({ text: "\ufffd" });
});

test("a header tells which request is answered, and whether more answers follow", () => {
  expect(readHeader(message(OP_MSG, int32(2), kind0({})))).toEqual({
    requestId: 7,
    responseTo: 5,
    moreToCome: true,
  });
  expect(readHeader(encodeReply({ ok: 1 }, 9))).toMatchObject({ responseTo: 9, moreToCome: false });
});

test("a reply that was encoded is decoded to the same document", () => {
  const document = { ok: 0, code: 91, errmsg: "away", list: [{ a: 1 }] };
  expect(decodeReply(encodeReply(document, 1))).toEqual(document);
});

const ADDRESSES = new Map([
  ["a:1", "proxy:11"],
  ["b:2", "proxy:12"],
]);
const HELLO = {
  hosts: ["a:1", "b:2"],
  passives: ["b:2"],
  arbiters: ["a:1"],
  me: "a:1",
  primary: "b:2",
  setName: "a:1",
};
const RENAMED = {
  hosts: ["proxy:11", "proxy:12"],
  passives: ["proxy:12"],
  arbiters: ["proxy:11"],
  me: "proxy:11",
  primary: "proxy:12",
  setName: "a:1",
};

/** OP_REPLY has flags, a cursor's id, where it starts and how many documents it holds. */
const asReply = (document: Document) =>
  message(1, int32(8), int32(0), int32(0), int32(0), int32(1), BSON.serialize(document));
/** Streamed: more follow. */
const asMessage = (document: Document) => message(OP_MSG, int32(2), kind0(document));

test.each([
  ["an old", asReply],
  ["a streamed", asMessage],
])("in %s answer to hello every node goes by its other address, and all else stays", (_name, encode) => {
  const numbers = { version: new Int32(25), ok: new Double(1) };
  expect(renameNodes(encode({ ...HELLO, ...numbers }), ADDRESSES)).toEqual(
    encode({ ...RENAMED, ...numbers }),
  );
});

test("an answer to hello that is changed has no checksum any more", () => {
  const checked = message(OP_MSG, int32(1), kind0(HELLO), int32(-1));
  expect(renameNodes(checked, ADDRESSES)).toEqual(message(OP_MSG, int32(0), kind0(RENAMED)));
});

test("an answer to hello that names no nodes stays as it is", () => {
  const bytes = asMessage({ ok: new Double(1), msg: "isdbgrid" });
  expect(renameNodes(bytes, ADDRESSES)).toEqual(bytes);
});
