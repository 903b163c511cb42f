import type { Db } from "mongodb";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { hostFunction } from "../host/function.ts";
import { hasMessageIds } from "../waha-simulator/features.ts";
import { startWahaSimulator } from "../waha-simulator/server.ts";
import { Crew } from "./crew.ts";
import type { Arena } from "./database/arena.ts";
import type { Renewal } from "./database/writes.ts";
import { recordHistory } from "./history.ts";
import type { Bug } from "./instances/plant.ts";
import type { Lab } from "./lab.ts";
import { lifetimesOf } from "./lifetimes.ts";
import type { LeaseEnd } from "./plan/events.ts";
import type { RoundPlan } from "./plan/plan.ts";
import { randomFor } from "./random.ts";
import type { RoundRecord, RoundSettings } from "./record.ts";
import { type Hits, Saboteur } from "./saboteur.ts";
import type { Stage } from "./stage.ts";
import { Stalls } from "./stalls.ts";
import { blowStorm, calmDown } from "./storm.ts";
import { startDecoy } from "./waha/decoy.ts";
import { startWahaGateway } from "./waha/gateway.ts";
import { Witness } from "./witness.ts";
import { App } from "./world/app.ts";
import { insertWorld, makeDocuments } from "./world/documents.ts";
import { endLease, strikeSessions } from "./world/leases.ts";

/** What a round was like, and all that is known of it. */
export interface Played {
  record: RoundRecord;
  /** What was done to processes and requests. */
  hits: Hits;
}

const KEY = "a-made-up-key";
const SECRET = "a-made-up-secret";
const WEBHOOK_KEY = "a-made-up-webhook-key";
const WARM = 3;

/** Events overtake each other, come twice, and are lost. */
const EVENTS = { delayMs: 400, doubled: 0.1, lost: 0.2, retryMs: 100 };

/** When nothing goes wrong any more nothing is to be hurried either, however busy the machine is. */
const CALM = {
  PASS_SECONDS: "30",
  TAIL_SECONDS: "5",
  STAY_SECONDS: "0",
  WAHA_TIMEOUT_MS: "15000",
  WAHA_MEDIA_TIMEOUT_MS: "15000",
};

/** Plays a round to its end: a world is made, passes run while everything goes wrong, then until all is quiet. */
export async function playRound(plan: RoundPlan, lab: Lab, bug?: Bug): Promise<Played> {
  const name = lab.nameOf(plan.round);
  const arena = await lab.lend(plan.failover);
  const db = await arena.openDatabase(name);
  const history = await recordHistory(db, MAPPINGS[plan.documents]);
  const stage = await buildStage(plan, arena, db, {
    name,
    program: await lab.program(bug),
    compileCache: lab.compileCache,
  });
  const stopIntercepting = arena.intercept(name, stage.saboteur.database);
  try {
    stage.crew.warmUp(WARM);
    await blowStorm(stage);
    await calmDown(stage);
    await stage.crew.end();
    const versions = await history.finish();
    return { record: recordOf(stage, versions), hits: stage.saboteur.hits };
  } finally {
    await stage.crew.end();
    stopIntercepting();
    stage.stalls.stop();
    stage.gateway.close();
    stage.decoy.close();
    await stage.waha.stop();
    await stage.listener.close(0);
    await db.dropDatabase();
    lab.takeBack(arena);
  }
}

async function buildStage(
  plan: RoundPlan,
  arena: Arena,
  db: Db,
  { name, program, compileCache }: { name: string; program: string; compileCache: string },
): Promise<Stage> {
  const witness = new Witness();
  const sessionNames = (plan.waha.sessions ?? []).map((session) => session.name);
  const { lookbackSeconds, passSeconds } = roundSettings(plan);
  const names = MAPPINGS[plan.documents];
  const app = new App(db, names, randomFor(plan.seed, "app", plan.round), sessionNames, lookbackSeconds);
  const reach = {
    instance: (instance: string) => crew.find(instance),
    edit: (...edit: Parameters<App["edit"]>) => app.edit(...edit),
    endLease: (renewal: Renewal, how: LeaseEnd) => endLease(db, renewal, how, lifetimesOf(passSeconds).lease),
  };
  const saboteur = new Saboteur(plan.triggers, reach, witness);
  const waha = await startWahaSimulator({ apiKey: KEY, ...plan.waha });
  const gateway = await startWahaGateway(waha.url, saboteur.waha);
  const settingsOf = (instance: string, calm: boolean) => ({
    DATABASE_URL: arena.url(name, instance),
    WAHA_WEBHOOK_KEY: WEBHOOK_KEY,
    WAHA_API_URL: gateway.url(instance),
    WAHA_API_KEY: KEY,
    CRON_SECRET: SECRET,
    NODE_COMPILE_CACHE: compileCache,
    ...plan.settings,
    ...(calm ? CALM : {}),
  });
  const crew = new Crew(name, program, settingsOf);
  const listener = await hostFunction({ ...settingsOf(name, false), DATABASE_URL: arena.directUrl(name) });
  waha.setWebhooks({ url: listener.webhookUrl, key: WEBHOOK_KEY, ...EVENTS });
  const world = makeDocuments(plan.world, names, sessionNames, lookbackSeconds, Date.now());
  await insertWorld(db, world, names);
  if (plan.world.struck) await strikeSessions(db, sessionNames);
  return {
    plan,
    arena,
    db,
    waha,
    gateway,
    listener,
    decoy: await startDecoy(),
    app,
    crew,
    saboteur,
    witness,
    sessions: new Map(world.sessions.map(({ _id, name }) => [String(_id), name])),
    key: KEY,
    outages: [],
    stalls: new Stalls(),
    calmFrom: Number.POSITIVE_INFINITY,
  };
}

function recordOf(
  stage: Stage,
  versions: Pick<RoundRecord, "messages" | "campaigns" | "groups" | "leases">,
): RoundRecord {
  const { plan, waha, gateway, decoy, crew, saboteur, witness } = stage;
  const { version = "", sessions = [] } = plan.waha;
  const lookupSessions = sessions.filter(
    ({ engine = "NOWEB", store = true }) => hasMessageIds(version, engine) && (engine !== "NOWEB" || store),
  );
  const { writes, bulkReleases, rescues, strikes, looks, claims, passes } = witness;
  const { interruptions, disturbances, endedLeases } = saboteur;
  return {
    seed: plan.seed,
    round: plan.round,
    ...versions,
    ledger: [...waha.ledger],
    events: [...waha.events],
    posts: gateway.posts,
    ...{ writes, bulkReleases, rescues, strikes, looks, claims, passes },
    calls: crew.calls,
    ...{ interruptions, disturbances, endedLeases },
    outages: stage.outages,
    stalls: stage.stalls.spans,
    calmFrom: stage.calmFrom,
    strayRequests: decoy.requests,
    answers: crew.answers,
    oddAnswers: crew.oddAnswers,
    settings: roundSettings(plan),
    sessions: stage.sessions,
    lookupSessions: new Set(lookupSessions.map((session) => session.name)),
    engines: new Map(sessions.map(({ name, engine = "NOWEB" }) => [name, engine])),
  };
}

function roundSettings({ documents, settings, failover }: RoundPlan): RoundSettings {
  return {
    documents,
    lookbackSeconds: Number(settings.LOOKBACK_SECONDS),
    statusHold: MAPPINGS.plain.campaigns.hold,
    passSeconds: Number(settings.PASS_SECONDS),
    tailSeconds: Number(settings.TAIL_SECONDS),
    sessionConcurrency: Number(settings.SESSION_CONCURRENCY),
    failover,
  };
}
