// What a login and a refresh cost our client, in requests, by the log of the server: at ours and at the
// official PDS. `cargo xtask bench` prints the same beside the official client.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ours } from './bench/clients.js'
import { criticalPath, measure } from './bench/round-trips.js'
import { startOfficial, startOurs } from './bench/servers.js'

/** Far enough away that requests which go out together are seen to. */
const DELAY_MS = 50

for (const start of [startOurs, startOfficial]) {
  describe(start === startOurs ? 'our server' : 'the official PDS', () => {
    let server, rows

    before(async () => {
      server = await start()
      await server.delay(DELAY_MS)
      rows = new Map((await measure(server, ours)).map((row) => [row.case, row]))
    })

    after(() => server?.stop())

    /** A case, with its log as `GET url`. */
    const row = (name) => {
      const { log, ...row } = rows.get(name)
      const lines = log.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`)
      const beside = log.filter((request) => request.beside).map(({ url }) => decodeURIComponent(url))
      return { ...row, log, lines, beside }
    }
    /** DID → PDS → authorization server. */
    const identity = (row) => {
      const did = row.log.map(({ url }) => decodeURIComponent(url)).find((url) => url.includes('/did:'))
      assert.ok(did?.startsWith(`${server.directory}/did:`), row.lines.join('\n'))
      const documents = ['oauth-protected-resource', 'oauth-authorization-server']
      return [did, ...documents.map((name) => `${server.origin}/.well-known/${name}`)]
    }

    test('ID-DISC-01, ID-DISC-02: a cold login is 7 requests at most, with every check', () => {
      const login = row('login, cold')
      assert.ok(login.requests <= 7, login.lines.join('\n'))
      const retried = login.nonceRetries === 1 ? ['/oauth/par'] : []
      assert.deepEqual(login.lines, [
        `GET ${server.origin}/xrpc/com.atproto.identity.resolveHandle`,
        ...identity(login).map((url) => `GET ${url}`),
        ...[...retried, '/oauth/par', '/oauth/token'].map((path) => `POST ${server.origin}${path}`),
      ])
      assert.equal(new Set(login.lines).size, login.lines.length - login.nonceRetries, 'nothing is asked twice')
      const again = row('login, warm')
      assert.deepEqual(again.lines, ['/oauth/par', '/oauth/token'].map((path) => `POST ${server.origin}${path}`))
    })

    test('C-DPOP-02: a refresh is one request; a new process learns the nonce with one more', () => {
      const token = `POST ${server.origin}/oauth/token`
      assert.deepEqual(row('refresh, warm').lines, [token])
      const cold = row('refresh, cold')
      assert.deepEqual(cold.lines, [token, token])
      assert.equal(cold.nonceRetries, 1)
    })

    test('an hour later the identity is checked again, and nobody waits for it', () => {
      const refresh = row('refresh, an hour later')
      assert.equal(refresh.requests, 4, refresh.lines.join('\n'))
      assert.equal(refresh.oneAfterTheOther, 1)
      assert.deepEqual(refresh.beside, identity(refresh))
    })
  })
}

test('which requests a result waited for', () => {
  const request = (begun, ended) => ({ begun, ended })
  const path = (requests, delivered) =>
    criticalPath(requests, delivered).map((one) => requests.indexOf(one))
  assert.deepEqual(path([], 9), [])
  assert.deepEqual(path([request(0, 1), request(1, 2)], 9), [0, 1])
  const sideBySide = [request(0, 4), request(1, 3), request(5, 6)]
  assert.deepEqual(path(sideBySide, 9), [0, 2], 'the longer one of two side by side')
  assert.deepEqual(path([request(0, 2), request(0, 3), request(3, 5)], 2.5), [0], 'what ends later is beside')
  assert.deepEqual(path([request(0, 2), request(1, null)], 9), [0], 'and what never does')
  assert.deepEqual(path([request(2, 2)], 2), [0])
})
