import { ConnectionString } from "mongodb-connection-string-url";
import { z } from "zod";

/**
 * Options of a connection string that would weaken what the protocol rests on (majority writes, primary
 * reads, retryable writes). The driver lets some of them win over what code says, so they are taken out.
 */
const OVERRULED_URL_OPTIONS = [
  "w",
  "journal",
  "j",
  "fsync",
  "wtimeoutMS",
  "wtimeout",
  "readConcernLevel",
  "readPreference",
  "readPreferenceTags",
  "maxStalenessSeconds",
  "retryWrites",
  "retryReads",
];

/** MongoDB's rules for a database's name: up to 63 bytes, none of these characters. */
const DATABASE_NAME = /^[^/\\. "$*<>:|?\0]{1,63}$/;

/** Which servers and which database an address names, without a user, a password or options. */
export function shownDatabase({ name, url }: { url: string; name: string }): string {
  return `${new ConnectionString(url).hosts.join(",")}/${name}`;
}

/** The address as the driver is to be given it, and the database's name; for zod, what is wrong with it. */
export function databaseUrl(value: string, context: z.RefinementCtx): { url: string; name: string } {
  try {
    const url = new ConnectionString(value);
    const name = decodeURIComponent(url.pathname.slice(1));
    const options = url.typedSearchParams<Record<string, string>>();
    for (const option of OVERRULED_URL_OPTIONS) {
      // One may stand there twice, in different cases, and each call takes one out.
      while (options.has(option)) options.delete(option);
    }
    // So that the database's own tools show whose connections these are.
    if (!options.has("appName")) options.set("appName", "waha-scheduler");
    if (DATABASE_NAME.test(name)) return { url: url.toString(), name };
    context.addIssue(
      name
        ? "names the database in a way that MongoDB does not allow"
        : "must name the database: mongodb://…/<database>",
    );
  } catch {
    context.addIssue(
      "is not a mongodb:// or mongodb+srv:// address (characters like @ : / % in the password must be percent-encoded)",
    );
  }
  return z.NEVER;
}
