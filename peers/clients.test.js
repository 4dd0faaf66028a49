// Our client as each of its four kinds, at our server and at the official PDS: signs in, calls, writes,
// refreshes, signs out. The apps are the examples and the program itself, each in processes of its own.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startDev } from './lib/dev.js'
import { startInternet } from './lib/internet.js'
import { startOfficialPds } from './lib/official-pds.js'
import { example, run, start } from './lib/programs.js'
import { atOfficialPages, atOurPages } from './negative/person.js'
import { makeServer } from './negative/server.js'

// The official PDS refuses names that are reserved for examples.
const HOST = 'app.notes-for-tests.org'
const NOTE = 'app.example.note'
const CALLBACK = '/oauth/callback'

let folder, internet
/** What the host answers at the moment: by the app under test. */
let published = () => undefined

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atpass-clients-'))
  internet = await startInternet(HOST, (url) => published(url))
})

after(async () => {
  await internet?.close()
  rmSync(folder, { recursive: true, force: true })
})

for (const [name, startServer] of [
  ['our server', startOurs],
  ['the official PDS', startOfficial],
]) {
  describe(name, () => {
    let network

    before(async () => {
      network = await startServer()
    })

    after(() => network?.stop())

    test('C-PAR-01, C-OUT-01: a loopback client: the command line', () => commandLine(network))
    test('the command line, with a session that it cannot read', () => damagedSession(network))
    test('C-META-01, C-REF-02: a confidential client: the web app, and its worker', () => webApp(network, 'confidential'))
    test('C-META-01: a public web client', () => webApp(network, 'public'))
    test('C-META-01: an installed app with a scheme of its own', () => native(network))
  })
}

async function startOurs() {
  const dev = await startDev(internet.options)
  const account = dev.account('alice.test')
  return {
    server: makeServer({ name: 'ours', origin: dev.issuer, account, makePerson: atOurPages }),
    directory: dev.directory,
    account,
    stop: () => dev.stop(),
  }
}

async function startOfficial() {
  const peer = await startOfficialPds({ internet })
  const { pds: origin, account } = peer
  return {
    server: makeServer({ name: 'the official PDS', origin, account, makePerson: atOfficialPages }),
    directory: peer.directory,
    account,
    stop: () => peer.stop(),
  }
}

/** The person follows the URL of a login, and agrees. Returns the URL that the browser ends at. */
function follow({ server }, url) {
  const { searchParams } = new URL(url)
  assert.deepEqual([...searchParams.keys()], ['client_id', 'request_uri'])
  return server.approve({ clientId: searchParams.get('client_id') }, searchParams.get('request_uri'))
}

function exampleVariables({ server, directory }) {
  return { DIRECTORY: directory, HANDLE_RESOLVER: server.origin }
}

async function commandLine(network) {
  const { server, directory, account } = network
  const sessions = mkdtempSync(join(folder, 'command-line-'))
  const options = [
    ...['--sessions', sessions, '--directory', directory, '--handle-resolver', server.origin],
    ...['--allow-http', '--allow-loopback'],
  ]
  const atpass = (...words) => run(process.env.ATPASS_BIN, [...words, ...options])
  const words = ['login', account.handle, '--no-browser', '--json', ...options]
  // Whoever signs in twice has one session: the later one.
  const first = start(process.env.ATPASS_BIN, words)
  const [firstUrl] = await first.said(/^ {2}http\S+$/)
  await fetch(await follow(network, firstUrl.trim()))
  assert.equal(await first.ended, 0, first.output())
  const login = start(process.env.ATPASS_BIN, words)
  const [url] = await login.said(/^ {2}http\S+$/)
  const callback = await follow(network, url.trim())
  const stranger = await fetch(new URL('/callback?state=x&code=y', callback))
  assert.equal(stranger.status, 404)
  // A browser that takes the name for the address.
  callback.hostname = 'localhost'
  const page = await fetch(callback)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /You are signed in/)
  assert.equal(await login.ended, 0, login.output())
  assert.match(login.output(), new RegExp(account.did))

  const me = JSON.parse(await atpass('call', 'com.atproto.server.getSession'))
  assert.equal(me.did, account.did)
  const note = ['com.atproto.repo.createRecord', `repo=${account.did}`, `collection=${NOTE}`]
  const record = JSON.stringify({ $type: NOTE, text: 'from the command line' })
  const written = JSON.parse(await atpass('call', ...note, `record:=${record}`))
  assert.match(written.uri, new RegExp(account.did))
  const [row] = JSON.parse(await atpass('whoami', '--refresh', '--json'))
  assert.deepEqual([row.did, row.current, row.error], [account.did, true, null])
  // Files that others leave in the folder are nobody's session.
  writeFileSync(join(sessions, 'sessions', '.DS_Store'), '')
  writeFileSync(join(sessions, 'sessions', 'a'.repeat(64)), 'what is this?')
  assert.equal(JSON.parse(await atpass('whoami', '--json')).length, 1)
  assert.match(await atpass('logout'), /Signed out/)
  await assert.rejects(atpass('whoami', '--json'), ({ stdout }) => stdout.trim() === '[]')
}

async function damagedSession({ server, directory, account }) {
  const sessions = mkdtempSync(join(folder, 'damaged-'))
  const options = [
    ...['--sessions', sessions, '--directory', directory, '--handle-resolver', server.origin],
    ...['--allow-http', '--allow-loopback'],
  ]
  const atpass = (...words) => run(process.env.ATPASS_BIN, [...words, ...options])
  const login = start(process.env.ATPASS_BIN, ['login', account.did, '--no-browser', ...options])
  const [url] = await login.said(/^ {2}http\S+$/)
  await fetch(await follow({ server }, url.trim()))
  assert.equal(await login.ended, 0, login.output())
  const [name] = readdirSync(join(sessions, 'sessions'))
  const path = join(sessions, 'sessions', name)
  const [head] = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, `${head}\n{"did":"half a rec`)
  await assert.rejects(atpass('whoami', '--json'), ({ stdout }) => {
    const [row] = JSON.parse(stdout)
    return row.current && row.did === null && /can't be read/.test(row.error)
  })
  await assert.rejects(atpass('logout'), ({ stderr }) => /forgotten here, but its server wasn't told/.test(stderr))
  await assert.rejects(atpass('whoami', '--json'), ({ stdout }) => stdout.trim() === '[]')
}

async function webApp(network, kind) {
  const data = mkdtempSync(join(folder, `${kind}-`))
  const variables = {
    ...exampleVariables(network),
    DATA: data,
    PUBLIC_URL: `https://${HOST}`,
    LISTEN: '127.0.0.1:0',
    CLIENT: kind,
  }
  const app = start(example('web_app'), [], variables)
  try {
    const [, address] = await app.said(/^listening on (\S+)$/)
    const browser = new Browser(`http://${address}`)
    const documents = new Map()
    const own = kind === 'public' ? '/oauth/public-client.json' : '/oauth/client-metadata.json'
    for (const path of [own, '/oauth/jwks.json']) {
      const { status, text } = await browser.get(path)
      if (status === 200) documents.set(path, JSON.parse(text))
    }
    published = (url) => documents.get(url.pathname)
    const keys = documents.get('/oauth/jwks.json')?.keys
    assert.equal(keys?.length, kind === 'confidential' ? 1 : undefined)
    if (keys) assert.deepEqual(Object.keys(keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])

    const { did } = network.account
    const foreign = await browser.post('/oauth/login', { identifier: did }, 'https://evil.example')
    assert.equal(foreign.status, 403)
    const begun = await browser.post('/oauth/login', { identifier: network.account.handle })
    assert.equal(begun.status, 303, begun.text)
    const callback = await follow(network, begun.location)
    assert.equal(callback.pathname, CALLBACK)
    // A login is finished in the browser in which it began.
    const elsewhere = await new Browser(browser.origin).get(CALLBACK + callback.search)
    assert.equal(elsewhere.status, 422)
    const back = await browser.get(CALLBACK + callback.search)
    assert.deepEqual([back.status, back.location], [303, '/'], back.text)
    assert.match((await browser.get('/')).text, new RegExp(`Signed in as ${did}`))
    const written = await browser.post('/notes', { text: `from the ${kind} app` })
    assert.equal(written.status, 303, written.text)
    assert.match((await browser.get('/')).text, /Notes: [1-9]/)

    const worker = (...words) => run(example('worker'), words, variables)
    assert.equal(await worker('refresh'), `${did}: 200 OK`)
    assert.equal(await worker(), `${did}: 200 OK`)
    // The app finds the tokens that the worker has left.
    assert.match((await browser.get('/')).text, /Notes: [1-9]/)
    assert.equal((await browser.post('/oauth/logout', {})).status, 303)
    assert.match((await browser.get('/')).text, /Sign in/)
    assert.equal(await worker(), '')
  } finally {
    await app.stop()
  }
}

async function native(network) {
  const variables = {
    ...exampleVariables(network),
    DATA: mkdtempSync(join(folder, 'native-')),
    CLIENT_ID: `https://${HOST}/client-metadata.json`,
  }
  const app = (...words) => run(example('native'), words, variables)
  const metadata = JSON.parse(await app('metadata'))
  published = (url) => (url.pathname === '/client-metadata.json' ? metadata : undefined)
  const link = await follow(network, await app('login', network.account.handle))
  assert.equal(link.protocol, 'org.notes-for-tests.app:')
  assert.equal(await app('link', link.href), `signed in as ${network.account.did}`)
  assert.equal(JSON.parse(await app('whoami')).did, network.account.did)
  await app('refresh')
  assert.equal(JSON.parse(await app('whoami')).did, network.account.did)
  await app('logout')
  await assert.rejects(app('whoami'), /nobody is signed in/)
}

/** A browser at the app: its cookies, and no redirects but those that a test follows itself. */
class Browser {
  #jar = new Map()

  constructor(origin) {
    this.origin = origin
  }

  get(path) {
    return this.#send({ path, headers: { 'Sec-Fetch-Site': 'none', 'Accept': 'text/html' } })
  }

  post(path, fields, origin = `https://${HOST}`) {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'Origin': origin }
    return this.#send({ method: 'POST', path, headers, body: new URLSearchParams(fields).toString() })
  }

  #send({ method = 'GET', path, headers, body }) {
    const cookie = [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const all = { ...headers, ...(cookie && { Cookie: cookie }) }
    return new Promise((resolve, reject) => {
      const sent = request(this.origin + path, { method, headers: all, agent: false }, (response) => {
        for (const line of response.headers['set-cookie'] ?? []) {
          assert.match(line, /^__Host-.*; HttpOnly; SameSite=Lax; Secure; Path=\/; Max-Age=\d+$/)
          const [, name, value] = line.match(/^([^=]+)=([^;]*)/)
          if (line.endsWith('Max-Age=0')) this.#jar.delete(name)
          else this.#jar.set(name, value)
        }
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
        response.on('end', () => {
          resolve({ status: response.statusCode, location: response.headers.location, text })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
