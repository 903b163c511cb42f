import { expect, test } from "vitest";
import type { DatabaseRequest } from "./database/intercept.ts";
import type { Renewal } from "./database/writes.ts";
import type { Instance } from "./instances/instance.ts";
import type { Trigger } from "./plan/events.ts";
import { Saboteur } from "./saboteur.ts";
import { Witness } from "./witness.ts";

/** A saboteur over two processes of which only the life is told, and over leases that pass "one" has, but for one. */
function saboteurWith(triggers: Trigger[], { lost }: { lost?: string } = {}) {
  const lives = new Map(["one", "two"].map((name) => [name, { alive: true }]));
  const instance = (name: string) => {
    const life = lives.get(name);
    return life && ({ ...life, kill: () => lives.set(name, { alive: false }) } as unknown as Instance);
  };
  const ended: [renewal: Renewal, how: string][] = [];
  const endLease = async (renewal: Renewal, how: string) => {
    ended.push([renewal, how]);
    return renewal.session !== lost;
  };
  const saboteur = new Saboteur(triggers, { instance, edit: async () => {}, endLease }, new Witness());
  return Object.assign(saboteur, { ended });
}

const tenure = { passId: "p", takenAt: new Date() };

const renewal = () => {
  const updates = ["a", "b", "c"].map((name) => ({ q: { _id: `session:${name}`, ...tenure }, u: {} }));
  return {
    client: "one",
    point: "renew-leases",
    command: { update: "scheduler", updates },
  } as DatabaseRequest;
};

const readLeases = (client = "one") => {
  const filter = { _id: { $in: ["session:a", "session:b"] } };
  return {
    client,
    point: "read-leases",
    command: { find: "scheduler", filter },
  } as unknown as DatabaseRequest;
};

test("the end of every other lease is on record with the moment at which its pass has read of it", async () => {
  const end = { type: "end-lease", how: "is-taken" } as const;
  const saboteur = saboteurWith([{ point: "renew-leases", side: "before", nth: 2, act: end }]);
  for (const request of [renewal(), renewal()])
    expect(await saboteur.database.onRequest(request)).toBe("forward");
  expect(saboteur.ended).toEqual([
    [{ session: "a", ...tenure }, "is-taken"],
    [{ session: "c", ...tenure }, "is-taken"],
  ]);
  const at = expect.any(Number);
  await saboteur.database.onReply(readLeases("two"), { ok: 1 });
  expect(saboteur.endedLeases).toMatchObject([{ toldAt: undefined }, { toldAt: undefined }]);
  await saboteur.database.onReply(readLeases(), { ok: 1 });
  expect(saboteur.endedLeases).toEqual([
    { session: "a", passId: "p", at, toldAt: at },
    { session: "c", passId: "p", at, toldAt: undefined },
  ]);
  expect(saboteur.disturbances).toEqual([{ instance: "one", point: "renew-leases", at }]);
});

test("a lease that the renewing pass no longer has is not on record as ended", async () => {
  const end = { type: "end-lease", how: "runs-out" } as const;
  const trigger: Trigger = { point: "renew-leases", side: "before", nth: 1, act: end };
  const saboteur = saboteurWith([trigger], { lost: "a" });
  await saboteur.database.onRequest(renewal());
  expect(saboteur.endedLeases).toMatchObject([{ session: "c" }]);
});

test("a pass that does not hear what it reads is not told that its lease has ended", async () => {
  const saboteur = saboteurWith([
    { point: "renew-leases", side: "before", nth: 1, act: { type: "end-lease", how: "runs-out" } },
    { point: "read-leases", side: "after", nth: 1, act: { type: "break" } },
  ]);
  await saboteur.database.onRequest(renewal());
  expect(await saboteur.database.onReply(readLeases(), { ok: 1 })).toBe("break");
  expect(saboteur.endedLeases).toMatchObject([
    { session: "a", toldAt: undefined },
    { session: "c", toldAt: undefined },
  ]);
});

test("edits of the first requests at a point meet each of these, and a kill there the one after", async () => {
  const at = { point: "count-campaign", side: "before" } as const;
  const edits = [1, 2, 3].map(
    (nth): Trigger => ({ ...at, nth, act: { type: "edit", kind: "new-text", thenMs: 0 } }),
  );
  const saboteur = saboteurWith([...edits, { ...at, nth: 1, act: { type: "kill" } }]);
  const command = { aggregate: "messages" };
  const request = { client: "one", point: at.point, command } as unknown as DatabaseRequest;
  for (let count = 0; count < 3; count += 1)
    expect(await saboteur.database.onRequest(request)).toBe("forward");
  expect(saboteur.hits.get("edit before count-campaign")).toBe(3);
  expect(await saboteur.database.onRequest(request)).toBe("break");
});

test("of two kills at the same point each takes a request of its own, and none after them", async () => {
  const kill: Trigger = { point: "sendText", side: "before", nth: 1, act: { type: "kill" } };
  const saboteur = saboteurWith([kill, kill]);
  expect(await saboteur.waha.onRequest("one", "sessions")).toBe(true);
  expect(await saboteur.waha.onRequest("one", "sendText")).toBe(false);
  expect(saboteur.hasKillsLeft).toBe(true);
  // What the dead one had still sent goes its way.
  expect(await saboteur.waha.onRequest("one", "sendText")).toBe(true);
  expect(await saboteur.waha.onRequest("two", "sendText")).toBe(false);
  expect(saboteur.hasKillsLeft).toBe(false);
  expect(saboteur.hits.get("kill before sendText")).toBe(2);
});
