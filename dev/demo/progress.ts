import { clearLine, cursorTo } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import cliProgress from "cli-progress";

/** How often the bar moves, and how often a line is written where there is no terminal. */
const BAR_MS = 100;
const LINE_MS = 2_000;

/**
 * Shows a number grow while work is under way: as a bar on a terminal, elsewhere in a line now and then.
 *
 * @param read the number as it is now; it ends at `total` if all goes well
 */
export async function showProgress<T>(work: Promise<T>, total: number, read: () => number): Promise<T> {
  const what = "messages accepted by WAHA";
  if (!process.stdout.isTTY) {
    const timer = setInterval(() => console.log(`  ${read()} of ${total} ${what}`), LINE_MS);
    return await work.finally(() => {
      clearInterval(timer);
      console.log(`  ${read()} of ${total} ${what}`);
    });
  }
  const bar = new cliProgress.SingleBar(
    { format: `  {bar} {value} of {total} ${what}`, hideCursor: true, stream: process.stdout },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, read());
  const timer = setInterval(() => bar.update(read()), BAR_MS);
  return await work.finally(() => {
    clearInterval(timer);
    bar.update(read());
    bar.stop();
  });
}

/** Waits for a moment, and says what for; on a terminal the seconds count down. */
export async function countDown(until: Date, what: string): Promise<void> {
  const left = () => Math.max(0, until.getTime() - Date.now());
  const line = () => `  ${Math.ceil(left() / 1000)} s until ${what}`;
  if (!process.stdout.isTTY) {
    console.log(line());
    return await sleep(left());
  }
  while (left() > 0) {
    redraw(line());
    await sleep(Math.min(left(), BAR_MS));
  }
  redraw("");
}

function redraw(line: string): void {
  clearLine(process.stdout, 0);
  cursorTo(process.stdout, 0);
  process.stdout.write(line);
}
