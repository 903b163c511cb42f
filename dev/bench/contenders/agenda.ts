/**
 * Agenda 6, a job a message, with all that it takes to send in the job itself: no other document is read or written.
 * A kind of job for each session, of which it runs one at a time: so sessions send side by side, each in order, as
 * the others do.
 */
import { MongoBackend } from "@agendajs/mongo-backend";
import { Agenda, type Job } from "agenda";
import { MongoClient } from "mongodb";
import type { Text } from "../work.ts";
import { serve } from "./serve.ts";
import { openBareWaha } from "./waha.ts";

/**
 * How often it looks for more, in milliseconds, and how many jobs of a kind it locks ahead: tried out, what is
 * fastest. Every look is a request for each kind, so of many kinds it is better done less often.
 */
const PROCESS_EVERY_MS = { few: 500, many: 1_000 };
const MANY_KINDS = 50;
const LOCKED_AHEAD = 30;

const waha = openBareWaha();
const client = new MongoClient(process.env.DATABASE_URL ?? "");
const agenda = new Agenda({
  backend: new MongoBackend({ mongo: client.db() }),
  maxConcurrency: 1_000,
  defaultConcurrency: 1,
  defaultLockLimit: LOCKED_AHEAD,
});
let waiting = 0;

serve({
  prepare: async (texts) => {
    await agenda.ready;
    await agenda.cancelAll();
    const sessions = new Set(texts.map((text) => text.session));
    agenda.processEvery(sessions.size > MANY_KINDS ? PROCESS_EVERY_MS.many : PROCESS_EVERY_MS.few);
    for (const session of sessions) agenda.define(nameOf(session), sendText);
    const now = new Date();
    await Promise.all(texts.map((text) => agenda.schedule(now, nameOf(text.session), text)));
    waiting = texts.length;
  },
  run: async () => {
    const done = Promise.withResolvers<void>();
    const count = () => {
      waiting -= 1;
      if (waiting === 0) done.resolve();
    };
    agenda.on("complete", count);
    await agenda.start();
    await done.promise;
    // Not `drain`: it waits for a job that is just ending, and whose end it has missed.
    await agenda.stop(false);
    agenda.off("complete", count);
  },
});

function sendText({ attrs }: Job<Text>, done: (error?: Error) => void): void {
  waha.sendText(attrs.data).then(() => done(), done);
}

function nameOf(session: string): string {
  return `send on ${session}`;
}
