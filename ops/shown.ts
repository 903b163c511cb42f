/** How many names a line shows before it only counts. */
const SHOWN = 5;

/** Names for one line: the first few, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** A text that others wrote (a session's name, a status) without what a terminal would obey. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{C}/gu, "·");
}

/** A count with its noun, in the right number. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
