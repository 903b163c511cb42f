import type { Findings, Scenario } from "../scenario.ts";

const MB = 1_000_000;

/** How large the function is that Vercel's own builder packs. */
export const size: Scenario = {
  name: "size",
  run: async ({ built }): Promise<Findings> => {
    const { files, packages, bytes, zipBytes } = built;
    return {
      tables: [
        {
          title: "Deployed size",
          note: "as packed by Vercel's builder (@vercel/node)",
          head: ["", "files", "packages", "size", "zipped"],
          rows: [
            [
              "the function",
              String(files),
              String(packages),
              ...[bytes, zipBytes].map((all) => `${(all / MB).toFixed(1)} MB`),
            ],
          ],
        },
      ],
      figures: { deployedSize: bytes / MB },
    };
  },
};
