import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { hostFunction } from "../../dev/host/function.ts";
import { CRON_PATH } from "../../ops/server/settings.ts";
import { createWorld, SECRET, type World } from "../support/world.ts";

/** What a caller gets to see; status 0 is no answer at all. */
export interface Answer {
  status: number;
  body: string;
}

export interface Gate {
  world: World;
  /** Sends the head of a request, byte by byte as it is given. */
  ask(head: string): Promise<Answer>;
}

/** The function behind a port, with a message due that no stranger may have sent. */
export async function startGate(): Promise<Gate> {
  const world = await createWorld();
  await world.insert({});
  const { port, close } = await hostFunction(world.env);
  onTestFinished(async () => {
    await close(0);
  });
  return { world, ask: (head: string) => exchange(port, head) };
}

async function exchange(port: number, head: string): Promise<Answer> {
  const socket = connect(port, "127.0.0.1");
  socket.write(Buffer.from(`${head}\r\n\r\n`, "latin1"));
  const [top = "", body = ""] = (await buffer(socket).catch(() => "")).toString().split("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(top)?.[1] ?? 0), body };
}

/** The head of a request. */
export const head = (method: string, target: string, headers: string[] = []) =>
  [`${method} ${target} HTTP/1.1`, "Host: localhost", "Connection: close", ...headers].join("\r\n");

export const AUTHORIZED = `Authorization: Bearer ${SECRET}`;

/** With it a caller that is let in is told so, and no pass runs: it is no word for a dry run. */
export const NO_PASS = `${CRON_PATH}?dryRun=perhaps`;
export const LET_IN = { error: "dryRun must be true or false, and is the only parameter" };
