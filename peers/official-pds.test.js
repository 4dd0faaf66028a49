// `atpass discover` finds the official PDS: by handle, by DID and by URL. `atpass lexicon` reads what
// an account there published, with the proof.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { startOfficialPds } from './lib/official-pds.js'

let peer

before(async () => {
  assert.ok(process.env.ATPASS_BIN, 'ATPASS_BIN names the program under test: run `cargo xtask test`')
  peer = await startOfficialPds()
})

after(() => peer?.stop())

/** Runs `atpass discover --json` against the peer's network. */
function discover(input) {
  const args = ['discover', input, '--json', '--allow-http', '--allow-loopback']
  args.push('--directory', peer.directory, '--handle-resolver', peer.pds)
  const { status, stdout, stderr } = spawnSync(process.env.ATPASS_BIN, args, { encoding: 'utf8' })
  assert.ok(stdout, stderr)
  return { status, report: JSON.parse(stdout) }
}

for (const [way, input] of [
  ['by handle', () => peer.account.handle],
  ['by DID', () => peer.account.did],
  ['by URL', () => peer.pds],
]) {
  test(`ID-DISC-01, ID-DISC-02, ID-DISC-03: the official PDS is found ${way}`, (t) => {
    const { status, report } = discover(input())
    for (const step of report.steps) {
      t.diagnostic(`${step.step}: ${step.ms} ms, ${step.result}`)
    }
    assert.equal(status, 0, JSON.stringify(report))
    assert.equal(report.issuer, peer.pds)
    assert.deepEqual(report.findings, [])
    assert.ok(report.steps.every((step) => step.ok))
    if (way === 'by URL') return
    assert.equal(report.account.did, peer.account.did)
    assert.equal(report.account.pds, peer.pds)
    assert.equal(report.account.handle, way === 'by handle' ? peer.account.handle : null)
  })
}

test('ID-HDL-02: a handle that the official PDS does not know', () => {
  const { status, report } = discover('nobody.test')
  assert.equal(status, 1)
  assert.equal(report.ok, false)
  assert.deepEqual(report.findings.map((finding) => finding.code), ['handle_unresolved'])
})

test('ID-DID-05: a DID that the official directory does not know', () => {
  const { status, report } = discover('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa')
  assert.equal(status, 1)
  assert.deepEqual(report.findings.map((finding) => finding.code), ['did_not_found'])
})

/** A call of an XRPC method by POST at the official PDS. */
async function post(method, body, token) {
  const headers = { 'content-type': 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  const url = `${peer.pds}/xrpc/${method}`
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const result = await answer.json()
  assert.ok(answer.ok, JSON.stringify(result))
  return result
}

/** Runs `atpass lexicon` for a lexicon that the peer's account publishes. */
function lexicon(nsid) {
  const args = ['lexicon', nsid, '--authority', peer.account.did]
  args.push('--allow-http', '--allow-loopback', '--directory', peer.directory)
  const { status, stdout, stderr } = spawnSync(process.env.ATPASS_BIN, args, { encoding: 'utf8' })
  assert.ok(stdout, stderr)
  return { status, report: JSON.parse(stdout) }
}

test('SC-INC-01: a lexicon at the official PDS, with its proof, before and after other records', async () => {
  const { did, handle, password } = peer.account
  const session = await post('com.atproto.server.createSession', { identifier: handle, password })
  const create = (collection, rkey, record) => {
    const write = { repo: did, collection, rkey, validate: false, record: { $type: collection, ...record } }
    return post('com.atproto.repo.createRecord', write, session.accessJwt)
  }
  const nsid = 'com.example.feed.authFull'
  const permissions = [{ type: 'permission', resource: 'repo', collection: ['com.example.feed.post'] }]
  const main = { type: 'permission-set', title: 'Everything', permissions }
  const published = { lexicon: 1, id: nsid, defs: { main } }
  const { cid } = await create('com.atproto.lexicon.schema', nsid, published)

  for (let count = 0; count <= 60; count += 20) {
    const { status, report } = lexicon(nsid)
    assert.equal(status, 0, JSON.stringify(report))
    assert.equal(report.did, did)
    assert.equal(report.cid, cid)
    assert.deepEqual(report.document, { $type: 'com.atproto.lexicon.schema', ...published })
    for (let n = 0; n < 20; n++) await create('com.example.feed.post', undefined, { n })
  }

  const { status, report } = lexicon('com.example.feed.nothing')
  assert.equal(status, 1)
  assert.equal(report.stage, 'not_found', 'that there is none is proven as well')
})
