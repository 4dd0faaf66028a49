// A permission set in a repository of the official PDS, under the official directory: found by DNS,
// shown in two languages, granted, enforced, and expanded anew once it changed.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { authorize, launchBrowser, signIn, withPage } from './lib/browser.js'
import { startDev } from './lib/dev.js'
import { startInternet } from './lib/internet.js'
import { startOfficialPds } from './lib/official-pds.js'
import { App, SESSION_PATH } from './negative/app.js'
import { makeServer } from './negative/server.js'

const SET = 'org.example.feed.authFull'
const SERVICE = 'did:web:api.example.com%23svc_appview'
const INCLUDE = `include:${SET}?aud=${SERVICE}`
/** The shortest time for which a set may be kept: that of an access token. */
const KEPT_SECONDS = 30

let peer, internet, dev, server, browser, publisher

before(async () => {
  peer = await startOfficialPds()
  const texts = { '_lexicon.feed.example.org': `did=${peer.account.did}` }
  internet = await startInternet('app.example.com', () => undefined, texts)
  const options = [...internet.options, '--allow-http', '--directory', peer.directory]
  dev = await startDev(options, {
    ATPASS_LIFETIMES_ACCESS_TOKEN: String(KEPT_SECONDS),
    ATPASS_LIFETIMES_PERMISSION_SET_STALE: String(KEPT_SECONDS),
  })
  server = makeServer({ name: 'ours', origin: dev.issuer, makePerson: () => undefined })
  browser = await launchBrowser()
  publisher = await xrpc('com.atproto.server.createSession', {
    identifier: peer.account.handle,
    password: peer.account.password,
  })
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  await internet?.close()
  await peer?.stop()
})

/** Calls the official PDS, as the publisher once it signed in. */
async function xrpc(method, input) {
  const headers = { 'content-type': 'application/json' }
  if (publisher) headers.authorization = `Bearer ${publisher.accessJwt}`
  const answer = await fetch(`${peer.pds}/xrpc/${method}`, { method: 'POST', headers, body: JSON.stringify(input) })
  const body = await answer.json()
  assert.ok(answer.ok, `${method}: ${JSON.stringify(body)}`)
  return body
}

/** Publishes the set, with these collections. */
function publish(collections) {
  const permission = (resource, rest) => ({ type: 'permission', resource, ...rest })
  const main = {
    'type': 'permission-set',
    'title': 'Your feed',
    'title:lang': { de: 'Ihr Feed' },
    'detail': 'Posting and reading.',
    'detail:lang': { de: 'Schreiben und lesen.' },
    'permissions': [
      permission('repo', { collection: collections }),
      permission('rpc', { lxm: ['org.example.feed.getPosts'], inheritAud: true }),
    ],
  }
  return xrpc('com.atproto.repo.putRecord', {
    repo: peer.account.did,
    collection: 'com.atproto.lexicon.schema',
    rkey: SET,
    validate: false,
    record: { $type: 'com.atproto.lexicon.schema', lexicon: 1, id: SET, defs: { main } },
  })
}

/** Creates a record at the resource server; the status and the error. */
async function create(app, token, collection) {
  const body = JSON.stringify({ repo: 'alice.test', collection, record: { $type: collection } })
  const path = '/xrpc/com.atproto.repo.createRecord'
  const proof = app.proof({ method: 'POST', path, token })
  const headers = { 'Authorization': `DPoP ${token}`, 'DPoP': proof, 'Content-Type': 'application/json' }
  const { status, json } = await server.send({ method: 'POST', path, headers, body })
  return `${status} ${json?.error ?? ''}`.trim()
}

test('SC-INC-01, SC-INC-05, SC-UI-01, AS-REF-09: a set from the official PDS, from DNS to enforcement', async (t) => {
  await publish(['org.example.feed.post'])
  const app = new App(server, { scope: `atproto ${INCLUDE}` })
  await app.push()
  const requestUri = await app.requestUri()

  const alice = dev.account('alice.test')
  const seen = {}
  await withPage(browser, async (page) => {
    const query = new URLSearchParams({ client_id: app.clientId, request_uri: requestUri })
    await page.goto(`${dev.issuer}/oauth/authorize?${query}`)
    await signIn(page, alice.handle, alice.password)
    for (const language of ['en', 'de']) {
      await page.setExtraHTTPHeaders({ 'Accept-Language': language })
      await page.reload()
      const item = page.getByRole('listitem').filter({ hasText: 'example.org' }).first()
      seen[language] = await item.innerText()
    }
    await page.setExtraHTTPHeaders({ 'Accept-Language': 'en' })
    await page.reload()
    const redirected = page.waitForRequest((request) => request.url().startsWith(app.redirectUri))
    await authorize(page)
    app.redirected = new URL((await redirected).url())
  })
  assert.match(seen.en, /Your feed.*Posting and reading\. Defined by example\.org\./s)
  assert.match(seen.de, /Ihr Feed.*Schreiben und lesen\. Festgelegt von example\.org\./s)

  const answer = await app.exchange(app.redirected.searchParams.get('code'))
  assert.equal(answer.status, 200, answer.text)
  const rpc = `rpc:org.example.feed.getPosts?aud=${SERVICE}`
  assert.equal(answer.json.scope, `atproto repo:org.example.feed.post ${rpc}`)
  const token = answer.json.access_token
  assert.equal((await app.call(token, { path: SESSION_PATH })).status, 200)
  assert.equal(await create(app, token, 'org.example.feed.post'), '200')
  assert.equal(await create(app, token, 'org.example.feed.like'), '403 insufficient_scope')

  await publish(['org.example.feed.post', 'org.example.feed.like'])
  await wait(KEPT_SECONDS * 1000)
  const refreshed = await app.refresh(answer.json.refresh_token)
  t.diagnostic(refreshed.json.scope)
  assert.equal(await create(app, refreshed.json.access_token, 'org.example.feed.like'), '200')
})
