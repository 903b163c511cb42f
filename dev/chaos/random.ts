import { createHash } from "node:crypto";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A source of chance that always gives the same from the same seed. */
export interface Random {
  /** A whole number, both ends included. */
  int(from: number, to: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of a list; throws for an empty one. */
  pick<T>(from: readonly T[]): T;
  /** The same things in another order. */
  shuffled<T>(list: readonly T[]): T[];
}

/** The source for one purpose; other words for the purpose give other chances. */
export function randomFor(seed: string, ...purpose: (string | number)[]): Random {
  const digest = createHash("sha256")
    .update([seed, ...purpose].join("/"))
    .digest();
  const generator = xoroshiro128plus(digest.readInt32LE());
  const int = (from: number, to: number) => uniformInt(generator, from, to);
  return {
    int,
    chance: (probability) => int(0, 999_999) < probability * 1_000_000,
    pick: (from) => {
      if (from.length === 0) throw new RangeError("nothing to pick from");
      return from[int(0, from.length - 1)] as (typeof from)[number];
    },
    shuffled: (list) => {
      const left = [...list];
      return list.map(() => left.splice(int(0, left.length - 1), 1)[0] as (typeof list)[number]);
    },
  };
}
