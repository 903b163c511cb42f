import { writeLogTo } from "../../lib/log.ts";

/** The lines that are logged while `work` runs. What is logged later goes nowhere. */
export async function logged(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  writeLogTo({ write: (line) => void lines.push(JSON.parse(line)) });
  try {
    await work();
  } finally {
    writeLogTo({ write: () => undefined });
  }
  return lines;
}
