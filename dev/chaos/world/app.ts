import type { Collection, Db, Document, Filter } from "mongodb";
import type { Mapping } from "../../../lib/documents/mapping.ts";
import type { Id } from "../../../lib/mongo/ids.ts";
import type { EditKind } from "../plan/events.ts";
import type { Random } from "../random.ts";
import { chatOf, fileOf, idsOf } from "./documents.ts";
import { unlessInterrupted } from "./interrupted.ts";
import { collectionOf, fromApp, mediaKinds, type Part, toApp } from "./names.ts";

/** Numbers of chats and labels of what is added later; the world's own are below. */
const ADDED_FROM = 10_000;

/** A change of one document of the app's, and of which it may be made. */
interface Edit {
  of: Filter<Document>;
  change(document: Document): Document;
}

/** The app whose database it is: it edits its messages and campaigns at whatever moment. */
export class App {
  readonly #db: Db;
  readonly #names: Mapping;
  readonly #random: Random;
  readonly #sessionNames: string[];
  readonly #lookbackSeconds: number;
  #added = ADDED_FROM;

  constructor(db: Db, names: Mapping, random: Random, sessionNames: string[], lookbackSeconds: number) {
    this.#db = db;
    this.#names = names;
    this.#random = random;
    this.#sessionNames = sessionNames;
    this.#lookbackSeconds = lookbackSeconds;
  }

  /**
   * Makes an edit of this kind, if there is anything to make it on. One that a failover interrupts is made or not,
   * which the history tells.
   *
   * @param named only on one of the documents with these ids, or in one of these campaigns
   */
  async edit(kind: EditKind, named?: Id[]): Promise<void> {
    await unlessInterrupted(this.#edit(kind, named));
  }

  async #edit(kind: EditKind, named?: Id[]): Promise<void> {
    const among: Filter<Document> = named ? { _id: { $in: named as never[] } } : {};
    if (kind === "add-message") return this.#addMessage(among);
    if (kind === "pause" || kind === "resume")
      return this.#setStatus(kind === "pause" ? "paused" : "scheduled");
    if (kind === "write-back") return this.#writeBack(among);
    if (kind === "new-chat" && this.#names.groups) return this.#moveGroup();
    const { of, change } = this.#edits()[kind];
    const message = await this.#pick("messages", { ...of, ...among });
    if (message) await this.#write("messages", message, change(message));
  }

  /** Another chat for a whole group, of which all messages of its campaign are. */
  async #moveGroup(): Promise<void> {
    const group = await this.#pick("groups", {});
    if (group) await this.#write("groups", group, { chatId: this.#newChat() });
  }

  #edits(): Record<Exclude<EditKind, "add-message" | "pause" | "resume" | "write-back">, Edit> {
    const unsent = { isSent: false, scheduledAt: { $type: "date" } };
    const state = (...states: string[]) => ({ "delivery.state": { $in: states } });
    const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);
    return {
      delete: { of: { isDeleted: false }, change: () => ({ isDeleted: true }) },
      "move-later": { of: unsent, change: () => ({ scheduledAt: inSeconds(this.#random.int(2, 60)) }) },
      "move-into-past": {
        of: { ...unsent, isPicked: false },
        change: () => ({ scheduledAt: inSeconds(-this.#lookbackSeconds - 2) }),
      },
      "new-text": {
        of: toApp("messages", { content: { $type: "string" } }, this.#names),
        change: ({ label, appRev }) => ({ content: `${label} v${appRev + 1}` }),
      },
      "new-file": {
        // One that its text tells from the others.
        of: { ...unsent, ...toApp("messages", { content: / v\d/ }, this.#names) },
        change: ({ label, appRev }) => ({ media: this.#newFile(`${label}v${appRev + 1}`) }),
      },
      "new-chat": { of: unsent, change: () => ({ chatId: this.#newChat() }) },
      "new-session": { of: unsent, change: () => ({ sessionId: this.#random.pick(this.#sessionNames) }) },
      "reset-flags": {
        of: state("sent", "attempting", "unknown"),
        change: () => (this.#random.chance(0.5) ? { isPicked: false, isSent: false } : { isPicked: false }),
      },
      "ask-again": {
        of: { ...state("failed", "missed"), isDeleted: false },
        change: () => ({ isPicked: false, scheduledAt: inSeconds(0) }),
      },
    };
  }

  /** Many in a campaign of their own, which then ends soon. */
  async #addMessage(among: Filter<Document>): Promise<void> {
    const isAnywhere = Object.keys(among).length === 0;
    const campaign =
      isAnywhere && this.#random.chance(0.4)
        ? await this.#addCampaign()
        : await this.#pick("campaigns", among);
    const chatId = this.#newChat();
    const label = `m${this.#added}`;
    await this.#insert("messages", {
      label,
      role: "added",
      appRev: 0,
      agedBy: 0,
      chatId,
      content: `${label} v0`,
      scheduledAt: new Date(),
      isSent: false,
      isDeleted: false,
      isPicked: false,
      campaignId: campaign?._id ?? idsOf(this.#names)(),
      ...(this.#random.chance(0.2) ? { media: this.#newFile(label) } : {}),
      ...(this.#names.messages.failed === null ? {} : { failed: false }),
    });
  }

  async #addCampaign(): Promise<Document> {
    this.#added += 1;
    const group = this.#names.groups ? await this.#addGroup() : undefined;
    const campaign = {
      label: `c${this.#added}`,
      role: "added",
      appRev: 0,
      agedBy: 0,
      sessionId: this.#random.pick(this.#sessionNames),
      ...(group ? { groupId: group._id, completed: false, deleted: false } : {}),
    };
    return this.#insert("campaigns", campaign);
  }

  #addGroup(): Promise<Document> {
    const chatId = this.#newChat();
    return this.#insert("groups", { label: `g${this.#added}`, role: "added", appRev: 0, agedBy: 0, chatId });
  }

  async #insert(part: Part, fields: Document): Promise<Document> {
    const document = { _id: idsOf(this.#names)(), ...fields };
    await this.#collection(part).insertOne(toApp(part, document, this.#names) as never);
    return document;
  }

  async #setStatus(status: string): Promise<void> {
    const campaign = await this.#pick("campaigns", {});
    if (campaign) await this.#write("campaigns", campaign, { status });
  }

  /** Saves a whole message as it was read before a pass claimed it, the claim and all that it wrote gone. */
  async #writeBack(among: Filter<Document>): Promise<void> {
    const claimed = { "delivery.state": "claimed" };
    const message = await this.#pick("messages", { ...claimed, ...among });
    if (!message) return;
    const { delivery: _gone, ...before } = message;
    const filter = { _id: message._id, appRev: message.appRev, ...claimed };
    const written = { ...before, isPicked: false, appRev: message.appRev + 1 };
    await this.#collection("messages").replaceOne(filter, toApp("messages", written, this.#names));
  }

  async #pick(part: Part, of: Filter<Document>): Promise<Document | undefined> {
    const found = await this.#collection(part).find(of).toArray();
    return found.length > 0 ? fromApp(part, this.#random.pick(found), this.#names) : undefined;
  }

  #collection(part: Part): Collection<Document> {
    return this.#db.collection(collectionOf(part, this.#names) ?? part);
  }

  /** Only where the app itself did not write in the meantime, and so that it shows who wrote. */
  async #write(part: Part, { _id, appRev }: Document, change: Document): Promise<void> {
    const $set = toApp(part, change, this.#names);
    await this.#collection(part).updateOne({ _id, appRev }, { $set, $inc: { appRev: 1 } });
  }

  #newFile(label: string): Document {
    return fileOf(this.#random.pick(mediaKinds(this.#names, ["image", "video", "file"])), "file", label);
  }

  #newChat(): string {
    this.#added += 1;
    return `${chatOf(this.#added)}@c.us`;
  }
}
