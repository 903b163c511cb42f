import { type RolldownPluginOption, rolldown } from "rolldown";

/**
 * Packs a program of this project, with the libraries that it imports, into one file that Node runs as it is: it
 * starts sooner, and without what Node needs to run TypeScript.
 *
 * @param file where the program goes; nothing else is needed beside it
 */
export async function bundle(
  input: string,
  file: string,
  plugins: RolldownPluginOption[] = [],
): Promise<void> {
  const packed = await rolldown({ input, platform: "node", logLevel: "warn", plugins });
  await packed.write({ file, format: "esm", codeSplitting: false });
  await packed.close();
}
