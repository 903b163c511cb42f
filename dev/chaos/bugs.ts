import type { Invariant } from "./check/index.ts";
import type { Bug } from "./instances/plant.ts";

/** A defect, and the invariants of which at least one must be violated by it. */
export interface Planted {
  bug: Bug;
  caughtBy: Invariant[];
  /** It takes killed processes to show; without them rounds are shorter. */
  takesKills?: boolean;
  /** Of rounds in whose plans it shows soon, for a bug that takes long in others. */
  seed?: string;
}

/** Defects that schedulers have had, each in the smallest form in which this one could have it. */
export const BUGS: Planted[] = [
  {
    caughtBy: ["intent-first", "as-stored", "once"],
    bug: {
      name: "the POST is made whether or not the intent took effect",
      file: "lib/pass/send/deliver.ts",
      changes: [
        {
          find: "const written = await commit(intent(names, message, attempt));",
          replace: 'await commit(intent(names, message, attempt)); const written = "applied" as string;',
        },
      ],
    },
  },
  {
    caughtBy: ["life-cycle", "stale-writes", "once", "as-stored"],
    seed: "e",
    bug: {
      name: "the intent is guarded by the message's id alone",
      file: "lib/messages/transitions.ts",
      changes: [
        {
          find: `      ...sameClaim(message),
      "delivery.state": "claimed",
      isSent: false,
      ...asRead(names, message),
      $expr: { $gt: ["$delivery.claimExpiresAt", "$$NOW"] },
`,
          replace: "_id: message._id,",
        },
      ],
    },
  },
  {
    caughtBy: ["life-cycle", "stale-writes", "once", "as-stored"],
    seed: "j10",
    bug: {
      name: "intents that share a statement are guarded by their messages' ids alone",
      file: "lib/messages/statements.ts",
      changes: [
        {
          find: "filter: { ...others, _id: { $in: ids }, $expr: $expr ? { $and: [isAsAsked, $expr] } : isAsAsked },",
          replace:
            "filter: $expr ? { _id: { $in: ids } } : { ...others, _id: { $in: ids }, $expr: isAsAsked },",
        },
      ],
    },
  },
  {
    caughtBy: ["once"],
    bug: {
      name: "a POST without an answer is made again",
      file: "lib/pass/send/deliver.ts",
      changes: [
        { find: "const outcome = await waha.send(", replace: "const once = () => waha.send(" },
        {
          find: '  if (outcome.kind === "sent") {',
          replace: `  let outcome = await once();
  if ("code" in outcome && outcome.code === "waha_timeout") outcome = await once();
  if (outcome.kind === "sent") {`,
        },
      ],
    },
  },
  {
    caughtBy: ["once", "agrees"],
    seed: "e",
    bug: {
      name: "a 500 that quotes the message's own text is taken for a refusal",
      file: "lib/waha/outcome-table.ts",
      changes: [
        {
          find: 'const G = "^\\\\d+ [A-Z_]+: ";',
          replace: 'const G = "";',
        },
      ],
    },
  },
  {
    caughtBy: ["life-cycle", "once"],
    bug: {
      name: "messages are claimed by a read and a write that only trusts it",
      file: "lib/messages/claims.ts",
      changes: [
        {
          find: "return updateAll(db.messages, ids, filter, update);",
          replace: `return db.messages
    .find({ ...filter, _id: { $in: ids } } as never, { projection: { _id: 1 } })
    .toArray()
    .then((free) => updateAll(db.messages, free.map((message) => message._id), {}, update));`,
        },
      ],
    },
  },
  {
    caughtBy: ["isSent-true"],
    bug: {
      name: "a message is sent for the app before WAHA has answered",
      file: "lib/messages/transitions.ts",
      changes: [
        {
          find: '"delivery.attemptAt": attempt.at,',
          replace: 'isSent: true, sentAt: attempt.at, "delivery.attemptAt": attempt.at,',
        },
      ],
    },
  },
  {
    caughtBy: ["campaigns"],
    bug: {
      name: "a campaign is settled whatever happened since it was counted",
      file: "lib/campaigns.ts",
      changes: [{ find: ', "delivery.rev": rev, ...notHeld', replace: ", ...notHeld" }],
    },
  },
  {
    caughtBy: ["stale-writes"],
    bug: {
      name: "a pass gives back whatever is claimed, whichever pass holds it",
      file: "lib/messages/claims.ts",
      changes: [
        {
          find: "return updateAll(db.messages, ids, { ...filter, ...ofClaim }, update, mark);",
          replace:
            'return updateMatching(db.messages, { ...CLAIMED, "delivery.state": "claimed" }, update, mark);',
        },
      ],
    },
  },
  {
    caughtBy: ["routed"],
    bug: {
      name: "a campaign on hold is sent all the same",
      file: "lib/sessions/routing.ts",
      changes: [
        {
          find: "documents.campaigns.hold.some((word) => word === campaign.status);",
          replace: "documents.campaigns.hold.length > 99;",
        },
      ],
    },
  },
  {
    caughtBy: ["routed"],
    bug: {
      name: "a message goes out where its campaign says, whatever it says itself",
      file: "lib/sessions/routing.ts",
      changes: [
        {
          find: "isGiven(group.sessionId) ? group.sessionId : (campaignOf(group)?.sessionId ?? undefined);",
          replace: "campaignOf(group)?.sessionId ?? group.sessionId ?? undefined;",
        },
      ],
    },
  },
  {
    caughtBy: ["redirects"],
    seed: "e",
    bug: {
      name: "a redirect is followed",
      file: "lib/waha/http.ts",
      changes: [
        { find: "import { Agent,", replace: "import { Agent, interceptors," },
        {
          find: "await agent.request(",
          replace: "await agent.compose(interceptors.redirect({ maxRedirections: 5 })).request(",
        },
      ],
    },
  },
  {
    caughtBy: ["one-sender", "under-lease"],
    bug: {
      name: "a renewal that matches nothing counts as one",
      file: "lib/pass/send/held-leases.ts",
      changes: [
        {
          find: "else if (this.#held.has(lease) && !lease.isLost) this.#lose(lease);",
          replace: "else lease.renewed(sentAt);",
        },
      ],
    },
  },
  {
    caughtBy: ["under-lease"],
    bug: {
      name: "a claim lasts as long as its pass may send",
      file: "lib/pass/send/look.ts",
      changes: [
        {
          find: "return earliest(addSeconds(clock.now(), lifetimes.claimMs / 1000), sendUntil, ...covered);",
          replace: "return sendUntil;",
        },
      ],
    },
  },
  {
    caughtBy: ["rests"],
    seed: "h",
    bug: {
      name: "a session that rests is sent on all the same",
      file: "lib/sessions/leases.ts",
      changes: [{ find: ", { $not: [RESTS] }]", replace: "]" }],
    },
  },
  {
    caughtBy: ["order"],
    takesKills: true,
    seed: "b",
    bug: {
      name: "a session is taken over without what its dead pass had claimed",
      file: "lib/pass/send/look.ts",
      changes: [
        { find: "this.#rescued ?? rescue(this.#pass);", replace: "this.#rescued ?? 0;" },
        { find: "        await rescue(this.#pass);\n", replace: "" },
      ],
    },
  },
];
