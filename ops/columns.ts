/** Rows of cells as lines, each column as wide as its widest cell; the last one is left as it is. */
export function columns(rows: readonly string[][], gap = "  "): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [place, cell] of row.entries()) widths[place] = Math.max(widths[place] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, place) => (place < row.length - 1 ? cell.padEnd(widths[place] ?? 0) : cell))
      .join(gap)
      .trimEnd(),
  );
}
