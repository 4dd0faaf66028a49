// The example apps and the program, run as their users would run them.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const DEADLINE_MS = 30_000

const execute = promisify(execFile)

/** The path of an example. */
export function example(name) {
  const folder = process.env.ATPASS_EXAMPLES
  assert.ok(folder, 'ATPASS_EXAMPLES names the folder of the examples: run `cargo xtask test`')
  return join(folder, name)
}

/** Runs a program to its end, and returns what it printed. */
export async function run(program, words, variables = {}) {
  const env = { ...process.env, ...variables }
  const { stdout } = await execute(program, words, { env, timeout: DEADLINE_MS })
  return stdout.trim()
}

/**
 * Starts a program that goes on. `said(pattern)` waits for a line on either output, and returns its
 * match; `ended` is its exit code.
 */
export function start(program, words = [], variables = {}) {
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  })
  const killWithTest = () => child.kill('SIGKILL')
  process.once('exit', killWithTest)
  const lines = []
  const waiting = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const look of waiting) look()
    })
  }
  const ended = once(child, 'close').then(([code]) => {
    process.removeListener('exit', killWithTest)
    return code
  })
  return {
    ended,
    output: () => lines.join('\n'),
    said(pattern) {
      return new Promise((resolve, reject) => {
        const found = () => lines.map((line) => line.match(pattern)).find(Boolean)
        const fail = (why) => reject(new Error(`${why}, and didn't say ${pattern}:\n${lines.join('\n')}`))
        const late = setTimeout(fail, DEADLINE_MS, 'it is late')
        const look = () => {
          const match = found()
          if (!match) return
          clearTimeout(late)
          waiting.delete(look)
          resolve(match)
        }
        waiting.add(look)
        look()
        ended.then((code) => found() ?? fail(`it ended with ${code}`))
      })
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
