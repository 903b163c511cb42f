/** Serves the platform's entry point of the cron in a process of its own, with its environment; prints its port. */
import { Hono } from "hono";
import { GET } from "../../api/cron.ts";
import { serve } from "../../ops/server/http.ts";

let answering: Promise<unknown> = Promise.resolve();

// Its last second is short for a busy machine, which is to answer all the same.
const { exit } = process;
process.exit = (code) => void answering.then(() => setImmediate(exit, code)) as never;

const { port } = await serve(
  new Hono().get("/api/cron", ({ req }) => {
    const answer = GET(req.raw);
    answering = answer;
    return answer;
  }),
  0,
  "127.0.0.1",
);
console.log(`serving at ${port}`);
