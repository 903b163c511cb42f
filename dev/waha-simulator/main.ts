/**
 * Runs the simulator as a process: `node dev/waha-simulator/main.ts [port] [options as JSON]`, or with
 * WAHA_SIMULATOR_PORT and WAHA_SIMULATOR_OPTIONS. Prints one line, `{"url": …}`, when it is ready.
 */
import type { WahaSimulatorOptions } from "./options.ts";
import { startWahaSimulator } from "./server.ts";

const { WAHA_SIMULATOR_PORT = "0", WAHA_SIMULATOR_OPTIONS = "{}" } = process.env;
const [port = WAHA_SIMULATOR_PORT, options = WAHA_SIMULATOR_OPTIONS] = process.argv.slice(2);
const simulator = await startWahaSimulator({
  ...(JSON.parse(options) as WahaSimulatorOptions),
  port: Number(port),
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void simulator.stop());
console.log(JSON.stringify({ url: simulator.url }));
