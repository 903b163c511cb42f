import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nextMessage, startChild } from "../../host/process.ts";
import type { WahaSimulatorOptions } from "../../waha-simulator/options.ts";

const MAIN = fileURLToPath(new URL("waha-main.ts", import.meta.url));

/** A message that WAHA accepted; the time in milliseconds since 1970. */
export interface Accepted {
  session: string;
  chatId: string;
  text: string;
  acceptedAt: number;
}

/** What WAHA was asked since it was last listened to. */
export interface Heard {
  requests: number;
  accepted: Accepted[];
}

/** The simulated WAHA in a process of its own. */
export interface Waha {
  url: string;
  /** What came since the last call. */
  listen(): Promise<Heard>;
  stop(): Promise<void>;
}

export async function startWaha(options: WahaSimulatorOptions): Promise<Waha> {
  const child = startChild(MAIN, {}, [JSON.stringify(options)]);
  const { url } = await nextMessage<{ url: string }>(child);
  return {
    url,
    listen: async () => {
      child.send("listen");
      return nextMessage<Heard>(child);
    },
    stop: async () => {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}
