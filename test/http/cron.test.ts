import { describe, expect, test } from "vitest";
import { handleCron } from "../../lib/http/cron.ts";
import { createWorld, SECRET } from "../support/world.ts";

/** Settings of which each value can be told from whatever an answer may say; nothing listens there. */
const SETTINGS: NodeJS.ProcessEnv = {
  DATABASE_URL: "mongodb://dbuser-7q:dbpassword-7q@127.0.0.1:9/dbname-7q",
  WAHA_API_URL: "http://127.0.0.1:9/wahapath-7q",
  WAHA_API_KEY: "wahakey-7q",
  CRON_SECRET: SECRET,
  LOG_LEVEL: "silent",
};
const WRONG = {
  DATABASE_URL: "mongodb://dbuser-7q:db@password-7q@127.0.0.1:9/dbname-7q",
  WAHA_API_URL: "wahahost-7q:9",
  WAHA_API_KEY: "waha key-7q",
  SEND_GAP_MS: "gap-7q",
  LOG_LEVEL: "level-7q",
  DOCUMENTS: '{"campaigns": {"collection": "$campaigns-7q", "key-of-none": "word-7q"}}',
};

function call(
  env: NodeJS.ProcessEnv,
  authorization: string | null = `Bearer ${SECRET}`,
  init: RequestInit = {},
): Promise<Response> {
  const headers = authorization === null ? {} : { authorization };
  return handleCron(new Request("http://localhost/api/cron", { headers, ...init }), env);
}

/** Everything of an answer that a caller sees. */
async function seen(response: Response) {
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}

/** The settings that an answer names, in its order. */
async function named(response: Response): Promise<string[]> {
  const { ok, errors } = (await response.json()) as {
    ok: boolean;
    errors: { setting: string; message: string }[];
  };
  expect(ok).toBe(false);
  for (const { setting, message } of errors) expect(message).toMatch(new RegExp(`^${setting} `));
  return errors.map((error) => error.setting);
}

const STRANGERS: [name: string, authorization: string | null][] = [
  ["without credentials", null],
  ["with empty credentials", ""],
  ["with malformed credentials", `Bearer ${SECRET} ${SECRET}`],
  ["with another scheme", `Basic ${SECRET}`],
  ["with the secret alone", SECRET],
  ["with a wrong secret", `Bearer ${SECRET}x`],
  ["with the start of the secret", `Bearer ${SECRET.slice(0, -1)}`],
];

describe("a caller who does not know the secret", () => {
  test.each(STRANGERS)("is turned away %s, in the very same words", async (_name, authorization) => {
    const answer = await seen(await call(SETTINGS, authorization));
    expect(answer).toEqual(await seen(await call(SETTINGS, "Bearer an-entirely-different-one")));
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual({ error: "unauthorized" });
    expect(new Headers(answer.headers).get("www-authenticate")).toBe("Bearer");
  });

  test.each(STRANGERS)("learns nothing about wrong settings %s", async (_name, authorization) => {
    const answer = await seen(await call({ ...SETTINGS, ...WRONG }, authorization));
    expect(answer).toEqual(await seen(await call(SETTINGS, "Bearer an-entirely-different-one")));
  });

  test("is turned away from a look at what is due, too", async () => {
    const response = await handleCron(new Request("http://localhost/api/cron?dryRun=true"), SETTINGS);
    expect(response.status).toBe(401);
  });
});

describe("any other method than GET", () => {
  test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])("is not allowed: %s", async (method) => {
    for (const authorization of [null, `Bearer ${SECRET}`]) {
      const response = await call(SETTINGS, authorization, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET");
    }
  });

  test("is not allowed even where nothing is set up", async () => {
    expect((await call({}, null, { method: "POST", body: "{}" })).status).toBe(405);
  });
});

describe("without a usable CRON_SECRET there is no service", () => {
  const UNUSABLE: [name: string, secret: string | undefined][] = [
    ["absent", undefined],
    ["empty", ""],
    ["blank", "                    "],
    ["too short", "secret-7q"],
    ["not visible ASCII", "sixteen letters-7q"],
  ];

  test.each(UNUSABLE)("where it is %s: 500 that names it, to anybody", async (_name, CRON_SECRET) => {
    const env = { ...SETTINGS, CRON_SECRET };
    for (const token of [undefined, "", SECRET, CRON_SECRET?.trim(), "undefined"]) {
      const response = await call(env, token === undefined ? null : `Bearer ${token}`);
      expect(response.status).toBe(500);
      expect(await named(response.clone())).toEqual(["CRON_SECRET"]);
      expect(await response.text()).not.toContain("-7q");
    }
  });
});

describe("wrong settings", () => {
  test("are each named to who knows the secret, and no value is shown", async () => {
    const response = await call({ ...SETTINGS, ...WRONG });
    expect(response.status).toBe(500);
    expect((await named(response.clone())).sort()).toEqual(Object.keys(WRONG).sort());
    expect(await response.text()).not.toContain("-7q");
  });

  test("that are not set are named as well", async () => {
    const response = await call({ CRON_SECRET: SECRET });
    expect(response.status).toBe(500);
    expect((await named(response)).sort()).toEqual(["DATABASE_URL", "WAHA_API_URL"]);
  });

  const OF_THE_DRIVER: [name: string, url: string][] = [
    ["an unknown option", "mongodb://dbuser-7q:x@127.0.0.1:9/app?option-7q=value-7q"],
    ["a port that is none", "mongodb://dbuser-7q:x@127.0.0.1:99999/app"],
    ["a database's name that can't be one", "mongodb://dbuser-7q:x@127.0.0.1:9/db.name-7q"],
  ];

  test.each(OF_THE_DRIVER)("that only the driver refuses are named too: %s", async (_name, DATABASE_URL) => {
    for (const query of ["", "?dryRun=true"]) {
      const request = new Request(`http://localhost/api/cron${query}`, {
        headers: { authorization: `Bearer ${SECRET}` },
      });
      const response = await handleCron(request, { ...SETTINGS, DATABASE_URL });
      expect([query, response.status]).toEqual([query, 500]);
      expect(await named(response.clone())).toEqual(["DATABASE_URL"]);
      expect(await response.text()).not.toContain("-7q");
    }
  });
});

test("a defect of the scheduler is answered in plain words, without its own", async () => {
  const world = await createWorld();
  let readings = 0;
  const hostClock = {
    monotonic: () => {
      readings += 1;
      if (readings > 1) throw new RangeError("words-7q of the error");
      return 0;
    },
    system: () => Date.now(),
  };
  const response = await world.call("", { hostClock });
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(JSON.parse(text).errors).toMatchObject([{ code: "internal_error", count: 1 }]);
  expect(text).not.toMatch(/-7q|RangeError|\.ts/);
});

test("no answer may be kept by anybody on its way", async () => {
  const answers = await Promise.all([
    call(SETTINGS, null),
    call(SETTINGS, null, { method: "POST" }),
    call({ ...SETTINGS, ...WRONG }),
    call({}),
  ]);
  expect(answers.map((response) => response.status)).toEqual([401, 405, 500, 500]);
  for (const response of answers) {
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toContain("application/json");
  }
});
