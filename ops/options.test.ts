import { expect, test } from "vitest";
import { readArgs } from "./options.ts";

const OPTIONS = {
  campaign: { type: "string" },
  "dry-run": { type: "boolean", default: false },
} as const;

const read = (args: string[], env: NodeJS.ProcessEnv = {}) => readArgs("resend", OPTIONS, args, env);

test("what is given is read, and what is not has its default", () => {
  expect(read(["--campaign", "x"])).toEqual({ campaign: "x", "dry-run": false });
});

test.each([
  [["--campain", "x"], "--campain is no option; --campaign?"],
  [["--tomorrow"], "--tomorrow is no option. "],
  [["--campaign"], "--campaign needs a value"],
  [["--campaign", "--dry-run"], "--campaign needs a value"],
  [["--dry-run=1"], "--dry-run takes no value"],
  [["x"], '"x" belongs to no option'],
])("%j is refused in plain words", (args, words) => {
  expect(() => read(args)).toThrow(words);
});

test.each([
  [{ npm_config_campaign: "true" }, ["x"], "--campaign x"],
  [{ npm_config_dry_run: "true", npm_config_campaign: "5" }, [], "--campaign=5 --dry-run"],
])("options that npm took for its own are told with the -- that was forgotten: %j", (taken, args, words) => {
  const env = { npm_lifecycle_event: "resend", ...taken };
  expect(() => read(args, env)).toThrow(`Put -- before the options: npm run resend -- ${words}`);
});

test("what npm was told for itself is no concern of a program that is given options, or is run by another", () => {
  const taken = { npm_config_dry_run: "true" };
  expect(read(["--campaign=x"], { npm_lifecycle_event: "resend", ...taken })).toMatchObject({
    campaign: "x",
  });
  expect(read([], { npm_lifecycle_event: "test", ...taken })).toMatchObject({ "dry-run": false });
});
