import { type CallAnswer, Instance } from "./instances/instance.ts";
import type { Call } from "./record.ts";

/** No more processes than this have a pass under way at once. */
const MOST = 5;

/** A pass of a storm has some seconds, is frozen for some at most, and the machine may be busy: longer, and it hangs. */
const HANGS_MS = 120_000;

/** The processes of one round: each call goes to one that is free, or to a new one. */
export class Crew {
  readonly oddAnswers: string[] = [];
  /** How many answers were looked at. */
  answers = 0;
  readonly calls: Call[] = [];
  readonly #name: string;
  readonly #program: string;
  readonly #settingsOf: (instance: string, calm: boolean) => NodeJS.ProcessEnv;
  readonly #instances = new Map<string, Instance>();
  readonly #underWay = new Set<Promise<unknown>>();

  /**
   * @param name what the names of its processes begin with
   * @param program what each process runs: see `buildProgram`
   * @param settingsOf the settings of one of them; `calm`: nothing goes wrong any more
   */
  constructor(
    name: string,
    program: string,
    settingsOf: (instance: string, calm: boolean) => NodeJS.ProcessEnv,
  ) {
    this.#name = name;
    this.#program = program;
    this.#settingsOf = settingsOf;
  }

  find(name: string): Instance | undefined {
    return this.#instances.get(name);
  }

  /** Starts processes ahead, so that the first calls meet more than one. */
  warmUp(count: number): void {
    for (let started = 0; started < count; started += 1) this.#start();
  }

  /** Has one process run a pass; where all are at work the call is lost, as on a platform at its limit. */
  call(skewMs: number): void {
    const living = [...this.#instances.values()].filter((instance) => instance.alive);
    if (living.filter((instance) => instance.busy > 0).length >= MOST) return;
    const free = living.find((instance) => instance.busy === 0 && !instance.frozen);
    void this.callOne(free ?? this.#start(), skewMs);
  }

  /** Has a process run a pass to its end; undefined if it did not live to tell. */
  async callOne(instance: Instance, skewMs: number): Promise<CallAnswer | undefined> {
    const call: Call = { instance: instance.name, at: Date.now(), endedAt: undefined, status: undefined };
    this.calls.push(call);
    const answered = instance.call(skewMs);
    this.#underWay.add(answered);
    const answer = await answered.finally(() => this.#underWay.delete(answered));
    if (answer) Object.assign(call, { endedAt: Date.now(), status: answer.status });
    if (answer) this.#inspect(answer);
    else if (instance.endedByItself) this.oddAnswers.push(instance.endedByItself);
    return answer;
  }

  /** One that nothing has happened to yet, nor will. */
  newcomer(): Instance {
    return this.#start(true);
  }

  /** Waits for all calls under way; those that hang are killed. */
  async idle(): Promise<void> {
    const impatience = setTimeout(() => {
      for (const [name, instance] of this.#instances) {
        if (instance.busy === 0) continue;
        this.oddAnswers.push(`${name} does not answer`);
        instance.kill();
      }
    }, HANGS_MS);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    clearTimeout(impatience);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#instances.values()].map((instance) => instance.end()));
  }

  #start(calm = false): Instance {
    const name = `${this.#name}i${this.#instances.size}`;
    const instance = new Instance(name, this.#program, this.#settingsOf(name, calm));
    this.#instances.set(name, instance);
    return instance;
  }

  /** A call that carries the secret is answered with 200 and a pass, or with 503 and a reason. */
  #inspect({ status, body }: CallAnswer): void {
    this.answers += 1;
    const isPromised = (status === 200 && hasPass(body)) || (status === 503 && hasReason(body));
    if (!isPromised) this.oddAnswers.push(`HTTP ${status}: ${body.slice(0, 500)}`);
  }
}

function hasPass(body: string): boolean {
  const { ok, passId } = read(body);
  return typeof ok === "boolean" && typeof passId === "string";
}

function hasReason(body: string): boolean {
  const { ok, errors } = read(body);
  const [first] = Array.isArray(errors) ? errors : [];
  return ok === false && typeof first?.code === "string" && typeof first.message === "string";
}

function read(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}
