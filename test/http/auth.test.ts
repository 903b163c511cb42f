import { expect, onTestFinished, test, vi } from "vitest";
import { checkBearer } from "../../lib/http/auth.ts";
import { handleCron } from "../../lib/http/cron.ts";
import { logged } from "../support/log.ts";

const SECRET = "correct-horse-battery";

const ADMITTED: [name: string, header: string][] = [
  ["the scheme as it is usually written", `Bearer ${SECRET}`],
  ["the scheme in lower case", `bearer ${SECRET}`],
  ["the scheme in upper case", `BEARER ${SECRET}`],
  ["more than one space after the scheme", `Bearer   ${SECRET}`],
  ["spaces at the end", `Bearer ${SECRET}  `],
];

test.each(ADMITTED)("the secret is admitted with %s", (_name, header) => {
  expect(checkBearer(header, SECRET)).toBe("ok");
});

test("no header at all is missing credentials", () => {
  expect(checkBearer(null, SECRET)).toBe("missing");
});

const MALFORMED: [name: string, header: string][] = [
  ["an empty header", ""],
  ["blanks alone", "   "],
  ["the secret without a scheme", SECRET],
  ["the scheme alone", "Bearer"],
  ["an empty token", "Bearer "],
  ["another scheme", `Basic ${SECRET}`],
  ["a scheme that only begins like it", `Bearers ${SECRET}`],
  ["something before the scheme", `x Bearer ${SECRET}`],
  ["no space between scheme and token", `Bearer${SECRET}`],
  ["two tokens", `Bearer ${SECRET} ${SECRET}`],
  ["two schemes", `Bearer Bearer ${SECRET}`],
  ["a tab between scheme and token", `Bearer\t${SECRET}`],
  ["a tab behind the token", `Bearer ${SECRET}\t`],
  ["a line feed behind the token", `Bearer ${SECRET}\n`],
  ["a line break within", `Bearer ${SECRET}\r\nX-Other: 1`],
  ["a letter outside ASCII", `Bearer ${SECRET}é`],
  ["a null character", `Bearer ${SECRET}\0`],
];

test.each(MALFORMED)("%s is malformed, even where the secret is right", (_name, header) => {
  expect(checkBearer(header, SECRET)).toBe("malformed");
});

const WRONG: [name: string, token: string][] = [
  ["another of the same length", "x".repeat(SECRET.length)],
  ["one character off at the start", `X${SECRET.slice(1)}`],
  ["one character off at the end", `${SECRET.slice(0, -1)}X`],
  ["in another case", SECRET.toUpperCase()],
  ["its first half", SECRET.slice(0, 10)],
  ["itself and one character more", `${SECRET}y`],
  ["itself twice", SECRET + SECRET],
  ["a single character", SECRET.slice(0, 1)],
  ["very long", "y".repeat(100_000)],
  ["the word for nothing", "undefined"],
];

test.each(WRONG)("a token that is %s is wrong", (_name, token) => {
  expect(checkBearer(`Bearer ${token}`, SECRET)).toBe("wrong");
});

test("of many refused calls ten a minute have a line each, and the others are counted", async () => {
  const env = { DATABASE_URL: "mongodb://x/y", WAHA_API_URL: "http://x", CRON_SECRET: SECRET };
  const clock = vi.spyOn(performance, "now");
  onTestFinished(() => void vi.restoreAllMocks());
  const call = async (at: number) => {
    clock.mockReturnValue(at);
    expect((await handleCron(new Request("http://localhost/api/cron"), env)).status).toBe(401);
  };
  const hour = 3_600_000;
  const lines = await logged(async () => {
    for (let calls = 0; calls < 1000; calls += 1) await call(hour + calls);
    await call(hour + 60_000);
  });
  expect(lines.filter(({ msg }) => msg === "unauthorized call")).toHaveLength(11);
  expect(lines.filter(({ count }) => count === 990)).toHaveLength(1);
  expect(lines).toHaveLength(12);
});
