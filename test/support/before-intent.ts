import type { DatabaseRequest, RequestFate } from "../../dev/chaos/database/intercept.ts";
import { proxyBefore, Watcher } from "./database-proxy.ts";
import type { World } from "./world.ts";

/**
 * Has something done when the first message of the world's passes is claimed and its intent is on its way: the database
 * does not know of the intent until it is done.
 */
export async function beforeIntent(world: World, work: () => unknown): Promise<void> {
  let isDone = false;
  const onRequest = async ({ point }: DatabaseRequest): Promise<RequestFate> => {
    if (point === "intent" && !isDone) {
      isDone = true;
      await work();
    }
    return "forward";
  };
  const proxy = await proxyBefore(world.database.url, new Watcher({ onRequest }));
  // Fail points of the world's are for clients of this name.
  world.env.DATABASE_URL = proxy.url(world.db.databaseName, world.db.databaseName);
}
