import { expect, test } from "vitest";
import { createHostWorld, startServer } from "../../test/support/host.ts";
import { ago, message } from "../../test/support/world.ts";

/** The longest stretch without a send that a kill may cost: a lease's 20 s, and a start. */
const LONGEST_STRETCH_MS = 30_000;

test("kill -9 in the middle of a campaign: the next process sends the rest in time and in order", async () => {
  const sessions = ["north", "south"].map((name) => ({ name, latencyMs: 100 }));
  const world = await createHostWorld({}, { sessions });
  const due = ago(1);
  const documents = Array.from({ length: 400 }, (_, place) =>
    message({
      content: `message ${place}`,
      sessionId: sessions[place % 2]?.name,
      scheduledAt: new Date(due.getTime() + place),
    }),
  );
  await world.messages.insertMany(documents);

  const { server } = await startServer(world);
  await world.waha.accepted(150);
  server.signal("SIGKILL");
  await server.exited;
  await startServer(world);
  await world.waha.accepted(398);
  // The kill may have left one POST a session whose answer is lost: these are looked up later.
  const ended = () =>
    world.messages.countDocuments({ "delivery.state": { $in: ["sent", "attempting"] }, isPicked: true });
  await expect.poll(ended).toBe(400);

  expect(await world.messages.countDocuments({ "delivery.state": "missed" })).toBe(0);
  const { ledger } = world.waha;
  expect(new Set(ledger.map(({ text }) => text)).size).toBe(ledger.length);
  const at = ledger.map(({ acceptedAt }) => acceptedAt.getTime());
  expect(Math.max(...at.slice(1).map((time, place) => time - (at[place] ?? 0)))).toBeLessThan(
    LONGEST_STRETCH_MS,
  );
  for (const { name } of sessions) {
    const places = ledger
      .filter(({ session }) => session === name)
      .map(({ text }) => Number(text.slice("message ".length)));
    expect(places).toEqual(places.toSorted((one, other) => one - other));
  }
}, 120_000);
