/** `npm start`: runs the scheduler on a server of your own. */
import { ConfigError } from "../../lib/errors.ts";
import { loadEnvFile } from "./env-file.ts";
import { start } from "./start.ts";

try {
  loadEnvFile();
  await start(process.env);
} catch (error) {
  explain(error);
  process.exit(1);
}

function explain(error: unknown): void {
  if (error instanceof ConfigError) {
    console.error(
      "Settings are wrong, in the environment or .env; docs/configuration.md says what each means:",
    );
    for (const { setting, problem } of error.problems) console.error(`  ${setting} ${problem}`);
    return;
  }
  const { syscall, code, message } = error as NodeJS.ErrnoException;
  console.error(
    syscall === "listen" || syscall === "getaddrinfo"
      ? `Can't listen at HOST and PORT (${code}): stop what listens there, or set another PORT or HOST`
      : message,
  );
}
