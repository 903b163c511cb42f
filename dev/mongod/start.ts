import { rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoMemoryReplSet } from "mongodb-memory-server";
import { findMongod } from "./find.ts";
import { requireFreePort } from "./port.ts";

export type MongodOptions = {
  /** How many nodes; three are what it takes to try a failover. */
  nodes?: number;
  /** The port of the first node, the next ones follow; free ports of the system's choice by default. */
  port?: number;
  /** More arguments for every mongod, such as `--setParameter enableTestCommands=1` for fail points. */
  args?: string[];
  /** A folder (made if missing) whose data outlives the run; one node only, and it needs a `port`. */
  persistent?: string;
};

export type RunningMongod = {
  /** The connection string with this database; it stays the same through `pause` and `resume`. */
  url(databaseName: string): string;
  /** Really stops every mongod; connections are refused until `resume`. */
  pause(): Promise<void>;
  /** Starts them again, on the same ports and data; returns once there is a primary. */
  resume(): Promise<void>;
  /** Stops every mongod and removes the data, unless `persistent`. */
  stop(): Promise<void>;
};

const REPLICA_SET = "dev";
const HOST = "127.0.0.1";
/** memory-server's own 10 s are short for a busy machine, or data that must be recovered first. */
const LAUNCH_LIMIT_MS = 30_000;
const RECONFIGURE_AGAIN_MS = 50;
/**
 * The journal takes 10 MB of disk a node instead of 300, and a signal ends a primary whose secondaries are
 * gone at once instead of after 15 s (mongod's parameter of that name).
 */
const ARGS = [
  "--wiredTigerEngineConfigString=log=(prealloc=false,file_max=10MB)",
  "--setParameter=shutdownTimeoutMillisForSignaledShutdown=0",
];

/**
 * Starts a real MongoDB as a replica set (majority writes and transactions need one), of one node unless
 * told otherwise, that accepts writes when this returns. No mongod outlives this process: where it exits
 * without `stop`, the mongod ends with it and its data are removed; where it is killed, a watcher process
 * of mongodb-memory-server ends the mongod within seconds.
 *
 * @throws MongodNotFoundError if no mongod can be had; RangeError for options that exclude each other;
 *   Error if a port is taken
 */
export async function startMongod(options: MongodOptions = {}): Promise<RunningMongod> {
  const { nodes = 1, port, persistent } = options;
  if (persistent !== undefined && (nodes !== 1 || port === undefined)) {
    throw new RangeError(
      "A persistent mongod has one node and a port: the replica set remembers its address",
    );
  }
  if (persistent !== undefined) await mkdir(persistent, { recursive: true });
  for (let node = 0; port !== undefined && node < nodes; node += 1) await requireFreePort(HOST, port + node);
  const { path } = await findMongod();
  const replicaSet = await launch(path, options);
  const hosts = replicaSet.servers.map((server) => `${HOST}:${server.instanceInfo?.port}`).join(",");
  const onExit = () => abandon(replicaSet);
  process.on("exit", onExit);
  return {
    url: (databaseName) => `mongodb://${hosts}/${databaseName}?replicaSet=${REPLICA_SET}`,
    pause: () => stop(replicaSet, false),
    resume: () => replicaSet.start(),
    stop: async () => {
      process.off("exit", onExit);
      await stop(replicaSet, true);
    },
  };
}

/** MongoDB's code for a replica set that is taking a configuration up (`error_codes.yml`: ConfigurationInProgress). */
const CONFIGURATION_IN_PROGRESS = 109;

class ReplicaSet extends MongoMemoryReplSet {
  /** Left to itself, memory-server takes another port when the given one is taken, or was in use a moment ago. */
  protected override _initServer(options: Parameters<MongoMemoryReplSet["_initServer"]>[0]) {
    const fixed = { ...options, portGeneration: false };
    return super._initServer(fixed);
  }

  /**
   * memory-server hands a node that comes back its old configuration once more, which MongoDB refuses while the
   * node is just taking it up by itself; a moment later it is fine.
   */
  protected override async _initReplSet(): Promise<void> {
    const giveUpAt = Date.now() + LAUNCH_LIMIT_MS;
    for (;;) {
      try {
        return await super._initReplSet();
      } catch (error) {
        const isBusy = error instanceof Error && "code" in error && error.code === CONFIGURATION_IN_PROGRESS;
        if (!isBusy || Date.now() > giveUpAt) throw error;
        await sleep(RECONFIGURE_AGAIN_MS);
      }
    }
  }
}

async function launch(path: string, options: MongodOptions): Promise<MongoMemoryReplSet> {
  const { nodes = 1, port, args = [], persistent } = options;
  // memory-server would warn that the binary is not of the version it would have downloaded itself.
  Object.assign(process.env, { MONGOMS_SYSTEM_BINARY_VERSION_CHECK: "false" });
  return ReplicaSet.create({
    binary: { systemBinary: path },
    instanceOpts: Array.from({ length: nodes }, (_, index) => ({
      launchTimeout: LAUNCH_LIMIT_MS,
      ...(port === undefined ? {} : { port: port + index }),
      ...(persistent === undefined ? {} : { dbPath: persistent }),
    })),
    replSet: {
      name: REPLICA_SET,
      ip: HOST,
      storageEngine: "wiredTiger",
      args: [...ARGS, ...args],
      // In a process group of its own: a terminal sends Ctrl-C to the whole group, and a mongod in it would be
      // gone before a pass could record what it just sent.
      spawn: { detached: true },
    },
  });
}

async function stop(replicaSet: MongoMemoryReplSet, doCleanup: boolean): Promise<void> {
  if (!(await replicaSet.stop({ doCleanup, force: false }))) throw new Error("mongod could not be stopped");
}

/** The part of `stop` that a process can still do while it exits, when nothing can be awaited any more. */
function abandon(replicaSet: MongoMemoryReplSet): void {
  for (const { instanceInfo } of replicaSet.servers) {
    const temporary = instanceInfo?.tmpDir;
    instanceInfo?.instance.mongodProcess?.kill(temporary ? "SIGKILL" : "SIGTERM");
    if (temporary) rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  }
}
