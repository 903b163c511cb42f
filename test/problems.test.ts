import { expect, test } from "vitest";
import { PROBLEMS } from "../lib/problems.ts";

test("every reason names what it is about: it is read on a message, in an alert, in an answer and in a log", () => {
  const withoutSubject = Object.entries(PROBLEMS).filter(([, { happened }]) =>
    /^(it|its|they|their|claimed)\b|\bit nor its\b|\bit names\b/.test(happened),
  );
  expect(withoutSubject).toEqual([]);
});
