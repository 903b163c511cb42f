import { expect, test } from "vitest";
import { notChecked, ok } from "./finding.ts";
import { asText } from "./report.ts";

test("a remedy that findings in a row have in common is told once, below the last of them", () => {
  const findings = [
    notChecked("indexes", "no database"),
    notChecked("passes", "no database"),
    ok("waha", "fine"),
    notChecked("sessions", "no list"),
  ];
  const isRemedy = asText(findings)
    .split("\n")
    .slice(0, -2)
    .map((line) => line.includes("→ Put that right first"));
  expect(isRemedy).toEqual([false, false, true, false, false, true]);
});
