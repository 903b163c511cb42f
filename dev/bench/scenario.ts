import type { Lab } from "./lab/lab.ts";
import type { Scale } from "./scale.ts";
import type { Figures } from "./targets.ts";

/** Says what is going on, in one line. */
export type Tell = (line: string) => void;

export interface Table {
  title: string;
  /** What one must know to read it. */
  note: string;
  head: string[];
  /** The first cell of each row names it, the others are figures. */
  rows: string[][];
}

/** Bars of one group, compared with each other. */
export interface BarGroup {
  title: string;
  bars: { name: string; value: number }[];
}

/** What a scenario found. */
export interface Findings {
  tables: Table[];
  figures: Figures;
  /** For the chart. */
  bars?: BarGroup;
  /** What must not be, in plain words: a contender lost messages, or sent some twice. */
  failures?: string[];
}

export interface Scenario {
  /** For `--only`. */
  name: string;
  run(lab: Lab, scale: Scale, tell: Tell): Promise<Findings>;
}
