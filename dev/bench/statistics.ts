/** The value in the middle, or between the two in the middle; NaN of nothing. */
export function median(values: number[]): number {
  return percentile(values, 50);
}

/**
 * The value below which `percent` percent of the values lie, interpolated between the two nearest.
 *
 * @returns NaN of nothing
 */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
