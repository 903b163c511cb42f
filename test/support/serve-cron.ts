/** Serves the platform's entry point of the cron in a process of its own, with its environment; prints its port. */
import { Hono } from "hono";
import { GET } from "../../api/cron.ts";
import { serve } from "../../ops/server/http.ts";

const { port } = await serve(
  new Hono().get("/api/cron", ({ req }) => GET(req.raw)),
  0,
  "127.0.0.1",
);
console.log(`serving at ${port}`);
