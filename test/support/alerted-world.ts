import { backgroundDone } from "../../lib/async.ts";
import type { Notification } from "../../lib/monitoring/alerts/notification.ts";
import type { Host } from "../../lib/pass/run.ts";
import { type Receiver, startReceiver } from "./receiver.ts";
import { createWorld, type World } from "./world.ts";

type Simulator = Parameters<typeof createWorld>[0];

/** A world whose alerts are taken. */
export interface AlertedWorld extends World {
  readonly receiver: Receiver;
  /** Calls the function, and waits until the alerts have been seen to, too; gives the answer's status. */
  callAndTell(host?: Partial<Host>): Promise<number>;
  /** The alerts taken so far, oldest first. */
  alerts(): Notification[];
  /** What they are about, in short. */
  told(): string[];
}

/** Builds a world with a receiver of alerts, after a first pass in which all was well. */
export async function createAlertedWorld(
  simulator: Simulator = {},
  settings: NodeJS.ProcessEnv = {},
): Promise<AlertedWorld> {
  const receiver = await startReceiver();
  const world = await createWorld(simulator, { ALERT_WEBHOOK_URL: receiver.url, ...settings });
  const alerts = () => receiver.taken.map(({ body }) => JSON.parse(body) as Notification);
  const callAndTell = async (host?: Partial<Host>) => {
    const { status } = await world.call("", host);
    await backgroundDone();
    return status;
  };
  await callAndTell();
  return {
    ...world,
    receiver,
    callAndTell,
    alerts,
    told: () => alerts().map(({ kind, state }) => `${kind} ${state}`),
  };
}
