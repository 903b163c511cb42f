import type { Document } from "mongodb";

/**
 * The writes of a statement that joins several (lib/messages/statements.ts), each as a statement: with the message's id, the
 * conditions that all share, and its own values. Any other statement is given back as it is.
 */
export function takenApart(statement: Document): Document[] {
  const { q, u, ...rest } = statement;
  const ids: unknown[] = q._id?.$in ?? [];
  const [{ $set = {} } = {}, { $unset = [] } = {}]: Document[] = Array.isArray(u) ? u : [];
  if (ids.length === 0 || !("delivery.state" in $set || "delivery.error" in $set)) return [statement];
  const gone = Object.fromEntries($unset.map((path: string) => [path, ""]));
  return ids.map((_id, place) => {
    const set = Object.entries<Document>($set).map(([path, value]) => [path, valueAt(place, value)]);
    return { ...rest, q: { ...q, _id }, u: { $set: Object.fromEntries(set), $unset: gone } };
  });
}

/** Of a value that is given for each place the one of a place. One that is computed stays as it is. */
function valueAt(place: number, value: Document): unknown {
  if ("$literal" in value) return value.$literal;
  const [values] = value.$arrayElemAt ?? [];
  return values ? values.$literal[place] : value;
}
