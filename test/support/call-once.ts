/**
 * Calls the function once with this process's environment, the secret and the query that it is given, so that a test
 * can read all that it prints, and how much memory it took at the most (in kB).
 */
import { peakMemory } from "../../dev/host/process.ts";
import { handleCron } from "../../lib/http/cron.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";

const [secret = "", query = ""] = process.argv.slice(2);
const headers = { authorization: `Bearer ${secret}` };
const request = new Request(`http://localhost/api/cron${query}`, { headers });
const response = await handleCron(request, process.env);
const body = await response.text();
console.log(JSON.stringify({ status: response.status, body, maxRss: peakMemory() / 1024 }));
await closeDatabases();
process.exit(0);
