import { expect, test } from "vitest";
import { createWorld } from "../support/world.ts";

test("a session that WAHA lacks is told beside the first few that it has, all as neutral text", async () => {
  const sessions = ["<!here>", "b", "c", "d", "e", "f", "g"].map((name) => ({ name }));
  const world = await createWorld({ sessions });
  const [id] = await world.insert({ sessionId: "[x]" });
  await world.pass();
  const message: string = (await world.find(id)).delivery.error.message;
  expect(/\((.*)\)$/.exec(message)?.[1]).toMatch(
    /^"［x］" is neither a document of sessions nor a session in WAHA, which has (\S+, ){4}\S+ and 2 more$/,
  );
  expect(message).not.toMatch(/[<>[\]]/);
});
