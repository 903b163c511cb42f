import type { Db } from "mongodb";
import { COLLECTIONS, seed } from "../load/seed.ts";
import { type PlannedMessage, spreadWorld, type World } from "../load/world.ts";
import type { Accepted } from "./lab/waha.ts";

/** A message as every contender is given it, be it with a database or without. */
export interface Text {
  session: string;
  chatId: string;
  text: string;
}

/** How much there is to send, and over which sessions. */
export interface Load {
  messages: number;
  sessions: number;
  /** The share of the first session, from 0 to 1; the others share the rest evenly. By default it has no more than they. */
  hotShare?: number;
}

/** One helping of work: the same for each contender. */
export interface Work {
  world: World;
  texts: Text[];
}

/** Everything is due at the same moment, so that the order within a session is the contender's own. */
export function makeWork({ messages, sessions, hotShare }: Load, dueAt: Date): Work {
  const hot = hotShare === undefined ? 0 : Math.round(messages * hotShare);
  const world = spreadWorld({
    messages,
    sessions,
    sessionOf: (place) =>
      hotShare === undefined ? place % sessions : place < hot ? 0 : 1 + ((place - hot) % (sessions - 1)),
    dueAt: () => dueAt,
  });
  return workOf(world);
}

/** Names each message's session on the message itself too, since the documented loop looks it up there. */
export function workOf(world: World): Work {
  const ids = new Map(world.sessions.map(({ _id, name }) => [name, _id]));
  const messages = world.messages.map(({ session, document }) => ({
    session,
    document: { ...document, sessionId: ids.get(session) ?? null },
  }));
  return { world: { ...world, messages }, texts: messages.map(textOf) };
}

function textOf({ session, document: { chatId, content } }: PlannedMessage): Text {
  return { session, chatId, text: content };
}

/** Creates the app's collections: passes make indexes, and no collection. */
export async function createCollections(db: Db): Promise<void> {
  for (const name of Object.values(COLLECTIONS)) await db.createCollection(name);
}

/** Leaves nothing in the database but this work; its indexes stay. */
export async function replaceWork(db: Db, { world }: Work): Promise<void> {
  await Promise.all(Object.values(COLLECTIONS).map((name) => db.collection(name).deleteMany({})));
  await seed(db, world);
}

/** How far what WAHA accepted is from each message exactly once, on its own session. */
export interface Exactness {
  lost: number;
  doubled: number;
}

export const isExact = ({ doubled, lost }: Exactness) => doubled + lost === 0;

export function judgeExactness({ texts }: Work, accepted: Accepted[]): Exactness {
  const keyOf = ({ session, chatId, text }: Text) => JSON.stringify([session, chatId, text]);
  const counts = new Map(texts.map((text) => [keyOf(text), 0]));
  let foreign = 0;
  for (const entry of accepted) {
    const count = counts.get(keyOf(entry));
    if (count === undefined) foreign += 1;
    else counts.set(keyOf(entry), count + 1);
  }
  const all = [...counts.values()];
  return {
    lost: all.filter((count) => count === 0).length,
    doubled: foreign + all.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
  };
}
