import { expect, test } from "vitest";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { ago, createWorld, message } from "../support/world.ts";

/** One request of the database has 16 MB. */
const LONG = 500;
const MANY = 35_000;

test.each(["campaignId", "sessionId"])(
  "more different %s than one request can hold keep nothing else from being sent",
  { timeout: 180_000 },
  async (field) => {
    const world = await createWorld({}, { LOOKBACK_SECONDS: "3600" });
    await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
    const lost = Array.from({ length: MANY }, (_, n) =>
      message({ [field]: String(n).padStart(LONG, "x"), scheduledAt: ago(60) }),
    );
    await world.messages.insertMany(lost);
    await world.insert(...Array.from({ length: 20 }, () => ({ content: "good" })));

    const stop = new AbortController();
    const passing = world.pass({ stop: stop.signal });
    await world.waha.accepted(20);
    // The rest of the pass says on each why it waits, which takes its time.
    stop.abort();
    expect(await passing).toMatchObject({ sent: 20, ok: false, errors: [{ count: MANY }] });
    expect(await world.messages.countDocuments({ "delivery.state": "sent" })).toBe(20);
  },
);
