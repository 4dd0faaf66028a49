// A program that talks JSON through its standard input and output: one answer a line for each command.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const DEADLINE_MS = 60_000

/** Starts it. It ends when its standard input does. `name` is for complaints. */
export function startPiped(name, program, words = [], variables = {}) {
  const child = spawn(program, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  })
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  const killWithTest = () => child.kill('SIGKILL')
  process.once('exit', killWithTest)
  ended.then(() => process.removeListener('exit', killWithTest), () => {})

  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  // What was written to a program that ended is told by its log.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  /** The next line that it prints. */
  async function answer() {
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, DEADLINE_MS, { done: true })
    })
    const { value, done } = await Promise.race([lines.next(), late])
    clearTimeout(timer)
    assert.ok(!done, `${name} ended or said nothing in time:\n${log}`)
    return JSON.parse(value)
  }

  async function tell(command) {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    return answer()
  }

  return {
    answer,

    /** Gives it a command, and returns its answer, whatever that is. */
    tell,

    /** Gives it a command, and returns its good answer. */
    async ask(command) {
      const result = await tell(command)
      assert.equal(result.error, undefined, `${name}, asked to ${command.do}: ${result.error}\n${log}`)
      return result
    },

    async stop() {
      child.stdin.end()
      await ended
    },

    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
