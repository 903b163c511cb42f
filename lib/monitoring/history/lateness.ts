/**
 * A histogram of lateness, small enough that those of many passes can be added up. Bucket `b0` holds what was up to
 * 50 ms late, each next one reaches half as far again, and the last one, `b25`, holds the rest, over 14 minutes.
 */
export type Histogram = Partial<Record<Bucket, number>>;
export type Bucket = `b${number}`;

const FIRST_BOUND_MS = 50;
const GROWTH = 1.5;
const BUCKETS = 26;

/** The end of a bucket, in milliseconds. */
const boundOf = (index: number) => FIRST_BOUND_MS * GROWTH ** index;

/** The names of all buckets, the least late first. */
export const ALL_BUCKETS: readonly Bucket[] = Array.from(
  { length: BUCKETS },
  (_, index): Bucket => `b${index}`,
);

/** Sorts latenesses, in milliseconds, into buckets. */
export function histogramOf(latenessMs: readonly number[]): Histogram {
  const histogram: Histogram = {};
  for (const late of latenessMs) {
    const index = Math.max(0, Math.ceil(Math.log(late / FIRST_BOUND_MS) / Math.log(GROWTH)) || 0);
    const bucket: Bucket = `b${Math.min(index, BUCKETS - 1)}`;
    histogram[bucket] = (histogram[bucket] ?? 0) + 1;
  }
  return histogram;
}

/**
 * A quantile in milliseconds, interpolated within its bucket; null of an empty histogram.
 *
 * @param share the part of all messages that were not later: 0.5 is the median
 * @param latestMs how late the latest was: no quantile is more
 */
export function quantileMs(histogram: Histogram, share: number, latestMs = Infinity): number | null {
  const counts = ALL_BUCKETS.map((bucket) => histogram[bucket] ?? 0);
  const rank = share * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = index === 0 ? 0 : boundOf(index - 1);
      const to = Math.min(boundOf(index), latestMs);
      return Math.round(from + ((rank - below) / count) * Math.max(0, to - from));
    }
    below += count;
  }
  return null;
}
