// Eight processes of our client share one session store, and refresh at random at the official PDS, while
// requests get lost and answers come late; then processes are killed besides. That server ends a session
// whose refresh token comes twice, so what can't be saved is a session whose new tokens died with the
// process that had just received them. Everything else must be.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startDriver } from './lib/driver.js'
import { startOfficialPds } from './lib/official-pds.js'
import { atOfficialPages } from './negative/person.js'
import { makeServer } from './negative/server.js'

const PROCESSES = 8
const SESSIONS = 24
const ROUNDS = 160
/** What one process does at once. */
const AT_ONCE = 4
const UNTIL_DEATH_MS = 700

let folder, peer, place
const keys = []

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atpass-chaos-'))
  peer = await startOfficialPds({ weather: { lost: 60, late: 60 } })
  place = { store: join(folder, 'sessions.sqlite'), directory: peer.directory, handleResolver: peer.pds }
  const { pds: origin, account } = peer
  const server = makeServer({ name: 'the official PDS', origin, account, makePerson: atOfficialPages })
  const driver = startDriver(place)
  while (keys.length < SESSIONS) {
    const { url } = await driver.ask({ do: 'login', handle: account.handle })
    const { searchParams } = new URL(url)
    const app = { clientId: searchParams.get('client_id') }
    const callback = await server.approve(app, searchParams.get('request_uri'))
    // A code counts once there, and a lost request brings no session: people would sign in again.
    const { key } = await driver.tell({ do: 'callback', query: callback.search.slice(1) })
    if (key) keys.push(key)
  }
  await driver.stop()
})

after(async () => {
  await peer?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('C-REF-01, C-REF-04: lost requests, late answers and eight processes cost no session', async (t) => {
  const counts = await Promise.all(Array.from({ length: PROCESSES }, () => work(startDriver(place))))
  const sum = added(counts)
  t.diagnostic(`without deaths: ${JSON.stringify(sum)}`)
  assert.deepEqual([sum.lost, sum.failed], [undefined, undefined])
  assert.equal(await living(), SESSIONS)
})

test('C-REF-04: processes that are killed cost at most what had arrived and was not stored yet', async (t) => {
  const processes = Array.from({ length: PROCESSES }, () => startDriver(place))
  const doomed = processes.splice(0, 2)
  const working = processes.map(work)
  // Nobody hears their answers.
  for (const driver of doomed) driver.tell({ do: 'work', rounds: ROUNDS }).catch(() => {})
  for (const driver of doomed) {
    await new Promise((resolve) => setTimeout(resolve, UNTIL_DEATH_MS))
    await driver.kill()
  }
  const sum = added(await Promise.all(working))
  const lost = SESSIONS - (await living())
  t.diagnostic(`with ${doomed.length} deaths: ${JSON.stringify(sum)}; ${lost} sessions were lost`)
  assert.equal(sum.failed, undefined)
  assert.ok(lost <= doomed.length * AT_ONCE, `${lost} lost`)
})

async function work(driver) {
  const counts = await driver.ask({ do: 'work', rounds: ROUNDS })
  await driver.stop()
  return counts
}

function added(all) {
  const sum = {}
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
  }
  return sum
}

/** How many sessions can be refreshed and used. */
async function living() {
  const driver = startDriver(place)
  let count = 0
  for (const key of keys) {
    const refreshed = await again(() => driver.tell({ do: 'refresh', key }))
    if (refreshed.needs_login) continue
    assert.equal(refreshed.error, undefined)
    assert.equal((await driver.ask({ do: 'call', key })).status, 200)
    count += 1
  }
  await driver.stop()
  return count
}

/** The network is still bad: what is said to pass is tried again. */
async function again(ask) {
  for (;;) {
    const answer = await ask()
    if (!answer.transient) return answer
  }
}
