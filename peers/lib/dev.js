// One `atpass dev`, started for a test and stopped after it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const START_DEADLINE_MS = 30_000
const STOP_DEADLINE_MS = 10_000

/** Starts `atpass dev --json --port 0`, with these variables besides, and waits for its one line. */
export async function startDev(options = [], variables = {}) {
  const program = process.env.ATPASS_BIN
  assert.ok(program, 'ATPASS_BIN names the program under test: run `cargo xtask test`')

  const startedAt = performance.now()
  const child = spawn(program, ['dev', '--json', '--port', '0', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  })
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  const killWithTest = () => child.kill('SIGKILL')
  process.once('exit', killWithTest)
  ended.then(() => process.removeListener('exit', killWithTest), () => {})

  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  const lines = []
  const output = createInterface({ input: child.stdout })
  output.on('line', (line) => lines.push(line))

  const outcome = await Promise.race([
    once(output, 'line').then(() => 'ready'),
    ended.then(({ code, signal }) => `ended with ${code ?? signal}`),
    later(START_DEADLINE_MS, `said nothing for ${START_DEADLINE_MS / 1000} seconds`),
  ])
  if (outcome !== 'ready') {
    child.kill('SIGKILL')
    assert.fail(`atpass dev ${outcome}; its log:\n${log}`)
  }
  const network = JSON.parse(lines[0])
  for (const name of ['issuer', 'resource', 'directory', 'app']) {
    assert.ok(URL.canParse(network[name]), `the line names "${name}": ${lines[0]}`)
  }

  return {
    ...network,
    pid: child.pid,
    startMs: performance.now() - startedAt,

    /** The account with this handle. */
    account(handle) {
      const account = network.accounts.find((account) => account.handle === handle)
      assert.ok(account, `an account ${handle} in ${lines[0]}`)
      return account
    },

    /** Stops the program as a person or a supervisor would, and checks that it ends in order. */
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const outcome = await Promise.race([ended, later(STOP_DEADLINE_MS, 'still running')])
      child.kill('SIGKILL')
      assert.deepEqual(outcome, { code: 0, signal: null }, `after ${signal}; the log:\n${log}`)
      assert.doesNotMatch(log, /panicked/, log)
      assert.equal(lines.length, 1, `one line on standard output:\n${lines.join('\n')}`)
    },
  }
}

function later(ms, value) {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref())
}
