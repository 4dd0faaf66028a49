// What every client library must be able to do against `atpass dev`, as a loopback client.
//
// The libraries differ in names only, so each comes with an adapter (`official-client.js`,
// `atcute-client.js`): a function of the network and the redirect URI that returns
//   clientId                              as the server knows it
//   authorize(handle, state) → URL        where to send the browser
//   callback(parameters) → {session, state}
//   restore(did) → session                with fresh tokens
//   fetch(session, path, init) → Response
//   saved(did) → {dpopJwk, tokenSet}      what the session store holds, or undefined
//   isDenial(error), isEnded(error)       the library's words for these two

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startApp } from './app.js'
import { authorize, deny, launchBrowser, signIn, withPage } from './browser.js'
import { startDev } from './dev.js'
import { dpopFetch, refreshByHand } from './dpop.js'

const COLLECTION = 'app.example.note'

/** Registers the tests; `title` names the library that `makeClient` adapts. */
export function testClient(title, makeClient) {
  let dev, browser, app
  before(async () => {
    dev = await startDev()
    browser = await launchBrowser()
    app = await startApp()
  })
  after(async () => {
    await app?.close()
    await browser?.close()
    await dev?.stop()
  })

  /** Sends the person through the pages and returns the answer that the app receives. */
  async function visit(url, account, decide) {
    assert.equal(url.origin, new URL(dev.issuer).origin)
    return withPage(browser, async (page) => {
      await page.goto(url.href)
      await signIn(page, account.handle, account.password)
      await decide(page)
      return app.answer()
    })
  }

  async function login(handle) {
    const client = makeClient(dev, app.redirectUri)
    const account = dev.account(handle)
    const url = await client.authorize(handle, 'kept by the app')
    const answer = await visit(url, account, authorize)
    const { session, state } = await client.callback(answer)
    assert.equal(session.did, account.did)
    assert.equal(state, 'kept by the app')
    const saved = () => structuredClone(client.saved(account.did))
    return { client, session, saved }
  }

  test(`${title} signs in, calls, writes and refreshes`, async () => {
    const { client, session, saved } = await login('alice.test')

    const who = await call(client, session, 'GET', 'com.atproto.server.getSession')
    assert.equal(who.did, session.did)
    assert.equal(who.handle, 'alice.test')

    const text = `written with ${title}`
    const written = await createNote(client, session, text)
    assert.ok(written.uri.startsWith(`at://${session.did}/${COLLECTION}/`), written.uri)
    const query = new URLSearchParams({ repo: session.did, collection: COLLECTION })
    const { records } = await call(client, session, 'GET', `com.atproto.repo.listRecords?${query}`)
    const record = records.find(({ uri }) => uri === written.uri)
    assert.equal(record?.value.text, text)

    const first = saved()
    const info = await session.getTokenInfo(true)
    assert.equal(info.sub, session.did)
    const second = saved()
    assert.notEqual(second.tokenSet.access_token, first.tokenSet.access_token)
    assert.notEqual(second.tokenSet.refresh_token, first.tokenSet.refresh_token)
    await call(client, session, 'GET', 'com.atproto.server.getSession')

    const restored = await client.restore(session.did)
    assert.notEqual(saved().tokenSet.refresh_token, second.tokenSet.refresh_token)
    await createNote(client, restored, 'after two refreshes')
  })

  test(`${title} learns that the person denied`, async () => {
    const client = makeClient(dev, app.redirectUri)
    const url = await client.authorize('bob.test', 'kept by the app')
    const answer = await visit(url, dev.account('bob.test'), deny)
    await assert.rejects(client.callback(answer), client.isDenial)
  })

  test(`${title} signs out, and every token is dead`, async () => {
    const { client, session, saved } = await login('bob.test')
    const last = saved()
    await session.signOut()
    assert.equal(saved(), undefined)

    const refresh = await refreshByHand(last, client.clientId)
    assert.equal(refresh.status, 400)
    assert.equal(refresh.body.error, 'invalid_grant')

    const { dpopJwk, tokenSet } = last
    const url = new URL('/xrpc/com.atproto.server.getSession', tokenSet.aud).href
    const answer = await dpopFetch(url, { dpopJwk, token: tokenSet.access_token })
    assert.equal(answer.status, 401)
    assert.match(answer.headers.get('WWW-Authenticate'), /^DPoP .*error="invalid_token"/)
  })

  test(`${title} survives a lost refresh answer, and a thief does not`, async () => {
    const { client, session, saved } = await login('alice.test')
    const first = saved()
    await session.getTokenInfo(true)
    const second = saved()

    // The first answer got lost: the retry gets the same successor, and the session goes on.
    const retry = await refreshByHand(first, client.clientId)
    assert.equal(retry.status, 200, JSON.stringify(retry.body))
    assert.equal(retry.body.refresh_token, second.tokenSet.refresh_token)
    await session.getTokenInfo(true)
    await call(client, session, 'GET', 'com.atproto.server.getSession')

    // Its successor was used: whoever presents the old token now has a copy, and the session ends.
    const replay = await refreshByHand(first, client.clientId)
    assert.equal(replay.status, 400)
    assert.equal(replay.body.error, 'invalid_grant')
    await assert.rejects(session.getTokenInfo(true), client.isEnded)
  })
}

async function call(client, session, method, path, body) {
  const response = await client.fetch(session, `/xrpc/${path}`, {
    method,
    body: body && JSON.stringify(body),
    headers: body && { 'Content-Type': 'application/json' },
  })
  const answer = await response.text()
  assert.equal(response.status, 200, `${path}: ${answer}`)
  return JSON.parse(answer)
}

function createNote(client, session, text) {
  return call(client, session, 'POST', 'com.atproto.repo.createRecord', {
    repo: session.did,
    collection: COLLECTION,
    record: { $type: COLLECTION, text, createdAt: new Date().toISOString() },
  })
}
