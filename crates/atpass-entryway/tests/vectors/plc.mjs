// Makes `plc.json` anew, with the official library: `node plc.mjs <node_modules>/@did-plc/lib/dist/index.js`
// Everything in it is deterministic, the signatures too (RFC 6979).

import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'

const path = process.argv[2]
const require = createRequire(path)
const plc = require(path)
const { Secp256k1Keypair } = require('@atproto/crypto')
const { cidForCbor } = require('@atproto/common')

const rotation = await Secp256k1Keypair.import('11'.repeat(32))
const repository = await Secp256k1Keypair.import('22'.repeat(32))
const pds = 'https://amanita.example.com'
const cid = async (operation) => (await cidForCbor(operation)).toString()

const { op: genesis, did } = await plc.createOp({
  signingKey: repository.did(),
  rotationKeys: [rotation.did()],
  handle: 'alice.example.com',
  pds,
  signer: rotation,
})
await plc.assureValidCreationOp(did, genesis)

// Names of other kinds, a second handle, a service that sorts elsewhere: none of them is signed.
const full = {
  ...genesis,
  alsoKnownAs: ['https://alice.example.org', 'at://alice.example.com', 'at://second.example.com'],
  services: { ...genesis.services, another_service: { type: 'Another', endpoint: 'https://another.example.com' } },
}
const create = await plc.deprecatedSignCreate(
  {
    type: 'create',
    signingKey: repository.did(),
    recoveryKey: rotation.did(),
    handle: 'alice.example.com',
    service: 'amanita.example.com',
    prev: null,
  },
  repository,
)
const updates = []
for (const last of [genesis, full, create]) {
  const next = await plc.updateHandleOp(last, rotation, 'bob.example.com')
  await plc.assureValidSig([rotation.did()], next)
  updates.push({ last, cid: await cid(last), next })
}
const out = { rotation: rotation.did(), repository: repository.did(), pds, did, genesis, updates }
writeFileSync(new URL('plc.json', import.meta.url), JSON.stringify(out, null, 2) + '\n')
