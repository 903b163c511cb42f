/** Calls the function once with this process's environment, so that a test can read all that it prints. */
import { closeDatabases } from "../../lib/db.ts";
import { handleCron } from "../../lib/handler.ts";

const headers = { authorization: `Bearer ${process.argv[2] ?? ""}` };
const response = await handleCron(new Request("http://localhost/api/cron", { headers }), process.env);
console.log(JSON.stringify({ status: response.status, body: await response.text() }));
await closeDatabases();
process.exit(0);
