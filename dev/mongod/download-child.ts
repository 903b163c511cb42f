// The process that `download.ts` starts: downloads a mongod into the folder it is given, tells its parent
// what came of it, and is ended by it.
import { MongoBinary } from "mongodb-memory-server";
import type { Answer } from "./download.ts";

const [downloadDir = "."] = process.argv.slice(2);

function answer(result: Answer): void {
  process.send?.(result);
}

// Its parent is gone, and with it the reason for the download.
process.on("disconnect", () => process.exit());

try {
  answer({ path: await MongoBinary.getPath({ downloadDir }) });
} catch (error) {
  const { message } = error as Error;
  answer({ reason: message.split("\n").join(" ").trim() });
}
