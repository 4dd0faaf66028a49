// Two official PDSes, unmodified, behind `atpass serve` as their entryway, under the official directory.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../official-pds/port.js'
import { startPiped } from './piped.js'
import { run, start } from './programs.js'

const script = (name) => fileURLToPath(new URL(`../official-pds/${name}`, import.meta.url))
const Database = createRequire(script('pds.js'))('better-sqlite3')
const hex = (bytes) => randomBytes(bytes).toString('hex')

/** Starts the directory. */
export async function startDirectory() {
  const { answer, stop } = startPiped('the official directory', process.execPath, [script('directory.js')])
  return { ...(await answer()), stop }
}

/** A PDS that can be started and stopped, with data that stays: handles below `name`.test. */
export async function makePds(name, directory) {
  const folder = mkdtempSync(join(tmpdir(), `atpass-pds-${name}-`))
  const port = await freePort()
  const secrets = { admin: hex(16), plcKey: hex(32) }
  const variables = {
    PDS_PORT: String(port),
    PDS_SERVICE_DID: `did:web:pds.${name}.test`,
    PDS_SERVICE_HANDLE_DOMAINS: `.${name}.test`,
    PDS_DATA_DIRECTORY: folder,
    PDS_BLOBSTORE_DISK_LOCATION: join(folder, 'blobs'),
    PDS_DID_PLC_URL: directory,
    PDS_ADMIN_PASSWORD: secrets.admin,
    PDS_JWT_SECRET: hex(16),
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: secrets.plcKey,
  }
  let running
  return {
    name,
    origin: `http://localhost:${port}`,
    did: variables.PDS_SERVICE_DID,
    database: join(folder, 'account.sqlite'),
    ...secrets,
    async start(more = {}) {
      running = startPiped(`the official PDS ${name}`, process.execPath, [script('pds.js')], { ...variables, ...more })
      await running.answer()
    },
    async stop() {
      await running?.stop()
      running = undefined
    },
    /** What docs/entryway.md says: the addresses are the entryway's from now on. */
    clearAddresses() {
      const database = new Database(join(folder, 'account.sqlite'))
      database.exec("UPDATE account SET email = did || '@moved.invalid'")
      database.close()
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** An entryway before these PDSes: its configuration and database are there, and nothing runs yet. */
export async function makeEntryway(pdses, directory) {
  const program = process.env.ATPASS_BIN
  assert.ok(program, 'ATPASS_BIN names the program under test: run `cargo xtask test`')
  const folder = mkdtempSync(join(tmpdir(), 'atpass-entryway-'))
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const letters = join(folder, 'letters')
  mkdirSync(letters)
  const sections = pdses.map((pds, place) => {
    writeFileSync(join(folder, `admin-${place}`), `${pds.admin}\n`)
    return `[[pds]]
origin = "${pds.origin}"
did = "${pds.did}"
handle_domains = ["${pds.name}.test"]
admin_password_file = "admin-${place}"
`
  })
  // The first is for new accounts, the others are the PDSes' own, for accounts that they made.
  const keys = [hex(32), ...pdses.map((pds) => pds.plcKey)]
  keys.forEach((key, place) => writeFileSync(join(folder, `plc-${place}`), key))
  const config = join(folder, 'atpass.toml')
  writeFileSync(
    config,
    `issuer = "${origin}"
listen = ["127.0.0.1:${port}", "[::1]:${port}"]
data = "."
[network]
allow_http = true
allow_loopback = true
directory = "${directory}"
[observe]
listen = []
[proxy]
trusted = ["127.0.0.1", "::1"]
[entryway]
sign_up = "open"
plc_keys = [${keys.map((_, place) => `"plc-${place}"`).join(', ')}]
[mail]
from = "Entryway <noreply@entryway.test>"
folder = "letters"
${sections.join('')}`,
  )
  const command = (...words) => run(program, [...words, '--config', config])
  await command('database', 'migrate')
  let running
  return {
    origin,
    command,
    /** The variables that the PDSes are started with. */
    environment: async () => JSON.parse(await command('entryway', 'environment', '--json')),
    async start() {
      running = start(program, ['serve', '--config', config])
      await running.said(/ready/)
    },
    output: () => running.output(),
    /** The code in the newest letter. For a new password it is sent after the answer, whoever asked: it is waited for. */
    code() {
      for (let tries = 0; tries < 200; tries++) {
        const names = readdirSync(letters).filter((name) => name.endsWith('.eml'))
        const all = names.map((name) => readFileSync(join(letters, name), 'utf8'))
        all.sort((a, b) => sentAt(a) - sentAt(b))
        const match = all.at(-1)?.match(/\b[A-Z2-7]{5}-[A-Z2-7]{5}\b/)
        if (match) {
          for (const name of names) rmSync(join(letters, name))
          return match[0]
        }
        // The servers are other processes: they go on meanwhile.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      }
      assert.fail('no letter with a code came')
    },
    async stop() {
      await running?.stop()
      running = undefined
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const sentAt = (letter) => Date.parse(letter.match(/^Date: (.*)$/m)?.[1])

/** Calls a method; its status, and its answer or error. */
export async function xrpc(origin, method, { token, input, query, headers } = {}) {
  const url = new URL(`/xrpc/${method}`, origin)
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
  const answer = await fetch(url, {
    method: input === undefined ? 'GET' : 'POST',
    headers: {
      ...(input && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(input && { body: JSON.stringify(input) }),
  })
  const text = await answer.text()
  let body
  try {
    body = text && JSON.parse(text)
  } catch {
    body = text
  }
  return { status: answer.status, body, headers: answer.headers }
}

/** The same, of which nothing but success is expected. */
export async function good(origin, method, options) {
  const { status, body } = await xrpc(origin, method, options)
  assert.equal(status, 200, `${method}: ${JSON.stringify(body)}`)
  return body
}
