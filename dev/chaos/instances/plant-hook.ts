/** Loaded before an instance's own code: puts a known defect into one file of the function as it is read. */
import { registerHooks } from "node:module";
import { type Bug, fileOf, plant } from "./plant.ts";

const bug = JSON.parse(new URL(import.meta.url).searchParams.get("bug") ?? "{}") as Bug;
const target = fileOf(bug);

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (url !== target || loaded.source === undefined) return loaded;
    const source =
      typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
    return { ...loaded, source: plant(bug, source) };
  },
});
