/** The part of a contender that is the same for all: it does what the bench tells it, and reports what that took. */
import { peakMemory } from "../../host/process.ts";
import type { Text } from "../work.ts";

/** What the bench tells a contender. */
export type Order =
  /** Get everything ready to send these; it is not measured. */
  | { op: "prepare"; texts: Text[] }
  /** Send them. With `once`, a contender that works in passes makes one only. */
  | { op: "run"; once: boolean };

/** What an order came to. */
export interface Report {
  /** Of this process, for this order alone. */
  cpuSeconds: number;
  /** In bytes, since the process began. */
  peakMemory: number;
  /** Why it failed; undefined if it did not. */
  error?: string | undefined;
}

export interface Program {
  prepare(texts: Text[]): Promise<void>;
  run(once: boolean): Promise<void>;
}

/** Serves the bench until it goes away. */
export function serve(program: Program): void {
  process.on("message", (order: Order) => void obey(program, order).then((report) => process.send?.(report)));
  process.on("disconnect", () => process.exit());
}

async function obey(program: Program, order: Order): Promise<Report> {
  const before = process.cpuUsage();
  const error = await carryOut(program, order).then(
    () => undefined,
    (reason: unknown) => String(reason),
  );
  const { user, system } = process.cpuUsage(before);
  return { cpuSeconds: (user + system) / 1e6, peakMemory: peakMemory(), error };
}

async function carryOut(program: Program, order: Order): Promise<void> {
  if (order.op === "prepare") return program.prepare(order.texts);
  return program.run(order.once);
}
