import fc from "fast-check";

/** With it every run of the tests tries the same. */
const FIXED_SEED = 2_026;

/** Shrinking what was found may go on for long. */
const LIMIT_MS = 40_000;

/**
 * Tries a property on generated values, with a fixed seed and with a fresh one, which may find more; whatever
 * fails is shown with its seed and the smallest value that fails as well.
 *
 * @param runs how many values for each seed
 */
export async function holds<T>(
  values: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void> | void,
): Promise<void> {
  const check = fc.asyncProperty(values, async (value) => property(value));
  for (const seed of [FIXED_SEED, Date.now() % 2 ** 31])
    await fc.assert(check, { seed, numRuns: runs, interruptAfterTimeLimit: LIMIT_MS });
}
