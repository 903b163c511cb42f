import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { findChromium, NO_CHROMIUM, pictureOptions, runChromium } from "../../../dev/screenshot/chromium.ts";
import { createApp, STATUS_PATH, serve } from "../../../ops/server/http.ts";
import { createWorld, SECRET, type World } from "../../support/world.ts";

const chromium = findChromium(process.env);

/** In a real browser, where there is one. */
const browserTest = test.skipIf(!chromium);

test.runIf(!chromium)(`the browser's tests are skipped: ${NO_CHROMIUM}`, ({ skip }) => skip());

/** Serves the world as a host would; gives the page's address, with the password in it. */
async function serveWorld(world: World): Promise<string> {
  const served = await serve(createApp(world.env, {}), 0, "127.0.0.1");
  onTestFinished(async () => void (await served.close(1000)));
  return `http://anybody:${SECRET}@127.0.0.1:${served.port}${STATUS_PATH}`;
}

/** What the browser made of the page once it had loaded it. */
async function open(url: string): Promise<string> {
  return runChromium(chromium ?? "", url, ["--dump-dom"]);
}

browserTest(
  "a browser gets in by the password, and finds the story on the page",
  async () => {
    const world = await createWorld();
    const delivery = { open: true, rev: 1 };
    const { insertedId: campaignId } = await world.campaigns.insertOne({
      name: "Sale & <b>more</b>",
      delivery,
    });
    await world.insert(
      { campaignId },
      { campaignId, chatId: "bad" },
      { campaignId, scheduledAt: new Date(2100, 1) },
    );
    await world.pass();
    const page = await open(await serveWorld(world));
    expect(page).toMatch(/<h1>Running, but not everything went out: last pass \d+ s ago<\/h1>/);
    expect(page).toContain("<b>Sale &amp; &lt;b&gt;more&lt;/b&gt;</b>");
    expect(page).toContain("1 sent, 1 failed, 1 still to send");
    expect(page).toContain("npm run resend -- --state failed,missed --code invalid_message --since 1d");
  },
  60_000,
);

browserTest(
  "a browser that does not know the password gets none of it",
  async () => {
    const world = await createWorld();
    await world.campaigns.insertOne({ name: "Sale", delivery: { open: true, rev: 1 } });
    const url = await serveWorld(world);
    expect(await open(url)).toContain("Sale");
    expect(await open(url.replace(`anybody:${SECRET}@`, ""))).not.toContain("Sale");
  },
  60_000,
);

browserTest(
  "the policy lets the page's own style through, which is dark where the reader's system is",
  async () => {
    const url = await serveWorld(await createWorld());
    const folder = await mkdtemp(join(tmpdir(), "status-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const picture = join(folder, "page.png");
    await runChromium(chromium ?? "", url, pictureOptions(picture, 390, 700));
    expect(cornerOf(await readFile(picture))).toBe("f4f5f7");
    await runChromium(chromium ?? "", url, pictureOptions(picture, 390, 700, true));
    expect(cornerOf(await readFile(picture))).toBe("0e1116");
  },
  120_000,
);

/** The colour of a picture's first pixel: in a PNG it stands at the beginning, behind the row's filter. */
function cornerOf(png: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(data);
  }
  return inflateSync(Buffer.concat(parts)).toString("hex", 1, 4);
}
