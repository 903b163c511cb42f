import { setTimeout as sleep } from "node:timers/promises";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import type { Fault } from "../waha-simulator/faults.ts";
import type { CallAnswer, Instance } from "./instances/instance.ts";
import type { Event } from "./plan/events.ts";
import type { Stage } from "./stage.ts";
import { ageBy } from "./world/age.ts";

/** How much longer the storm lasts where the plan's kills have not all come yet, and how often the cron calls then. */
const MORE_MS = 12_000;
const CALL_EVERY_MS = 300;

/** How much time passes before each pass of the calm, in seconds. Together they are under a day, which is swept. */
const AGES = [0, 3, 60, 60, 60, 60, 700, 1900, 1900, 1900];

const CALM_TRIES = 5;

/** Before this pass every session that is logged out logs in again. */
const ALL_LOGGED_IN = 6;

/** Runs the plan's events at their times, and has the cron call on until every planned kill has happened. */
export async function blowStorm(stage: Stage): Promise<void> {
  const began = performance.now();
  stage.saboteur.begin();
  const elapsed = () => performance.now() - began;
  const ends: Promise<void>[] = [];
  let failure: { reason: unknown } | undefined;
  for (const event of stage.plan.events) {
    await sleep(Math.max(0, event.atMs - elapsed()));
    ends.push(
      happen(stage, event).catch((reason: unknown) => {
        failure ??= { reason };
      }),
    );
  }
  await sleep(Math.max(0, stage.plan.stormMs - elapsed()));
  while (stage.saboteur.hasKillsLeft && elapsed() < stage.plan.stormMs + MORE_MS) {
    stage.crew.call(0);
    await stage.app.edit("add-message");
    await sleep(CALL_EVERY_MS);
  }
  await Promise.all(ends);
  if (failure) throw failure.reason;
}

/** Ends every fault, lets what is under way come to its end, and runs passes, between which time is made to pass. */
export async function calmDown(stage: Stage): Promise<void> {
  const { crew, saboteur, waha, db, plan } = stage;
  stage.calmFrom = Date.now();
  saboteur.disarm();
  waha.clearFaults();
  await crew.idle();
  const instance = crew.newcomer();
  for (const [place, seconds] of AGES.entries()) {
    // A receipt that came while time is made to pass would be lost with it.
    await waha.eventsSettled();
    if (seconds > 0) await ageBy(db, MAPPINGS[plan.documents], seconds * 1000);
    if (place === ALL_LOGGED_IN) logAllIn(stage);
    const answer = await passInPeace(stage, instance);
    if (answer?.status !== 200)
      crew.oddAnswers.push(`a pass without any fault: ${answer?.status} ${answer?.body.slice(0, 500)}`);
  }
}

/** The database's primary may have stepped down as the storm's last act; that is over after a few passes. */
async function passInPeace({ crew, plan }: Stage, instance: Instance): Promise<CallAnswer | undefined> {
  let answer: CallAnswer | undefined;
  const most = plan.failover ? CALM_TRIES : 1;
  for (let tries = 0; tries < most && (tries === 0 || answer?.status === 503); tries += 1)
    answer = await crew.callOne(instance, 0);
  return answer;
}

function logAllIn({ plan, waha }: Stage): void {
  for (const { name } of plan.waha.sessions ?? []) waha.setSessionStatus(name, "WORKING");
}

/** Does what an event says; resolves when it is over. */
async function happen(stage: Stage, event: Event): Promise<void> {
  const { app, arena, crew, gateway, waha } = stage;
  switch (event.type) {
    case "call":
      return crew.call(event.skewMs);
    case "edit":
      return app.edit(event.kind);
    case "waha-fault":
      waha.addFault(aimed(event.fault, stage.decoy.url));
      return;
    case "session-status": {
      const session = stage.plan.waha.sessions?.[event.session];
      if (!session) return;
      waha.setSessionStatus(session.name, event.status);
      await outage(stage, event.forMs, session.name);
      return waha.setSessionStatus(session.name, session.status ?? "WORKING");
    }
    case "key-changes":
      waha.setApiKey("another-key");
      await outage(stage, event.forMs);
      return waha.setApiKey(stage.key);
    case "waha-away":
      gateway.pause();
      await outage(stage, event.forMs);
      return gateway.resume();
    case "step-down":
      return arena.stepDown();
  }
}

/** Puts on record that WAHA does not answer as usual for `forMs` milliseconds, and waits it out. */
async function outage({ outages }: Stage, forMs: number, session?: string): Promise<void> {
  outages.push({ session, at: Date.now(), until: Date.now() + forMs });
  await sleep(forMs);
}

/** A redirect leads to an address to which no request may go. */
function aimed(fault: Fault, location: string): Fault {
  const { action } = fault;
  if (action.type !== "status" || action.headers?.location === undefined) return fault;
  return { ...fault, action: { ...action, headers: { ...action.headers, location } } };
}
