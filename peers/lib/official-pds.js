// The official PDS and DID directory, started for a test and stopped after it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const START = fileURLToPath(new URL('../official-pds/start.js', import.meta.url))
const START_DEADLINE_MS = 60_000

/**
 * Starts both. Returns `{ pds, directory, account, stop() }`. With `internet`, the PDS reaches its host
 * as it would on the real one; with `weather`, a bad network stands before its token endpoint.
 */
export async function startOfficialPds({ internet, weather } = {}) {
  const variables = {
    ...(internet && {
      NODE_EXTRA_CA_CERTS: internet.root,
      ATPASS_TEST_HOST: internet.host,
      ATPASS_TEST_PORT: String(internet.port),
    }),
    ...(weather && { ATPASS_TEST_WEATHER: JSON.stringify(weather) }),
  }
  const child = spawn(process.execPath, [START], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  })
  const ended = once(child, 'exit').then(([code]) => code)
  const killWithTest = () => child.kill('SIGKILL')
  process.once('exit', killWithTest)

  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  const output = createInterface({ input: child.stdout })
  const line = await Promise.race([
    once(output, 'line').then(([line]) => line),
    ended.then((code) => assert.fail(`the official PDS ended with ${code}:\n${log}`)),
    new Promise((_, reject) => {
      const late = () => reject(new Error(`the official PDS said nothing in time:\n${log}`))
      setTimeout(late, START_DEADLINE_MS).unref()
    }),
  ])
  return {
    ...JSON.parse(line),
    async stop() {
      child.stdin.end()
      await ended
      process.removeListener('exit', killWithTest)
    },
  }
}
