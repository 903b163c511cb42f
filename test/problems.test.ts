import { expect, test } from "vitest";
import { messageOf, PROBLEMS } from "../lib/problems.ts";

test("every reason names what it is about: it is read on a message, in an alert, in an answer and in a log", () => {
  const withoutSubject = Object.entries(PROBLEMS).filter(([, { happened }]) =>
    /^(it|its|they|their|claimed)\b|\bit nor its\b|\bit names\b/.test(happened),
  );
  expect(withoutSubject).toEqual([]);
});

test("what always ends a message says how to have it sent after the remedy: with a new time, or it is missed", () => {
  for (const code of [
    "invalid_message",
    "number_not_found",
    "message_too_large",
    "media_not_loaded",
  ] as const)
    expect(messageOf(code, "chatId is empty")).toMatch(
      /\. Then, in one update, set isPicked to false and scheduledAt to a new time, or use npm run resend \(chatId is empty\)$/,
    );
  expect(messageOf("session_not_working")).not.toContain("isPicked");
});
