// Our client library at the end of a pipe (crates/atpass-testnet/examples/client_driver.rs).

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { example } from './programs.js'

/** Starts a process of it. `store` is the file of its sessions; processes may share one. */
export function startDriver({ store, directory, handleResolver }) {
  const child = spawn(example('examples/client_driver'), [], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, STORE: store, DIRECTORY: directory, HANDLE_RESOLVER: handleResolver },
  })
  const killWithTest = () => child.kill('SIGKILL')
  process.once('exit', killWithTest)
  const ended = once(child, 'close').then(() => process.removeListener('exit', killWithTest))
  // It may be killed while it is told something.
  child.stdin.on('error', () => {})
  const waiting = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line)))
  ended.then(() => waiting.forEach((answer) => answer(undefined)))
  return {
    /** Tells it what to do, and returns its answer; `undefined` when it ended first. */
    ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      return new Promise((resolve) => waiting.push(resolve))
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}
