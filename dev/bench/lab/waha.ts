import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startChild } from "../../host/child.ts";
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
  const hear = async () => (await once(child, "message"))[0];
  const { url } = (await hear()) as { url: string };
  return {
    url,
    listen: async () => {
      const heard = hear() as Promise<Heard>;
      child.send("listen");
      return heard;
    },
    stop: async () => {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}
