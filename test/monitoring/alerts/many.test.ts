import { expect, test } from "vitest";
import { createAlertedWorld } from "../../support/alerted-world.ts";
import { recordCommands } from "../../support/commands.ts";

const MANY = 5_000;

test("sessions by the thousand that fail at once are one alert, and two updates of what is remembered", async () => {
  const sessions = Array.from({ length: MANY }, (_, n) => ({ name: `s${n}` }));
  const world = await createAlertedWorld({ sessions });
  for (const { name } of sessions) world.waha.setSessionStatus(name, "FAILED");
  const commands = recordCommands(world);
  expect(await world.callAndTell()).toBe(200);
  expect(world.told()).toEqual(["session standing"]);
  expect(world.alerts()[0]?.alerts).toHaveLength(MANY);
  const updates = commands.filter(({ name, collection }) => name === "update" && collection === "scheduler");
  // One records the pass; one claims the notification, and one remembers that it was taken.
  expect(updates).toHaveLength(3);
});
