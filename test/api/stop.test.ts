import { resolve } from "node:path";
import { expect, test } from "vitest";
import { run } from "../support/program.ts";
import { ago, createWorld, SECRET } from "../support/world.ts";

const SERVE = resolve(import.meta.dirname, "../support/serve-cron.ts");

test("SIGTERM, half a second before the platform's kill: nothing new starts, claims and leases go back", async () => {
  const names = ["quick", "stuck"];
  const world = await createWorld({ sessions: names.map((name) => ({ name })), latencyMs: 60 });
  world.waha.addFault({ match: { route: "sendText", session: "stuck" }, action: { type: "hangBefore" } });
  await world.insert(
    ...Array.from({ length: 80 }, (_, n) => ({ sessionId: names[n % 2], scheduledAt: ago(60 - n / 2) })),
  );
  const program = await run([process.execPath, SERVE], { env: world.env });
  const port = await program.says(/serving at (\d+)/);
  const call = fetch(`http://127.0.0.1:${port}/api/cron`, { headers: { authorization: `Bearer ${SECRET}` } });
  await world.waha.accepted(3);
  await world.waha.received("sendText", 4);

  program.signal("SIGTERM");
  const answer = await call;
  const accepted = world.waha.ledger.length;

  expect(await answer.json()).toMatchObject({ ok: false, sent: accepted });
  expect(accepted).toBeLessThan(40);
  expect(await world.messages.countDocuments({ "delivery.state": "claimed" })).toBe(0);
  expect(await world.messages.countDocuments({ "delivery.state": "sent" })).toBe(accepted);
  // What was under way is not proven: it is looked up, and the lease of its session runs out.
  const attempting = await world.messages.find({ "delivery.state": "attempting" }).toArray();
  expect(attempting).toMatchObject([{ delivery: { error: { code: "waha_connection_lost" } } }]);
  const held = await world.scheduler.find({ expiresAt: { $gt: new Date() } }).toArray();
  expect(held.map(({ _id }) => String(_id))).toEqual(["session:stuck"]);
  expect(await program.exited).toEqual([143, null]);
});
