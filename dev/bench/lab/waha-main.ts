/**
 * The WAHA simulator as the bench's own process: like dev/waha-simulator/main.ts, but it tells what came since it
 * was asked last, so that one simulator serves contenders in turn, each as warm as the one before.
 */
import type { WahaSimulatorOptions } from "../../waha-simulator/options.ts";
import { startWahaSimulator } from "../../waha-simulator/server.ts";
import type { Heard } from "./waha.ts";

const simulator = await startWahaSimulator(JSON.parse(process.argv[2] ?? "{}") as WahaSimulatorOptions);
let heard = { requests: 0, accepted: 0 };

process.on("message", () => {
  const requests = simulator.requests.slice(heard.requests);
  const accepted = simulator.ledger.slice(heard.accepted);
  heard = { requests: simulator.requests.length, accepted: simulator.ledger.length };
  const answer: Heard = {
    requests: requests.length,
    accepted: accepted.map(({ session, chatId, text, acceptedAt }) => ({
      ...{ session, chatId, text },
      acceptedAt: acceptedAt.getTime(),
    })),
  };
  process.send?.(answer);
});

// Its parent is gone.
process.on("disconnect", () => process.exit());
process.send?.({ url: simulator.url });
