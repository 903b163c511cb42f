/** What the function runs on, real or simulated. */
export interface WahaSnapshot {
  /** The function's settings. */
  env: NodeJS.ProcessEnv;
  /** What it runs on, for people. */
  lines: string[];
  /** The secret as a command shows it: itself where it is nobody's, else the name of the variable. */
  shownSecret: string;
  /** Whether to call at once, or leave the first call to the schedule. */
  callAtOnce: boolean;
  /** Takes it down; gives a last line for people, if there is something to say. */
  stop(): Promise<string | undefined>;
}
