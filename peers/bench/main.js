// The measurements of `cargo xtask bench round-trips`: prints tables, or with `--json` one object. With `--quick`
// without the person who takes a minute.

import { parseArgs } from 'node:util'
import { ours, officials } from './clients.js'
import { printRoundTrips } from './print.js'
import { measure, measureWithPerson } from './round-trips.js'
import { startOfficial, startOurs } from './servers.js'

/** How much longer each request takes, ms: with the middle one they are counted. */
const DELAYS_MS = [0, 50, 150]
const COUNTED_AT_MS = 50
/** Longer than the minute for which the official client remembers what it found. */
const PERSON_MS = 65_000

const flag = { type: 'boolean', default: false }
const { values: options } = parseArgs({ options: { json: flag, quick: flag } })
const say = options.json ? () => {} : console.log
const clients = [ours, ...officials]

const roundTrips = []
for (const start of [startOurs, startOfficial]) {
  const server = await start()
  try {
    say(`measuring at ${server.name}; it takes two minutes, most of it a person who thinks`)
    const result = await measureAt(server)
    roundTrips.push(result)
    if (!options.json) printRoundTrips(result)
  } finally {
    await server.stop()
  }
}
if (options.json) console.log(JSON.stringify({ roundTrips }))

async function measureAt(server) {
  const measured = new Map(clients.map((client) => [client, []]))
  for (const delay of DELAYS_MS) {
    await server.delay(delay)
    for (const client of clients) {
      for (const row of await measure(server, client)) measured.get(client).push({ delay, ...row })
    }
  }
  await server.delay(COUNTED_AT_MS)
  const withPerson = options.quick ? new Map() : await measureWithPerson(server, clients, PERSON_MS)
  return {
    server: server.name,
    clients: clients.map((client) => {
      const rows = measured.get(client)
      const timed = (name) =>
        Object.fromEntries(rows.filter((row) => row.case === name).map(({ delay, ms }) => [delay, ms]))
      const counted = rows.filter(({ delay }) => delay === COUNTED_AT_MS)
      const cases = counted.map(({ delay, ms, ...row }) => ({ ...row, ms: timed(row.case) }))
      if (withPerson.has(client)) {
        const { ms, ...long } = withPerson.get(client)
        cases.splice(1, 0, { ...long, ms: { [COUNTED_AT_MS]: ms } })
      }
      return { client: client.name, cases }
    }),
  }
}
