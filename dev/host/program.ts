/**
 * Runs a program, and ends the process with the code that it resolves with; with 1 and its words alone where it
 * fails. Left to end by itself, Node 24.21 was seen to wait for ever for handles that are long closed.
 */
export async function runProgram(main: () => Promise<number>): Promise<never> {
  const exitCode = await main().catch((error: Error) => {
    console.error(error.message);
    return 1;
  });
  process.exit(exitCode);
}
