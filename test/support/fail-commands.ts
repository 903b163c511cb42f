import type { Document } from "mongodb";
import { onTestFinished } from "vitest";
import type { World } from "./world.ts";

/**
 * Makes the database fail, or hold, some commands of a world's clients.
 *
 * @param data as MongoDB's fail point `failCommand` takes it
 * @returns what ends that; the end of the test does so, too
 */
export async function failCommands(
  world: World,
  mode: Document | "alwaysOn",
  data: Document,
): Promise<() => Promise<void>> {
  const admin = world.db.admin();
  const off = async () => {
    await admin.command({ configureFailPoint: "failCommand", mode: "off" });
  };
  await admin.command({
    configureFailPoint: "failCommand",
    mode,
    data: { appName: world.db.databaseName, ...data },
  });
  onTestFinished(off);
  return off;
}
