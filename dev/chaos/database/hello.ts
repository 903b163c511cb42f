import type { Document } from "mongodb";
import { decodeReply, replaceReply } from "./wire.ts";

/** `hello` by its name of today and by that of the first handshake, which the driver spells in both ways. */
const HELLO = ["hello", "isMaster", "ismaster"];

/**
 * What a driver sends of its own accord, about connections, sessions and cursors. A pass that is cut off from the
 * database at one of these learns nothing of it, so the interceptor need not be asked.
 */
const DRIVERS_OWN = ["ping", "endSessions", "killCursors", "abortTransaction"];

const nameOf = (command: Document) => Object.keys(command)[0] ?? "";

export function isHello(command: Document): boolean {
  return HELLO.includes(nameOf(command));
}

/**
 * Whether the driver sent it of its own accord. Its handshakes and its monitoring say hello to `admin`; who
 * asks an app's database, asks for its time.
 */
export function isDriversOwn(command: Document): boolean {
  return isHello(command) ? command.$db === "admin" : DRIVERS_OWN.includes(nameOf(command));
}

/** What a client calls itself in its handshake; undefined in any other command. */
export function clientOf(command: Document): string | undefined {
  return command.client?.application?.name;
}

/** Where a node of a replica set names nodes, itself included, in its answer to `hello`. */
const LISTS = ["hosts", "passives", "arbiters"];
const SINGLES = ["me", "primary"];

/**
 * An answer to `hello` in which every node goes by its other address.
 *
 * @param addresses the other address of each node, by its own
 */
export function renameNodes(message: Buffer, addresses: Map<string, string>): Buffer {
  const hello = decodeReply(message, { exact: true });
  const renamed = (address: string) => addresses.get(address) ?? address;
  for (const field of LISTS) if (hello[field]) hello[field] = hello[field].map(renamed);
  for (const field of SINGLES) if (hello[field]) hello[field] = renamed(hello[field]);
  return replaceReply(message, hello);
}
