import type { Socket } from "node:net";
import { clientOf, isDriversOwn, isHello, renameNodes } from "./hello.ts";
import type { DatabaseRequest, Interceptor } from "./intercept.ts";
import { pointOf } from "./points.ts";
import { decodeCommand, decodeReply, encodeReply, MessageSplitter, readHeader } from "./wire.ts";

/** A reply that is to come; `request` is set if the interceptor is to be asked about it. */
interface Expected {
  hello: boolean;
  request?: DatabaseRequest;
}

/**
 * One connection of a client, and one to the database that is its alone. Each direction is dealt with message
 * by message, so that whatever is held holds what comes behind it, and nothing else.
 */
export class Connection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #addresses: Map<string, string>;
  readonly #interceptor: Interceptor;
  /** By the id that the reply will answer to. */
  readonly #expected = new Map<number, Expected>();
  #clientName = "";

  /** @param addresses the address that each node goes by here, by its own */
  constructor(client: Socket, upstream: Socket, addresses: Map<string, string>, interceptor: Interceptor) {
    this.#client = client;
    this.#upstream = upstream;
    this.#addresses = addresses;
    this.#interceptor = interceptor;
    // That a connection broke shows where it is read.
    for (const socket of [client, upstream]) socket.on("error", () => {});
  }

  /**
   * Resolves when the connection is over, however it ended.
   *
   * @throws whatever the interceptor throws, or RangeError if one side speaks another protocol
   */
  async run(): Promise<void> {
    try {
      await Promise.all([this.#passRequests(), this.#passReplies()]);
    } finally {
      this.destroy();
    }
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  async #passRequests(): Promise<void> {
    await eachMessage(this.#client, (message) => this.#passRequest(message));
    // As the client's own would, it closes for the database, which still carries out what it was given to write.
    this.#upstream.end();
  }

  async #passReplies(): Promise<void> {
    await eachMessage(this.#upstream, (message) => this.#passReply(message));
    this.destroy();
  }

  /** A request that may go on is forwarded also when its client died while it was held, as a network may do. */
  async #passRequest(message: Buffer): Promise<void> {
    const { requestId, moreToCome } = readHeader(message);
    const command = decodeCommand(message);
    if (!command) return write(this.#upstream, message);
    this.#clientName = clientOf(command) ?? this.#clientName;
    const expected: Expected = { hello: isHello(command) };
    if (!isDriversOwn(command)) {
      expected.request = { client: this.#clientName, point: pointOf(command), command };
      const fate = await this.#interceptor.onRequest(expected.request);
      if (fate === "break") return this.destroy();
      if (fate !== "forward") return write(this.#client, encodeReply(fate.reply, requestId));
    }
    if (!moreToCome) this.#expected.set(requestId, expected);
    await write(this.#upstream, message);
  }

  async #passReply(message: Buffer): Promise<void> {
    const { requestId, responseTo, moreToCome } = readHeader(message);
    const expected = this.#expected.get(responseTo);
    this.#expected.delete(responseTo);
    // A driver that monitors asks once, and is told again and again.
    if (expected && moreToCome) this.#expected.set(requestId, expected);
    const reply = expected?.hello ? renameNodes(message, this.#addresses) : message;
    if (expected?.request && !this.#client.destroyed) {
      const fate = await this.#interceptor.onReply(expected.request, decodeReply(reply));
      if (fate === "break") return this.destroy();
    }
    await write(this.#client, reply);
  }
}

async function eachMessage(socket: Socket, handle: (message: Buffer) => Promise<void>): Promise<void> {
  const splitter = new MessageSplitter();
  for await (const chunk of chunksOf(socket)) {
    for (const message of splitter.push(chunk)) await handle(message);
  }
}

/** What arrives, until the connection ends or breaks. */
async function* chunksOf(socket: Socket): AsyncGenerator<Buffer> {
  try {
    yield* socket;
  } catch {
    // Broken or ended, it is over.
  }
}

/** Resolves when the system has taken it over, or never will. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}
