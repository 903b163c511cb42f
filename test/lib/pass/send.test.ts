import { expect, test } from "vitest";
import { createWorld } from "../../support/world.ts";

test("sends what is due, once", async () => {
  const world = await createWorld();
  const [first, second] = await world.insert({ content: "one" }, { content: "two" });
  const summary = await world.pass();
  console.log(JSON.stringify(summary, null, 1), JSON.stringify(await world.find(first)));
  expect(summary).toMatchObject({ ok: true, claimed: 2, sent: 2, more: false, errors: [] });
  expect(world.waha.ledger.map((entry) => entry.text)).toEqual(["one", "two"]);
  expect(await world.find(second)).toMatchObject({
    isSent: true,
    isPicked: true,
    delivery: { state: "sent", attempts: 1 },
  });
  await world.pass();
  expect(world.waha.ledger).toHaveLength(2);
});
