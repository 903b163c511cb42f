import { PLAIN } from "../../../lib/documents/plain.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { listed } from "../../format.ts";
import { type Finding, ok, warning } from "../finding.ts";
import { LOOK_MS } from "../run-check.ts";

/** The parts of DOCUMENTS that lead to something else; of messages another check tells. */
const PARTS = ["campaigns", "groups", "sessions"] as const;

/** Checks that the collections exist that DOCUMENTS names. An app of the plain mapping may do without. */
export async function checkCollections(db: Database): Promise<Finding[]> {
  const found = await db.database
    .listCollections({}, { nameOnly: true, authorizedCollections: true, maxTimeMS: LOOK_MS })
    .toArray();
  const names = found.map(({ name }) => name).sort();
  const absent = PARTS.flatMap((part) => {
    const collection = db.documents[part]?.collection;
    return collection === undefined || names.includes(collection) ? [] : [{ part, collection }];
  });
  // As long as there is nothing, nothing is amiss.
  if (!names.includes(db.documents.messages.collection)) return [];
  return absent.map(({ collection, part }) =>
    collection === PLAIN[part]?.collection
      ? ok("documents", `there is no collection ${collection}, and none is needed`)
      : warning(
          "documents",
          `DOCUMENTS names the collection ${collection} (${part}.collection), and there is none`,
          `Compare it with the database's, letter by letter: ${listed(names)}. See docs/mapping.md#keys`,
        ),
  );
}
