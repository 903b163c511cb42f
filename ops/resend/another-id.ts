import { randomUUID } from "node:crypto";
import { ObjectId, UUID } from "mongodb";
import type { Id } from "../../lib/mongo/ids.ts";

const HEXADECIMAL = /^[0-9a-f]{24}$/;

/** A new id of the same kind as another, so that the app which made that one can read it. */
export function anotherId(id: Id): Id {
  if (typeof id === "string") return HEXADECIMAL.test(id) ? new ObjectId().toHexString() : randomUUID();
  return !(id instanceof ObjectId) && typeof id !== "number" ? new UUID() : new ObjectId();
}
