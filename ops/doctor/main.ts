/** `npm run doctor`: says what is wrong with a set-up, and what to do about it. Exits with 1 if there is a problem. */
import { readFile } from "node:fs/promises";
import { readArgs } from "../options.ts";
import { helpIfAsked, loadEnvFile } from "../program.ts";
import { readVercel, VERCEL_UNREADABLE } from "./checks/vercel.ts";
import type { Finding } from "./finding.ts";
import { asJson, asText, isSound } from "./report.ts";

const VERCEL_FILE = new URL("../../vercel.json", import.meta.url);

const USAGE = `npm run doctor -- [--env-file <file>] [--json]

Checks a set-up, and what the next pass would do. Sends nothing.

  --env-file <file>  read the settings from this file, and not from .env
  --json             for a program: {ok, findings: [{level, check, message, remedy}]}
It ends with 1 if there is a problem.`;

helpIfAsked(USAGE);
try {
  const options = { json: { type: "boolean", default: false }, "env-file": { type: "string" } } as const;
  const values = readArgs("doctor", options, process.argv.slice(2));
  const findings = await examineAll(values["env-file"]);
  console.log(values.json ? asJson(findings) : asText(findings));
  process.exitCode = isSound(findings) ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function examineAll(envFile: string | undefined): Promise<Finding[]> {
  const vercel = readVercel(await readFile(VERCEL_FILE, "utf8").catch(() => ""));
  if (!vercel) return [VERCEL_UNREADABLE];
  loadEnvFile(envFile);
  // What is imported here reads vercel.json, too, and would end with a stack trace were it unreadable.
  const [{ examine }, { closeDatabases }] = await Promise.all([
    import("./examine.ts"),
    import("../../lib/mongo/client.ts"),
  ]);
  try {
    return await examine(process.env, vercel);
  } finally {
    await closeDatabases();
  }
}
