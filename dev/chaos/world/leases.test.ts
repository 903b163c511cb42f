import { expect, test } from "vitest";
import { parseConfig } from "../../../lib/config.ts";
import { openDatabase } from "../../../lib/mongo/client.ts";
import { renewLeases, takeLeases } from "../../../lib/sessions/leases.ts";
import { recordCommands } from "../../../test/support/commands.ts";
import { ago, createWorld, endLeases } from "../../../test/support/world.ts";
import { pointOf } from "../database/points.ts";
import { renewalsIn } from "../database/writes.ts";
import type { LeaseEnd } from "../plan/events.ts";
import { endLease } from "./leases.ts";

const LEASE_MS = 20_000;
const FIRST = { passId: "one", takenAt: ago(10) };
const NEXT = { passId: "two", takenAt: ago(9) };

/** A lease of the pass "one", and the renewal that it asks for. */
async function renewedWorld() {
  const world = await createWorld();
  const commands = recordCommands(world);
  const db = openDatabase(parseConfig(world.env));
  await takeLeases(db, ["s"], FIRST, LEASE_MS);
  const renew = () => renewLeases(db, [{ session: "s", lastSentAt: undefined, ...FIRST }], LEASE_MS);
  await renew();
  const asked = commands.find(({ command }) => pointOf(command) === "renew-leases");
  const [renewal] = asked ? renewalsIn(asked.command) : [];
  if (!renewal) throw new Error("nothing was renewed");
  return {
    renew,
    end: (how: LeaseEnd) => endLease(world.db, renewal, how, LEASE_MS),
    takeOver: async () => {
      await endLeases(world);
      await takeLeases(db, ["s"], NEXT, LEASE_MS);
    },
    lease: () => world.scheduler.findOne({}),
  };
}

test.each<LeaseEnd>(["runs-out", "is-taken"])("a lease that %s is renewed no more", async (how) => {
  const { end, renew } = await renewedWorld();
  expect(await renew()).toEqual(new Set(["s"]));
  expect(await end(how)).toBe(true);
  expect(await renew()).toEqual(new Set());
  expect(await end(how)).toBe(false);
});

test.each<LeaseEnd>(["runs-out", "is-taken"])(
  "a lease that another pass has by now stays its own: %s",
  async (how) => {
    const { end, lease, takeOver } = await renewedWorld();
    await takeOver();
    const before = await lease();
    expect(before).toMatchObject(NEXT);
    expect(await end(how)).toBe(false);
    expect(await lease()).toEqual(before);
  },
);
