import type { Post, StateWrite } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import type { Round } from "./round.ts";

/** Every POST comes after an acknowledged intent of its own, written by the same process. */
export function checkIntentFirst({ trails }: Round): Finding {
  const check = new Check("intent-first");
  for (const { posts, writes, label } of trails) {
    const left = new Set(writes.filter(({ to }) => to === "attempting"));
    for (const post of posts) {
      check.covers();
      const intent = [...left].findLast((write) => acknowledgedBefore(write, post));
      if (intent) left.delete(intent);
      else check.violated(`posted by ${post.instance} without an acknowledged intent of its own`, label);
    }
  }
  return check;
}

function acknowledgedBefore({ instance, acknowledged, repliedAt }: StateWrite, post: Post): boolean {
  return instance === post.instance && acknowledged && repliedAt !== undefined && repliedAt <= post.at;
}
