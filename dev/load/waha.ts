import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CONTROL_PATH } from "../waha-simulator/control.ts";
import type { LedgerEntry } from "../waha-simulator/ledger.ts";
import type { WahaSimulatorOptions } from "../waha-simulator/options.ts";

const MAIN = fileURLToPath(new URL("../waha-simulator/main.ts", import.meta.url));

/** What is asked of the ledger; its dates would be texts here. */
export type Accepted = Pick<LedgerEntry, "session" | "chatId" | "text" | "id" | "concurrent">;

/** The WAHA simulator in a process of its own, so that its work is not counted with another process's. */
export interface WahaProcess {
  url: string;
  /** Every message accepted, oldest first. */
  readLedger(): Promise<Accepted[]>;
  stop(): Promise<void>;
}

export async function startWahaProcess(options: WahaSimulatorOptions): Promise<WahaProcess> {
  const child = spawn(process.execPath, [MAIN, "0", JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  const url = await readUrl(child);
  return {
    url,
    readLedger: async () => (await fetch(`${url}${CONTROL_PATH}/ledger`)).json() as Promise<Accepted[]>,
    stop: async () => {
      const gone = once(child, "exit");
      kill();
      await gone;
      process.off("exit", kill);
    },
  };
}

async function readUrl(child: ChildProcess & { stdout: NodeJS.ReadableStream }): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line).url;
  throw new Error("the WAHA simulator did not start");
}
