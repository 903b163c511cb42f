import { existsSync } from "node:fs";

const ENV_FILE = ".env";

/** Fills the environment up from .env, if there is one; what is set already wins. */
export function loadEnvFile(): void {
  if (existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE);
}
