import { MongoBulkWriteError, MongoNetworkError, MongoServerError, MongoServerSelectionError } from "mongodb";
import { expect, test } from "vitest";
import { UnavailableError } from "../../lib/errors.ts";
import { asUnavailable, isRetryable } from "../../lib/mongo/errors.ts";

const SECRET = "mongodb://bob:hunter2@db.example.net";

const refused = (code: number, codeName?: string) =>
  new MongoServerError({ message: SECRET, code, ...(codeName ? { codeName } : {}) });

const below = (code: unknown) => {
  const cause = Object.assign(new Error(SECRET), { code });
  return new MongoNetworkError(SECRET, { cause });
};

test.each<[string, unknown, string, string | undefined]>([
  ["a wrong password", refused(18, "AuthenticationFailed"), "database_refused", "AuthenticationFailed"],
  ["a missing right", refused(13, "Unauthorized"), "database_refused", "Unauthorized"],
  ["a refusal without a name", refused(8000), "database_refused", undefined],
  ["a closed port", below("ECONNREFUSED"), "database_unreachable", "ECONNREFUSED"],
  ["an unknown host", below("ENOTFOUND"), "database_unreachable", "ENOTFOUND"],
  [
    "a certificate of its own",
    below("DEPTH_ZERO_SELF_SIGNED_CERT"),
    "database_unreachable",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
  ],
  ["a code that is an address", below(SECRET), "database_unreachable", undefined],
  ["silence", new MongoServerSelectionError(SECRET, {} as never), "database_unreachable", undefined],
  [
    "a set without its primary",
    new MongoServerSelectionError(SECRET, { servers: new Map([["a", { type: "RSSecondary" }]]) } as never),
    "database_unreachable",
    "a server answers, and none is the primary",
  ],
])("%s is told with its cause, and nothing secret", (_what, error, code, detail) => {
  const told = asUnavailable(error);
  expect(told).toBeInstanceOf(UnavailableError);
  expect(told).toMatchObject({ code, detail });
  expect((told as Error).message).not.toContain("hunter2");
});

/** The error of a bulk, as the driver makes it of what happened. */
const bulk = (cause: object, ...codes: number[]) =>
  Object.assign(new MongoBulkWriteError(cause as never, {} as never), {
    writeErrors: codes.map((code, index) => ({ code, index })),
  });

test.each<[string, unknown, boolean]>([
  ["a connection was lost", bulk(below("ECONNRESET")), true],
  ["its server stepped down", bulk({ message: "stepped down", code: 189 }), true],
  [
    "a router tells of one write that its server stepped down",
    bulk({ message: "x", code: 121 }, 121, 189),
    true,
  ],
  ["there is no server", bulk(new MongoServerSelectionError(SECRET, {} as never)), false],
  ["the majority is not known to have it", bulk({ message: "waiting", code: 64 }), false],
  ["documents were turned away", bulk({ message: "x", code: 121 }, 121), false],
  ["it is no bulk", below("ECONNRESET"), false],
])("a bulk is made once more or not where %s", (_what, error, expected) => {
  expect(isRetryable(error)).toBe(expected);
});
