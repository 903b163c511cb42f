import { fileURLToPath } from "node:url";

/** The programs that contenders run, each packed into a file of its own. */
export const PROGRAMS = {
  floor: new URL("floor.ts", import.meta.url),
  safeFloor: new URL("safe-floor.ts", import.meta.url),
  loop: new URL("documented-loop.ts", import.meta.url),
  agenda: new URL("agenda.ts", import.meta.url),
  ours: new URL("ours.ts", import.meta.url),
  cold: new URL("cold.ts", import.meta.url),
} as const;

export type ProgramName = keyof typeof PROGRAMS;

export function sourceOf(program: ProgramName): string {
  return fileURLToPath(PROGRAMS[program]);
}

export interface Entry {
  name: string;
  program: ProgramName;
  args: string[];
  /** False: what it loses or sends twice is told, and no failure of the bench. */
  exact: boolean;
  /** It sends one message at a time, so it is given but a part of them, and its lateness says nothing. */
  inSequence: boolean;
}

export const FLOOR = "floor";
export const SAFE_FLOOR = "safe floor";
export const OURS = "waha-scheduler";

/** Those who compete, in the order of the tables. */
export const ENTRIES: Entry[] = [
  { name: FLOOR, program: "floor", args: [], exact: true, inSequence: false },
  { name: SAFE_FLOOR, program: "safeFloor", args: [], exact: true, inSequence: false },
  { name: OURS, program: "ours", args: [], exact: true, inSequence: false },
  { name: "loop, Promise.all", program: "loop", args: ["all"], exact: false, inSequence: false },
  { name: "loop, in sequence", program: "loop", args: [], exact: false, inSequence: true },
  { name: "Agenda 6", program: "agenda", args: [], exact: true, inSequence: false },
];
