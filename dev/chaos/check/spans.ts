/** A span of time, in milliseconds. */
export type Span = [from: number, to: number];

/** What is left of spans without some others. */
export function without(spans: Span[], others: Span[]): Span[] {
  return others.reduce(
    (left, [from, to]) =>
      left.flatMap(([begins, ends]): Span[] => [
        ...nonEmpty([begins, Math.min(ends, from)]),
        ...nonEmpty([Math.max(begins, to), ends]),
      ]),
    spans,
  );
}

/** What of spans lies within any of some others that do not overlap one another. */
export function within(spans: Span[], others: Span[]): Span[] {
  return spans.flatMap(([begins, ends]) =>
    others.flatMap(([from, to]) => nonEmpty([Math.max(begins, from), Math.min(ends, to)])),
  );
}

/** How much time spans cover, each moment counted once. */
export function coveredMs(spans: Span[]): number {
  let covered = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
}

function nonEmpty([from, to]: Span): Span[] {
  return to > from ? [[from, to]] : [];
}
