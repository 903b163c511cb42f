/** Runs the simulator as a process. */
import { helpIfAsked } from "../../ops/program.ts";
import type { WahaSimulatorOptions } from "./options.ts";
import { startWahaSimulator } from "./server.ts";

helpIfAsked(`npm run simulator -- [port] ['{"options": "as JSON"}']

A WAHA without a phone, for this computer alone. It prints one line, {"url": …}, when it is ready, and runs until it is
stopped. Without a port it takes a free one. WAHA_SIMULATOR_PORT and WAHA_SIMULATOR_OPTIONS say the same.

Options, for example '{"apiKey": "secret", "engine": "GOWS", "sessions": [{"name": "shop"}]}', are described in
dev/waha-simulator/options.ts. What it accepted is at /__simulator/ledger.`);
const { WAHA_SIMULATOR_PORT = "0", WAHA_SIMULATOR_OPTIONS = "{}" } = process.env;
const [port = WAHA_SIMULATOR_PORT, options = WAHA_SIMULATOR_OPTIONS] = process.argv.slice(2);
const simulator = await startWahaSimulator({
  ...(JSON.parse(options) as WahaSimulatorOptions),
  port: Number(port),
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void simulator.stop());
console.log(JSON.stringify({ url: simulator.url }));
