// The servers that the clients are measured at. Each tells what it was asked, so that all clients are
// heard by the same ears.
//
// A server is { name, origin, directory, handle, approve(url), log(), delay(ms), stop() }.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOfficialPds } from '../lib/official-pds.js'
import { startPiped } from '../lib/piped.js'
import { example } from '../lib/programs.js'
import { atOfficialPages, atOurPages } from '../negative/person.js'
import { makeServer } from '../negative/server.js'

/** Our network: authorization server, resource server and directory. */
export async function startOurs() {
  const folder = mkdtempSync(join(tmpdir(), 'atpass-bench-'))
  const program = example('examples/recorded_network')
  const network = startPiped('our network', program, [], { DATA: folder })
  const { issuer, directory, accounts } = await network.answer()
  return over(network, {
    name: 'our server',
    origin: issuer,
    directory,
    account: accounts.find(({ handle }) => handle === 'alice.test'),
    makePerson: atOurPages,
    async stop() {
      await network.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

/** The official PDS and directory. */
export async function startOfficial() {
  const network = await startOfficialPds()
  return over(network, {
    name: 'the official PDS',
    origin: network.pds,
    directory: network.directory,
    account: network.account,
    makePerson: atOfficialPages,
    stop: network.stop,
  })
}

function over(program, { name, origin, directory, account, makePerson, stop }) {
  const pages = makeServer({ name, origin, account, makePerson })
  return {
    name,
    origin,
    directory,
    handle: account.handle,

    /** The person follows the URL of a login and agrees. Returns the query that the app receives. */
    async approve(url) {
      const { searchParams } = new URL(url)
      const app = { clientId: searchParams.get('client_id') }
      return (await pages.approve(app, searchParams.get('request_uri'))).search.slice(1)
    },

    log: async () => (await program.ask({ do: 'log' })).requests,
    delay: (ms) => program.ask({ do: 'delay', ms }),
    stop,
  }
}
