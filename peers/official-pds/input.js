/** Waits until whoever started this process closes its standard input. */
export async function untilInputEnds() {
  for await (const _ of process.stdin);
}
