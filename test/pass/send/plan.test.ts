import { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import type { Delivery, MessageDocument } from "../../../lib/messages/message.ts";
import type { ClaimedMessage } from "../../../lib/messages/transitions.ts";
import { idKey } from "../../../lib/mongo/ids.ts";
import {
  assign,
  leftOver,
  planClaims,
  type SessionBacklog,
  startableSoon,
  type WorkerStatus,
} from "../../../lib/pass/send/plan.ts";
import { ago } from "../../support/world.ts";

const IDLE: WorkerStatus = { active: false, queued: 0, target: 3, served: 0 };

/** A session with `count` messages due, the oldest `age` seconds ago. */
function backlog(name: string, count: number, age = 60): SessionBacklog {
  const next = Array.from({ length: count }, (_, n) => ({
    _id: new ObjectId(),
    scheduledAt: ago(age - n),
    isDeferred: false,
  }));
  return { session: { name, status: "WORKING" }, count, groups: [], next };
}

/** How many of which session a plan claims. */
function planned(
  backlogs: SessionBacklog[],
  statuses: Record<string, WorkerStatus>,
  freePlaces: number,
): Record<string, number> {
  const plan = planClaims(backlogs, (session) => statuses[session] ?? IDLE, freePlaces);
  return Object.fromEntries([...plan].map(([session, messages]) => [session, messages.length]));
}

const active = (queued: number): WorkerStatus => ({ ...IDLE, active: true, queued });

const PLANS: [
  name: string,
  backlogs: SessionBacklog[],
  statuses: Record<string, WorkerStatus>,
  places: number,
  plan: object,
][] = [
  ["each gets what it can soon send", [backlog("a", 9), backlog("b", 2)], {}, 20, { a: 3, b: 2 }],
  [
    "no more sessions begin than there are places: the oldest first",
    [backlog("a", 1, 10), backlog("b", 1, 99)],
    {},
    1,
    { b: 1 },
  ],
  [
    "what was served less often comes first",
    [backlog("a", 1, 99), backlog("b", 1, 10)],
    { a: { ...IDLE, served: 1 } },
    1,
    { b: 1 },
  ],
  ["a session that sends is topped up", [backlog("a", 9)], { a: active(1) }, 19, { a: 2 }],
  ["a session with enough gets nothing", [backlog("a", 9)], { a: active(3) }, 19, {}],
  [
    "who sends gets nothing while others wait for a place",
    [backlog("a", 9), backlog("b", 1)],
    { a: active(0) },
    0,
    {},
  ],
];

test.each(PLANS)("%s", (_name, backlogs, statuses, places, plan) => {
  expect(planned(backlogs, statuses, places)).toEqual(plan);
});

test("what a plan leaves is told by session", () => {
  const backlogs = [backlog("a", 9), backlog("b", 2)];
  expect(
    leftOver(
      backlogs,
      planClaims(backlogs, () => IDLE, 20),
    ),
  ).toEqual(["a"]);
});

test("no more is claimed than can soon start: by the gap, what a message takes, and how long the pause still lasts", () => {
  const soon = (gap: number, jitter: number, msPerMessage: number, waitMs = 0) =>
    startableSoon({ SEND_GAP_MS: gap, SEND_GAP_JITTER_MS: jitter } as never, {
      waitMs,
      withinMs: 5_000,
      msPerMessage,
    });
  expect([soon(0, 0, 100), soon(0, 0, 1), soon(0, 0, 500)]).toEqual([50, 200, 10]);
  expect([soon(900, 0, 100), soon(400, 1000, 100), soon(60_000, 0, 100)]).toEqual([5, 5, 1]);
  expect([soon(900, 0, 100, 4_999), soon(900, 0, 100, 5_000), soon(0, 0, 100, 60_000)]).toEqual([1, 0, 0]);
});

/** A claimed message as it reads when its `fields` were changed since its session was found. */
function claimed(due: SessionBacklog["next"][number], fields: Partial<MessageDocument> = {}): ClaimedMessage {
  return {
    ...due,
    isSent: false,
    isDeleted: false,
    isPicked: true,
    ...fields,
    delivery: { passId: "A", claimedAt: ago(1), claimExpiresAt: ago(-9) } as ClaimedMessage["delivery"] &
      Delivery,
  };
}

test("what was claimed goes to the session it was planned for, in the plan's order", () => {
  const [a, b] = [backlog("a", 2), backlog("b", 1)];
  const plan = planClaims([a, b], () => IDLE, 20);
  const messages = [...b.next, ...a.next.toReversed()].map((due) => claimed(due));
  const { bySession, moved } = assign(plan, messages);
  expect(bySession.get("a")?.map((message) => message._id)).toEqual(a.next.map((due) => due._id));
  expect(bySession.get("b")).toHaveLength(1);
  expect(moved).toEqual([]);
});

test("a message that was given another session or campaign since is not sent on the old one", () => {
  const sessionId = new ObjectId();
  const a = backlog("a", 3);
  a.next = a.next.map((due) => ({ ...due, sessionId, campaignId: null }));
  const [same, other, joined] = a.next as [
    SessionBacklog["next"][number],
    SessionBacklog["next"][number],
    SessionBacklog["next"][number],
  ];
  const { bySession, moved } = assign(
    planClaims([a], () => IDLE, 20),
    [
      claimed(same, { sessionId: sessionId.toHexString() }),
      claimed(other, { sessionId: new ObjectId() }),
      claimed(joined, { campaignId: "new" }),
    ],
  );
  expect(bySession.get("a")?.map((message) => message._id)).toEqual([same._id]);
  expect(moved.map((message) => message._id)).toEqual([other._id, joined._id]);
});

test("a message whose campaign says something else than when its session was found is not sent", () => {
  const a = backlog("a", 3);
  const campaign = { isHeld: false, session: idKey("s"), chat: { chatId: "1@g.us" } };
  a.next = a.next.map((due) => ({ ...due, campaignId: "c", sessionId: null, campaign }));
  const messages = a.next.map((due) => claimed(due, { campaignId: "c" }));
  const plan = planClaims([a], () => IDLE, 20);
  const now = (changes: object) =>
    assign(plan, messages, new Map([[idKey("c"), { ...campaign, ...changes }]]));
  const same = now({}).bySession.get("a");
  expect(same?.map(({ campaignChat }) => campaignChat)).toEqual(["1@g.us", "1@g.us", "1@g.us"]);
  for (const change of [{ chat: { chatId: "2@g.us" } }, { isHeld: true }, { session: idKey("t") }])
    expect(now(change).moved).toHaveLength(3);
  expect(assign(plan, messages, new Map()).moved).toHaveLength(3);
});
