import { describe, expect, test } from "vitest";
import { MAPPINGS, type MappingName } from "../../lib/documents/mapping.ts";
import { parseMapping } from "../../lib/documents/parse.ts";

const NAMES = Object.keys(MAPPINGS) as MappingName[];

/** What a value of DOCUMENTS comes to. */
function accepted(value: string) {
  const read = parseMapping(value);
  if ("problems" in read) throw new Error(read.problems.join("; "));
  return read.mapping;
}

function problemsOf(value: string | object): string[] {
  const read = parseMapping(typeof value === "string" ? value : JSON.stringify(value));
  return "problems" in read ? read.problems : [];
}

/** Unlike anything that a problem may say by itself. */
const SECRET = "hunter2";

describe("a mapping that ships", () => {
  test.each(NAMES)("%s is taken by its name", (name) => {
    expect(accepted(name)).toEqual(MAPPINGS[name]);
  });

  test.each(NAMES)("%s is taken as JSON that changes nothing of it", (name) => {
    expect(accepted(JSON.stringify({ extends: name }))).toEqual(MAPPINGS[name]);
  });

  test.each(NAMES)("%s is taken as JSON that says all of it", (name) => {
    expect(accepted(JSON.stringify(MAPPINGS[name]))).toEqual(MAPPINGS[name]);
  });
});

describe("JSON changes some names of a mapping", () => {
  test("of plain, where it names none", () => {
    const { messages, ...rest } = MAPPINGS.plain;
    expect(accepted('{"messages": {"collection": "Message", "campaignId": "MessageCampaignId"}}')).toEqual({
      ...rest,
      messages: { ...messages, collection: "Message", campaignId: "MessageCampaignId" },
    });
  });

  test.each(NAMES)("of %s, key by key", (name) => {
    const changed = accepted(
      JSON.stringify({
        extends: name,
        messages: { content: "body" },
        campaigns: { hold: ["PAUSED"], sending: null },
        sessions: { name: "wahaName" },
      }),
    );
    const { messages, campaigns, sessions, groups } = MAPPINGS[name];
    expect(changed).toEqual({
      groups,
      messages: { ...messages, content: "body" },
      campaigns: { ...campaigns, hold: ["PAUSED"], sending: null },
      sessions: { ...sessions, name: "wahaName" },
    });
  });

  test("with blanks and line breaks in it", () => {
    expect(accepted('\n { "sessions" :\n { "collection": "Session" } } ').sessions.collection).toBe(
      "Session",
    );
  });

  test("and may put chats on campaigns or their groups", () => {
    expect(accepted('{"messages": {"chatId": null}, "campaigns": {"chatId": "chat"}}').campaigns.chatId).toBe(
      "chat",
    );
    const groups = { collection: "groups", chatId: "jid" };
    expect(accepted(JSON.stringify({ groups, campaigns: { groupId: "groupId" } })).groups).toEqual(groups);
  });

  test("and may give rules for media, or take them away", () => {
    const rules = [
      { kind: "image", url: "photo", when: "hasFile" },
      { kind: "file", url: "pdf", when: "hasFile", mimetype: "application/pdf", filename: "a.pdf" },
      { kind: "voice", url: "audio", convert: true, filename: "a".repeat(255) },
      { kind: "video", url: "clip", convert: false },
    ];
    expect(accepted(JSON.stringify({ messages: { media: rules } })).messages.media).toEqual(rules);
    expect(
      accepted('{"extends": "whatsapp-waha-dashboard", "messages": {"media": "media"}}').messages.media,
    ).toBe("media");
    expect(accepted('{"messages": {"media": []}}').messages.media).toEqual([]);
  });

  test("also to what holds words of JavaScript", () => {
    expect(
      accepted('{"messages": {"content": "constructor", "chatId": "__proto__"}}').messages,
    ).toMatchObject({ content: "constructor", chatId: "__proto__" });
  });
});

describe("what is no mapping is refused, and its value is not quoted:", () => {
  test.each([
    ["a name that does not ship", `${SECRET}-dashboard`, /^must be "plain" or "whatsapp-waha-dashboard"/],
    ["a name in upper case", "PLAIN", /^must be "plain"/],
    ["a word of JavaScript", "constructor", /^must be "plain"/],
    ["a list", `["${SECRET}"]`, /or a JSON object$/],
    ["a text in JSON", `"${SECRET}"`, /^begins with a quote/],
    ["JSON that is cut off", `{"messages": {"collection": "${SECRET}"`, /^is not JSON as it arrives/],
    ["JSON with a comment", `{"messages": {} /* ${SECRET} */}`, /^is not JSON as it arrives/],
    ["an unknown mapping to extend", `{"extends": "${SECRET}"}`, /^extends must be "plain" or/],
    ["a mapping to extend that is no text", `{"extends": ["plain"]}`, /^extends must be "plain" or/],
  ])("%s", (_what, value, words) => {
    const problems = problemsOf(value);
    expect(problems).toEqual([expect.stringMatching(words)]);
    expect(problems.join()).not.toContain(SECRET);
  });
});

describe("a wrong key is named, and no value is quoted:", () => {
  const RULE = { kind: "image", url: "photo" };
  const WRONG: [what: string, changes: object, problem: string | RegExp][] = [
    ["an unknown part", { message: {} }, "has no key message"],
    ["an unknown key", { messages: { chat: SECRET } }, "has no key messages.chat"],
    [
      "several unknown keys",
      { campaigns: { words: SECRET, "a.b": 1 } },
      "has no key campaigns.words, campaigns.a.b",
    ],
    [
      "an unknown key of a rule",
      { messages: { media: [RULE, { ...RULE, url: "x", caption: SECRET }] } },
      "has no key messages.media.1.caption",
    ],
    ["the prototype", JSON.parse('{"messages": {"__proto__": {"a": 1}}}'), "has no key messages.__proto__"],
    ["a part that is a text", { messages: SECRET }, "messages must be an object"],
    ["a part that is a list", { sessions: [SECRET] }, "sessions must be an object"],
    ["a part that is null", { campaigns: null }, "campaigns must be an object"],
    ["a field that is a number", { messages: { content: 7 } }, "messages.content must be a text"],
    ["a field that can't be null", { messages: { content: null } }, "messages.content must be a text"],
    ["a group without its chat", { groups: { collection: "g" } }, "groups.chatId is missing"],
    [
      "an empty field",
      { sessions: { name: "" } },
      "sessions.name must be a field's name, without dots and dollar signs",
    ],
    [
      "a field with a dot",
      { messages: { content: `${SECRET}.text` } },
      "messages.content must be a field's name, without dots and dollar signs",
    ],
    [
      "a field with a dollar sign",
      { campaigns: { status: `$${SECRET}` } },
      "campaigns.status must be a field's name, without dots and dollar signs",
    ],
    [
      "a field with a null character",
      { campaigns: { name: "a\0b" } },
      "campaigns.name must be a field's name, without dots and dollar signs",
    ],
    [
      "a field that is too long",
      { messages: { chatId: SECRET.repeat(20) } },
      "messages.chatId must have at most 120 characters",
    ],
    [
      "an empty collection",
      { messages: { collection: "" } },
      "messages.collection must be a collection's name",
    ],
    [
      "a collection of the system's",
      { messages: { collection: "system.users" } },
      "messages.collection must be a collection's name",
    ],
    [
      "a collection with a dollar sign",
      { campaigns: { collection: `$${SECRET}` } },
      "campaigns.collection must be a collection's name",
    ],
    ["a hold word that is no list", { campaigns: { hold: SECRET } }, "campaigns.hold must be a list"],
    ["an empty hold word", { campaigns: { hold: [SECRET, ""] } }, "campaigns.hold.1 must not be empty"],
    ["a hold word that is a number", { campaigns: { hold: [7] } }, "campaigns.hold.0 must be a text"],
    ["an empty word", { campaigns: { sending: "" } }, /^campaigns.sending must not be empty: null means/],
    [
      "media that is a number",
      { messages: { media: 7 } },
      "messages.media must be a field's name or a list of rules",
    ],
    [
      "media with a dot",
      { messages: { media: `${SECRET}.url` } },
      "messages.media must be a field's name, without dots and dollar signs",
    ],
    [
      "a kind of media that is none",
      { messages: { media: [{ ...RULE, kind: SECRET }] } },
      "messages.media.0.kind must be one of image, video, voice, file",
    ],
    [
      "a rule without an address",
      { messages: { media: [{ kind: "file" }] } },
      "messages.media.0.url is missing",
    ],
    [
      "a rule with a wrong flag",
      { messages: { media: [{ ...RULE, convert: SECRET }] } },
      "messages.media.0.convert must be true or false",
    ],
    ...["mimetype", "filename"].map((part): [string, object, string] => [
      `a rule with a ${part} that no message may have`,
      { messages: { media: [{ ...RULE, [part]: SECRET.padEnd(256, "a") }] } },
      `messages.media.0.${part} must have at most 255 characters`,
    ]),
    ...["image", "file"].flatMap((kind) =>
      [true, false].map((convert): [string, object, string] => [
        `a rule with convert ${convert} for a kind that WAHA does not convert: ${kind}`,
        { messages: { media: [{ ...RULE, kind, convert }] } },
        "messages.media.0.convert is for video and voice alone",
      ]),
    ),
    [
      "a rule that depends on a fixed field",
      { messages: { media: [{ ...RULE, when: "isSent" }] } },
      "messages.media.0.when must not be a field that the scheduler itself uses",
    ],
    [
      "too many rules",
      { messages: { media: Array.from({ length: 11 }, (_, n) => ({ ...RULE, url: `photo${n}` })) } },
      /^messages.media must/,
    ],
  ];

  test.each(WRONG)("%s", (_what, changes, problem) => {
    const problems = problemsOf(changes);
    expect(problems).toEqual([typeof problem === "string" ? problem : expect.stringMatching(problem)]);
    expect(problems.join()).not.toContain(SECRET);
  });

  const OWN = "must not be a field that the scheduler itself uses";

  test.each(["_id", "delivery", "isSent", "isDeleted", "isPicked", "scheduledAt", "sentAt"])(
    "%s, which the scheduler itself uses on messages",
    (field) => {
      for (const key of ["campaignId", "sessionId", "chatId", "content", "failed", "failedReason"])
        expect(problemsOf({ messages: { [key]: field } })).toEqual([`messages.${key} ${OWN}`]);
    },
  );

  test.each(["_id", "delivery", "completedAt"])(
    "%s, which the scheduler itself uses on campaigns",
    (field) => {
      for (const key of ["sessionId", "chatId", "name", "status", "completed", "deleted"])
        expect(problemsOf({ campaigns: { [key]: field } })).toEqual([`campaigns.${key} ${OWN}`]);
    },
  );

  test("but a flag of messages may have another meaning on campaigns", () => {
    expect(problemsOf({ campaigns: { deleted: "isDeleted", completed: "isSent" } })).toEqual([]);
  });

  test("each of several", () => {
    const changes = { messages: { content: "a.b", chatId: 7 }, sessions: { name: "" }, pages: {} };
    expect(problemsOf(changes)).toEqual([
      "messages.chatId must be a text",
      "messages.content must be a field's name, without dots and dollar signs",
      "sessions.name must be a field's name, without dots and dollar signs",
      "has no key pages",
    ]);
  });
});

describe("names that can't go together are refused by the key that comes later:", () => {
  test.each<[what: string, changes: object, problem: string]>([
    [
      "two fields of a message",
      { messages: { content: SECRET, failedReason: SECRET } },
      "messages.failedReason is the same field as messages.content",
    ],
    [
      "a field of a message and its default",
      { messages: { campaignId: "chatId" } },
      "messages.chatId is the same field as messages.campaignId",
    ],
    [
      "the media and the text",
      { messages: { media: "content" } },
      "messages.media is the same field as messages.content",
    ],
    [
      "the address of a file and the text",
      { messages: { media: [{ kind: "image", url: "content" }] } },
      "messages.media.0.url is the same field as messages.content",
    ],
    [
      "the addresses of two files",
      { messages: { media: ["image", "video"].map((kind) => ({ kind, url: SECRET })) } },
      "messages.media.1.url is the same field as messages.media.0.url",
    ],
    [
      "what a file depends on and what the scheduler writes",
      { messages: { failed: SECRET, media: [{ kind: "image", url: "photo", when: SECRET }] } },
      "messages.media.0.when is the same field as messages.failed",
    ],
    [
      "two fields of a campaign",
      { campaigns: { completed: SECRET, deleted: SECRET } },
      "campaigns.deleted is the same field as campaigns.completed",
    ],
    [
      "two collections",
      { messages: { collection: SECRET }, sessions: { collection: SECRET } },
      "sessions.collection is the collection of messages.collection",
    ],
    [
      "a group's field without groups",
      { campaigns: { groupId: "g" } },
      "groups must be given, as campaigns.groupId is",
    ],
    [
      "no chat anywhere",
      { messages: { chatId: null } },
      "messages.chatId must be given, as neither campaigns.chatId nor campaigns.groupId is",
    ],
    [
      "chats on campaigns that messages don't name",
      { messages: { chatId: null, campaignId: null }, campaigns: { chatId: "chat" } },
      "messages.campaignId must be given, as messages.chatId is not",
    ],
    ...(["sending", "completedWord", "failedWord"] as const).map((key): [string, object, string] => [
      `the word that is written as campaigns.${key} and one of those on hold`,
      { campaigns: { hold: ["paused", SECRET], [key]: SECRET } },
      `campaigns.${key} is one of campaigns.hold: the scheduler would put its own campaigns on hold`,
    ]),
  ])("%s", (_what, changes, problem) => {
    const problems = problemsOf(changes);
    expect(problems).toEqual([problem]);
    expect(problems.join()).not.toContain(SECRET);
  });

  test("but a field of a message may be named as one of a campaign, and two rules may depend on one flag", () => {
    const media = ["image", "video"].map((kind) => ({ kind, url: `${kind}Url`, when: "hasFile" }));
    expect(problemsOf({ messages: { content: "name", media } })).toEqual([]);
  });
});
