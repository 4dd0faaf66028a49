// `atpass discover` finds the official PDS: by handle, by DID and by URL.

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
