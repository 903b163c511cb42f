import type { Config } from "../../../lib/config.ts";
import type { MappingName } from "../../../lib/documents/mapping.ts";
import {
  findUnmapped,
  hasMessages,
  isMisplaced,
  listCollections,
  type Unmapped,
} from "../../../lib/messages/unmapped.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { errorPage } from "../../../lib/problems.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import { propose } from "../proposal/propose.ts";
import { LOOK_MS } from "../run-check.ts";

const LIMITS = { maxTimeMS: LOOK_MS };

/** Checks that messages are where DOCUMENTS says, and proposes it for what looks like messages elsewhere. */
export async function checkUnmapped(
  db: Database,
  { LOOKBACK_SECONDS }: Config,
  now: Date,
): Promise<Finding[]> {
  const [areThere, found] = await Promise.all([
    hasMessages(db, LIMITS),
    findUnmapped(db, now, LOOKBACK_SECONDS, LIMITS),
  ]);
  const worthAWord = found.filter(({ hasUnsent }) => hasUnsent || !areThere);
  if (worthAWord.length > 0) return Promise.all(worthAWord.map((unmapped) => tell(db, unmapped, areThere)));
  const { collection } = db.documents.messages;
  return areThere ? [] : [ok("documents", `no message in ${collection} yet, nor elsewhere`)];
}

async function tell(db: Database, unmapped: Unmapped, areThere: boolean): Promise<Finding> {
  const { collection } = unmapped;
  const finding = isMisplaced(unmapped, areThere) ? problem : warning;
  const what = `the collection ${collection}, outside DOCUMENTS, looks like messages [documents_not_found]`;
  const which = tellUnsent(unmapped);
  const { detail, remedy } = unmapped.mapping ? ofShipped(unmapped.mapping) : await ofUnknown(db, collection);
  return finding(
    "documents",
    `${what}: ${which}${detail ? `. ${detail}` : ""}`,
    `${remedy}. See ${errorPage("documents_not_found")}`,
  );
}

function tellUnsent({ hasOverdue, hasUnsent }: Unmapped): string {
  if (hasUnsent === undefined) return "whether any is unsent is not known";
  if (!hasUnsent) return "none that is unsent and of the last day";
  return `unsent ones of the last day or later${hasOverdue ? ", and no scheduler took those that were due" : ""}`;
}

interface Told {
  detail: string;
  remedy: string;
}

function ofShipped(mapping: MappingName): Told {
  return { detail: "", remedy: `Set DOCUMENTS=${mapping}` };
}

async function ofUnknown(db: Database, collection: string): Promise<Told> {
  const proposal = await propose(db, collection, await listCollections(db, LIMITS));
  if (!proposal) return { detail: "", remedy: "Write a mapping for it, and set DOCUMENTS" };
  return {
    detail: `By its fields ${proposal.reasons.join("; ")}`,
    remedy: `Check each field, then set DOCUMENTS='${proposal.documents}'`,
  };
}
