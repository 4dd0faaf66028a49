// The program starts quickly, stays small and stops when asked.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startDev } from './lib/dev.js'

const IDLE_MS = 2_000
// Of a build without optimisation, which is what the tests run; a release takes about half of it.
const IDLE_MEMORY_KB = 64 * 1024

test('atpass dev starts, idles below 64 MB and stops on SIGTERM', async (t) => {
  const dev = await startDev()
  t.diagnostic(`ready after ${Math.round(dev.startMs)} ms`)
  await wait(IDLE_MS)
  const memory = residentKb(dev.pid)
  t.diagnostic(`resident memory when idle: ${(memory / 1024).toFixed(1)} MB`)
  await dev.stop('SIGTERM')
  assert.ok(memory < IDLE_MEMORY_KB, `${memory} kB resident`)
})

test('atpass dev stops on Ctrl-C', async () => {
  const dev = await startDev()
  await dev.stop('SIGINT')
})

test('two atpass dev on port 0 live side by side', async () => {
  const both = await Promise.all([startDev(), startDev()])
  const origins = both.flatMap(({ issuer, directory, app }) => [issuer, directory, app])
  assert.equal(new Set(origins).size, origins.length, origins.join(' '))
  for (const { issuer } of both) {
    const metadata = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
    assert.equal(metadata.status, 200)
    assert.equal((await metadata.json()).issuer, issuer)
  }
  await Promise.all(both.map((dev) => dev.stop()))
})

function residentKb(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kilobytes] = status.match(/^VmRSS:\s+(\d+) kB$/m) ?? []
  assert.ok(kilobytes, status)
  return Number(kilobytes)
}
