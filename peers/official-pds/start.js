// Starts the official directory (in memory) and PDS on free loopback ports, makes one account and
// prints one line of JSON. Then it carries out the commands of `requests.js` that come by its standard
// input, one a line, and ends when that does.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { randomBytes } from 'node:crypto'
import './test-host.js'
import { PDS, envToCfg, envToSecrets, readEnv } from '@atproto/pds'
import plc from '@did-plc/server'
import { freePort } from './port.js'
import { run } from './requests.js'
import { putWeather } from './weather.js'

const HANDLE = 'carol.test'
const PASSWORD = 'correct horse battery'

const { ATPASS_TEST_WEATHER: weather } = process.env

const folder = mkdtempSync(join(tmpdir(), 'atpass-pds-'))
const directoryPort = await freePort()
const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: directoryPort })
await directory.start()

const port = await freePort()
Object.assign(process.env, {
  PDS_HOSTNAME: 'localhost',
  PDS_PORT: String(port),
  PDS_DEV_MODE: 'true',
  PDS_DISABLE_SSRF_PROTECTION: 'true',
  PDS_DATA_DIRECTORY: folder,
  PDS_BLOBSTORE_DISK_LOCATION: join(folder, 'blobs'),
  PDS_DID_PLC_URL: `http://localhost:${directoryPort}`,
  PDS_SERVICE_HANDLE_DOMAINS: '.test',
  PDS_INVITE_REQUIRED: 'false',
  PDS_RATE_LIMITS_ENABLED: 'false',
  PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
  PDS_JWT_SECRET: randomBytes(16).toString('hex'),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'),
  LOG_ENABLED: 'false',
})
const env = readEnv()
const pds = await PDS.create(envToCfg(env), envToSecrets(env))
const server = await pds.start()
if (weather) putWeather(server, JSON.parse(weather))

const origin = `http://localhost:${port}`
const answer = await fetch(`${origin}/xrpc/com.atproto.server.createAccount`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ handle: HANDLE, email: 'carol@example.com', password: PASSWORD }),
})
const account = await answer.json()
if (!answer.ok) throw new Error(`createAccount: ${JSON.stringify(account)}`)
console.log(
  JSON.stringify({
    pds: origin,
    directory: `http://localhost:${directoryPort}`,
    account: { did: account.did, handle: HANDLE, password: PASSWORD },
  }),
)

const commands = createInterface({ input: process.stdin })
commands.on('line', (line) => console.log(JSON.stringify(run(JSON.parse(line)))))
commands.on('close', async () => {
  await Promise.allSettled([pds.destroy(), directory.destroy()])
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})
