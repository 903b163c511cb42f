import { type Document, ObjectId } from "mongodb";
import { checkRound, type Finding } from "../../dev/chaos/check/index.ts";
import type {
  ChaosCampaign,
  ChaosMessage,
  History,
  Interruption,
  Post,
  RoundRecord,
} from "../../dev/chaos/record.ts";
import type { LedgerEntry, WebhookEntry } from "../../dev/waha-simulator/ledger.ts";
import { documentKey } from "../../lib/mongo/ids.ts";

const BEGAN = Date.UTC(2026, 0, 2, 12);

export const LOOKBACK_MS = 20_000;

/** The moment so many milliseconds after the story began. */
export const ms = (after: number) => BEGAN + after;
export const date = (after: number) => new Date(ms(after));

/** A reason as the scheduler writes it. */
export const because = (code: string, at: number) => ({ code, message: `${code}, in words`, at: date(at) });

/** What a document becomes: fields by their paths, undefined for those that go. */
type Changes = Record<string, unknown>;

/** Which process writes, the passes that ran in it, and whether it is about an attempt that it looked up. */
interface By {
  instance?: string;
  passIds?: string[];
  isLookupResult?: boolean;
}

/** What is seen of a write: it is sent, and answered, 2 ms before and after what the database does. */
function seen(at: number, { instance = "one", passIds = ["pass"] }: By) {
  return { instance, passIds, sentAt: ms(at - 2), repliedAt: ms(at + 2) };
}

/** Tells the record of a round step by step; every `at` is in milliseconds since the story began. */
export class Story {
  readonly record: RoundRecord = {
    seed: "story",
    round: 0,
    messages: new Map(),
    campaigns: new Map(),
    groups: new Map(),
    leases: new Map(),
    ledger: [],
    events: [],
    posts: [],
    writes: [],
    bulkReleases: [],
    rescues: [],
    strikes: [],
    looks: [],
    claims: [],
    passes: new Map([
      ["pass", "one"],
      ["other", "two"],
    ]),
    calls: [],
    interruptions: [],
    disturbances: [],
    outages: [],
    stalls: [],
    endedLeases: [],
    calmFrom: ms(1_000_000),
    strayRequests: [],
    answers: 2,
    oddAnswers: [],
    settings: {
      documents: "plain",
      lookbackSeconds: LOOKBACK_MS / 1000,
      statusHold: ["paused"],
      passSeconds: 60,
      tailSeconds: 10,
      sessionConcurrency: 20,
      failover: false,
    },
    sessions: new Map(),
    lookupSessions: new Set(["account"]),
    engines: new Map([["account", "GOWS"]]),
  };
  readonly #ids = new Map<string, ObjectId>();

  id(label: string): ObjectId {
    const known = this.#ids.get(label) ?? new ObjectId();
    this.#ids.set(label, known);
    return known;
  }

  key(label: string): string {
    return documentKey(this.id(label));
  }

  history(label: string): History<Document> {
    const { messages, campaigns, groups } = this.record;
    const key = this.key(label);
    return (messages.get(key) ?? campaigns.get(key) ?? groups.get(key) ?? []) as History<Document>;
  }

  now(label: string): Document {
    return this.history(label).at(-1)?.document as Document;
  }

  /** The app writes a message that is due at 0, to a chat of its own; its number is its label's. */
  message(label: string, fields: Changes = {}, at = 0): this {
    const number = Number(label.replace(/\D/g, ""));
    const document = {
      _id: this.id(label),
      label,
      role: "due",
      appRev: 0,
      agedBy: 0,
      sessionId: "account",
      chatId: `4915000000${number}@c.us`,
      content: `${label} v0`,
      scheduledAt: date(0),
      isSent: false,
      isDeleted: false,
      isPicked: false,
    };
    this.record.messages.set(this.key(label), [
      { at: ms(at), document: changed(document, fields) as unknown as ChaosMessage },
    ]);
    return this;
  }

  campaign(label: string, fields: Changes = {}, at = 0): this {
    const document = { _id: this.id(label), label, role: "campaign", appRev: 0, agedBy: 0 };
    this.record.campaigns.set(this.key(label), [
      { at: ms(at), document: changed(document, fields) as unknown as ChaosCampaign },
    ]);
    return this;
  }

  /** From here on the app is one that keeps chats on groups, and shows how messages end. */
  byDashboard(): this {
    this.record.settings.documents = "whatsapp-waha-dashboard";
    return this;
  }

  group(label: string, chatId: string, at = 0): this {
    const document = { _id: this.id(label), label, role: "group", appRev: 0, agedBy: 0, chatId };
    this.record.groups.set(this.key(label), [{ at: ms(at), document }]);
    return this;
  }

  /** The scheduler writes. */
  write(label: string, at: number, changes: Changes): this {
    this.history(label).push({ at: ms(at), document: changed(this.now(label), changes) });
    return this;
  }

  /** The app writes. */
  edit(label: string, at: number, changes: Changes): this {
    return this.write(label, at, { ...changes, appRev: this.now(label).appRev + 1 });
  }

  /** Time is made to pass; only for what a test looks at. */
  age(label: string, at: number, byMs: number): this {
    const { agedBy, scheduledAt } = this.now(label);
    return this.write(label, at, {
      agedBy: agedBy + byMs,
      ...(scheduledAt ? { scheduledAt: new Date(scheduledAt.getTime() - byMs) } : {}),
    });
  }

  lease(at: number, passId = "pass", untilAt = 9_000): this {
    const { leases } = this.record;
    const history = leases.get("account") ?? [];
    leases.set("account", history);
    const document = { _id: "session:account", passId, expiresAt: date(untilAt) };
    history.push({ at: ms(at), document });
    return this;
  }

  /** A process has the lease's session rest. */
  rest(at: number, untilAt: number | undefined, by: By = {}): this {
    const history = this.record.leases.get("account") ?? [];
    const suspendedUntil = untilAt === undefined ? undefined : date(untilAt);
    history.push({ at: ms(at), document: { ...history.at(-1)?.document, suspendedUntil } });
    this.record.strikes.push({ ...seen(at, by), session: "account", rests: untilAt !== undefined });
    return this;
  }

  claim(label: string, at: number, passId = "pass", untilAt = at + 8_000): this {
    const attempts = this.now(label).delivery?.attempts ?? 0;
    const delivery = {
      state: "claimed",
      passId,
      claimedAt: date(at),
      claimExpiresAt: date(untilAt),
      attempts,
    };
    return this.write(label, at, { isPicked: true, delivery });
  }

  /** The request by which a pass claims these messages is seen; its own clock gives the claim's time. */
  asks(labels: string[], at: number, { passId = "pass", instance = "one", claimedAt = at } = {}): this {
    const messages = labels.map((label) => this.key(label));
    const request = { instance, passId, claimedAt: date(claimedAt), messages, arrivedAt: ms(at) };
    this.record.claims.push(request);
    return this;
  }

  /** A pass looks for what is due. */
  look(at: number, by: By = {}): this {
    this.record.looks.push(seen(at, by));
    return this;
  }

  /** A claim that has expired is given back by whichever pass. */
  rescue(label: string, at: number, by: By = {}): this {
    this.record.rescues.push({ ...seen(at, by), stamp: date(at) });
    return this.write(label, at, {
      isPicked: false,
      "delivery.state": "released",
      "delivery.error": because("pass_died", at),
      "delivery.claimExpiresAt": undefined,
    });
  }

  /** The function is called, and answers. */
  call(at: number, endedAt: number, instance = "one", status = 200): this {
    this.record.calls.push({ instance, at: ms(at), endedAt: ms(endedAt), status });
    return this;
  }

  interrupt(kind: Interruption["kind"], at: number, until?: number, instance = "one"): this {
    const thawed = until === undefined ? undefined : ms(until);
    this.record.interruptions.push({ instance, kind, at: ms(at), until: thawed });
    return this;
  }

  /** The intent. */
  intend(label: string, at: number, { changes = {}, ...by }: By & { changes?: Changes } = {}): this {
    this.#writes(label, at, "attempting", by);
    const { chatId, delivery } = this.now(label);
    return this.write(label, at, {
      "delivery.state": "attempting",
      "delivery.attempts": delivery.attempts + 1,
      "delivery.attemptAt": date(at),
      "delivery.session": "account",
      "delivery.chatId": chatId,
      "delivery.waMessageId": `ID-${label}`,
      "delivery.nextLookupAt": date(at + 5_000),
      "delivery.claimExpiresAt": undefined,
      ...changes,
    });
  }

  post(label: string, at: number, fields: Partial<Post> = {}): this {
    const { chatId, content, media } = this.now(label);
    this.record.posts.push({
      instance: "one",
      passIds: ["pass"],
      session: "account",
      chatId,
      kind: media?.kind ?? "text",
      text: content,
      url: media?.url,
      id: undefined,
      at: ms(at),
      endedAt: ms(at + 20),
      answer: { status: 201, body: {} },
      delivered: true,
      cutOff: false,
      ...fields,
    });
    return this;
  }

  accept(label: string, at: number, fields: Partial<LedgerEntry> = {}): this {
    const { chatId, content } = this.now(label);
    const entry: LedgerEntry = {
      seq: this.record.ledger.length + 1,
      session: "account",
      chatId,
      kind: "text",
      text: content,
      id: `ID-${label}`,
      givenId: `ID-${label}`,
      receivedAt: date(at - 5),
      acceptedAt: date(at),
      concurrent: 1,
      ack: 1,
      forgotten: false,
      ...fields,
    };
    this.record.ledger = [...this.record.ledger, entry];
    return this;
  }

  /** WAHA tells of a message with an ack, and the database takes up what it says. */
  hear(label: string, at: number, ack: number, changes: Changes, fields: Partial<WebhookEntry> = {}): this {
    const told = { event: "message.ack", session: "account", engine: "NOWEB", id: `ID-${label}` } as const;
    this.record.events = [...this.record.events, { ...told, ack, status: 200, ...fields }];
    return this.write(label, at, changes);
  }

  /** A settlement of what was `unknown` stays to be looked after, until its campaign is opened. */
  #lookedAfter(label: string, at: number): Date | undefined {
    return this.now(label).delivery?.state === "unknown" ? date(at) : undefined;
  }

  sent(label: string, at: number, by: By = {}): this {
    this.#writes(label, at, "sent", by, date(at));
    return this.write(label, at, {
      isSent: true,
      isPicked: true,
      sentAt: date(at),
      "delivery.state": "sent",
      "delivery.settledAt": date(at),
      "delivery.nextLookupAt": this.#lookedAfter(label, at),
      "delivery.error": undefined,
    });
  }

  /** A process is seen to write a message's state. */
  #writes(label: string, at: number, to: string, by: By, stamp?: Date): void {
    const { isLookupResult = false } = by;
    const write = { ...seen(at, by), message: this.key(label), to, isLookupResult, stamp };
    this.record.writes.push({ ...write, acknowledged: true });
  }

  /** It ends unsent, in whichever way, or goes back. */
  ends(label: string, at: number, state: string, code = "waha_bad_request"): this {
    return this.write(label, at, {
      isPicked: state !== "released",
      "delivery.state": state,
      "delivery.settledAt": date(at),
      "delivery.error": because(code, at),
      "delivery.claimExpiresAt": undefined,
      "delivery.nextLookupAt": this.#lookedAfter(label, at),
    });
  }

  /** The process's own write that ends it so. */
  endedBy(label: string, at: number, state: string, by: By = {}): this {
    this.#writes(label, at, state, by, date(at));
    return this.ends(label, at, state);
  }

  /** It is given back with others, by a request that names none of them. */
  releasedAmong(label: string, at: number, by: By = {}): this {
    this.record.bulkReleases.push({ ...seen(at, by), stamp: date(at) });
    return this.ends(label, at, "released");
  }

  /** A message's whole way, from its claim to `sent`, within 60 ms; the pass holds the lease. */
  send(label: string, at: number): this {
    return this.lease(at)
      .claim(label, at)
      .intend(label, at + 10)
      .post(label, at + 20)
      .accept(label, at + 30)
      .sent(label, at + 60);
  }

  touch(label: string, at: number): this {
    const rev = (this.now(label).delivery?.rev ?? 0) + 1;
    return this.write(label, at, { status: "sending", delivery: { open: true, rev } });
  }

  settle(label: string, at: number, counts: Record<string, number>, status = "completed"): this {
    const all = { total: 0, sent: 0, failed: 0, missed: 0, unknown: 0, ...counts };
    const { rev } = this.now(label).delivery;
    const delivery = { open: false, rev, settledAt: date(at), counts: all };
    return this.write(label, at, { status, completedAt: date(at), delivery });
  }

  finding(invariant: string): Finding {
    const found = [...checkRound(this.record)].find((finding) => finding.invariant === invariant);
    if (!found) throw new Error(`there is no invariant ${invariant}`);
    return found;
  }

  /** What is wrong by one invariant, as `label: words`. */
  wrong(invariant: string): string[] {
    return this.finding(invariant).violations.map(({ subject = "", what }) => `${subject}: ${what}`);
  }
}

function changed(document: Document, changes: Changes): Document {
  const copy: Document = { ...document };
  if (copy.delivery) copy.delivery = { ...copy.delivery };
  for (const [path, value] of Object.entries(changes)) {
    const isDelivery = path.startsWith("delivery.");
    if (isDelivery) copy.delivery ??= {};
    const holder = isDelivery ? copy.delivery : copy;
    const field = isDelivery ? path.slice("delivery.".length) : path;
    if (value === undefined) delete holder[field];
    else holder[field] = value;
  }
  return copy;
}
