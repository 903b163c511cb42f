import fc from "fast-check";
import { type Document, ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import type { Mapping } from "../../lib/documents/mapping.ts";
import { ago, type World } from "../support/world.ts";
import { APP_NAMES, APPS, type App, mappedFieldsOnTheWay } from "./apps.ts";
import { insertRaw } from "./raw-bson.ts";
import { holds } from "./seeds.ts";
import { anyValue, BSON_TYPES, withFields } from "./values.ts";

const PARTS = ["campaigns", "groups", "sessions"] as const;
type Part = (typeof PARTS)[number];

const OF_DELIVERY = ["open", "rev", "checkedAt", "settledAt", "counts"];

/** The fields of the documents on the way from a message to its chat and session. */
function fieldsOf({ names }: App): Record<Part, string[]> {
  const { campaigns, groups, sessions } = mappedFieldsOnTheWay(names);
  const own = ["completedAt", "delivery", ...OF_DELIVERY.map((field) => `delivery.${field}`)];
  return {
    campaigns: ["_id", ...campaigns, ...own],
    groups: groups.length > 0 ? ["_id", ...groups] : [],
    sessions: ["_id", ...sessions],
  };
}

/** A campaign, group or session that is odd in some fields. */
interface Odd {
  part: Part;
  fields: Record<string, unknown>;
}

function oddIn(part: Part, fields: string[]): fc.Arbitrary<Odd> {
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...fields), anyValue), {
      minLength: 1,
      maxLength: 3,
      selector: ([field]) => field,
    })
    .map((entries) => ({ part, fields: Object.fromEntries(entries) }));
}

/** The documents of a message's way, and the message. */
type Way = Record<Part, Document> & { message: Document };

let ways = 0;

/** A way on which all is as it should be. */
function goodWay({ message, names }: App): Way {
  ways += 1;
  const [sessions, groups, campaigns] = [new ObjectId(), new ObjectId(), new ObjectId()];
  const chatId = `1203630${String(ways).padStart(11, "0")}@g.us`;
  const { campaignId, sessionId } = names.messages;
  const { completed, deleted, groupId, name, status } = names.campaigns;
  return {
    sessions: { _id: sessions, ...known([[names.sessions.name, "default"]]) },
    groups: { _id: groups, ...known([[names.groups?.chatId ?? null, chatId]]) },
    campaigns: {
      _id: campaigns,
      ...known([
        [names.campaigns.sessionId, sessions],
        [groupId, groups],
        [name, "Spring"],
        [status, "new"],
        [completed, false],
        [deleted, false],
      ]),
      delivery: { open: true, rev: 3, checkedAt: ago(90) },
    },
    message: message(
      known([
        [campaignId, campaigns],
        [sessionId, null],
      ]),
    ),
  };
}

/** The fields that the app has. */
function known(fields: [name: string | null, value: unknown][]): Document {
  return Object.fromEntries(fields.filter(([name]) => name !== null));
}

/** Where another document names one of these. */
function referencesOf({
  campaigns,
  messages,
}: Mapping): Record<Part, [from: keyof Way, field: string | null]> {
  return {
    campaigns: ["message", messages.campaignId],
    groups: ["campaigns", campaigns.groupId],
    sessions: ["campaigns", campaigns.sessionId],
  };
}

/** Lets passes work on odd campaigns, groups and sessions, each with a message, and on good ones. */
async function survives(app: App, world: World, odd: Odd[]): Promise<void> {
  const { names } = app;
  const { content } = names.messages;
  await world.database.drop();
  const seen = world.waha.ledger.length;
  const good = goodWay(app);
  const references = referencesOf(names);
  const all = odd.map(({ fields, part }, n) => {
    const way = goodWay(app);
    const text = { [content]: `odd ${n}`, scheduledAt: ago(n % 2 ? 60 : 300) };
    const [from, field] = references[part];
    const naming = "_id" in fields && field !== null ? { [field]: fields._id } : {};
    const changes = { [part]: fields, [from]: naming };
    const documents = (of: keyof Way) =>
      withFields({ ...way[of], ...(of === "message" ? text : {}) }, changes[of] ?? {});
    return { documents, fields, part, text: text[content] };
  });
  for (const name of PARTS) {
    const collection = names[name]?.collection;
    if (collection === undefined) continue;
    const odd = all.map(({ documents }) => documents(name));
    await insertRaw(world.database.url, collection, [withFields(good[name], {}), ...odd]);
  }
  const messages = all.map(({ documents }) => documents("message"));
  await insertRaw(world.database.url, names.messages.collection, [withFields(good.message, {}), ...messages]);
  for (let pass = 0; pass < 3; pass += 1) {
    const response = await world.call();
    expect(`${response.status} ${response.ok || (await response.text())}`).toBe("200 true");
  }
  const texts = world.waha.ledger.slice(seen).map((entry) => entry.text);
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts).toContain(good.message[content]);
  const { completed, completedWord, deleted, hold, name, status } = names.campaigns;
  expect(await world.campaigns.findOne({ _id: good.campaigns._id })).toMatchObject({
    [status]: completedWord,
    ...(completed === null ? {} : { [completed]: true }),
    delivery: { open: false, counts: { total: 1, sent: 1 } },
  });
  const isHeld = ({ [status]: word, [deleted ?? ""]: flag }: Record<string, unknown>) =>
    hold.some((held) => held === word) || flag === true;
  const held = all.filter(({ fields, part }) => part === "campaigns" && isHeld(fields));
  for (const { text } of held) expect(texts).not.toContain(text);
  const aside = [name, completed, "completedAt"];
  const isAside = ({ fields, part }: Odd) =>
    part === "campaigns" && Object.keys(fields).every((each) => aside.includes(each));
  const due = all.filter((each, n) => n % 2 === 1 && isAside(each));
  for (const { text } of due) expect(texts).toContain(text);
}

describe.each(APP_NAMES)("campaigns, groups and sessions of %s", (name) => {
  const app = APPS[name];
  const fields = fieldsOf(app);
  const isOwn = (field: string) => name !== "plain" && /^(completedAt|delivery)/.test(field);
  // What every app has is tried with the first one.
  const each = PARTS.flatMap((part) =>
    fields[part].filter((field) => !isOwn(field)).map((field) => [part, field] as const),
  );

  test.each(each)(
    "anything at all in %s for %s stops no other message and no other campaign",
    async (part, field) => {
      const world = await app.world();
      const samples = Object.values(BSON_TYPES).flatMap((type, n) =>
        fc.sample(type, { numRuns: 3, seed: n }),
      );
      const words = [...app.names.campaigns.hold, app.names.campaigns.completedWord, true, true];
      await survives(
        app,
        world,
        [...samples, ...words].map((value) => ({ part, fields: { [field]: value } })),
      );
    },
  );

  test("that are odd in several ways at once stop no other", async () => {
    const world = await app.world();
    const odd = fc.oneof(
      ...PARTS.filter((part) => fields[part].length > 0).map((part) => oddIn(part, fields[part])),
    );
    await holds(fc.array(odd, { minLength: 30, maxLength: 60 }), 5, (all) => survives(app, world, all));
  }, 120_000);
});
