/**
 * A histogram of lateness, coarse and small, so that those of many passes can be added up: bucket `b0` holds what was
 * under 50 ms late, and each next one reaches half as far again; the last one (`b25`) reaches past 14 minutes.
 */
export type Histogram = Partial<Record<Bucket, number>>;
export type Bucket = `b${number}`;

const FIRST_BOUND_MS = 50;
const GROWTH = 1.5;
const BUCKETS = 26;

/** Where a bucket ends, in milliseconds. */
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
 * A quantile in milliseconds, as near as the buckets tell (within a fifth or so); null of an empty histogram.
 *
 * @param share of all messages, so many were not later: 0.5 is the median
 */
export function quantileMs(histogram: Histogram, share: number): number | null {
  const counts = ALL_BUCKETS.map((bucket) => histogram[bucket] ?? 0);
  const rank = share * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = index === 0 ? 0 : boundOf(index - 1);
      return Math.round(from + ((rank - below) / count) * (boundOf(index) - from));
    }
    below += count;
  }
  return null;
}
