// The official Node client as a confidential client: its metadata on a host of its own, over TLS,
// with two keys, one of which is taken away while a session lives.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { JoseKey, NodeOAuthClient, TokenRefreshError, requestLocalLock } from '@atproto/oauth-client-node'
import { authorize, launchBrowser, signIn, withPage } from './lib/browser.js'
import { startDev } from './lib/dev.js'
import { startInternet } from './lib/internet.js'
import { storeIn } from './lib/store.js'

const HOST = 'app.example.com'
const CALLBACK = `https://${HOST}/callback`
/** The shortest time for which the server keeps metadata, whatever its host says, and a moment. */
const KEPT_MS = 62_000

let dev, browser, internet
const keys = new Map()
const callbacks = []

before(async () => {
  for (const kid of ['key-1', 'key-2']) keys.set(kid, await JoseKey.generate(['ES256'], kid))
  internet = await startInternet(HOST, (url) => {
    if (url.pathname === '/client.json') return metadata()
    if (url.pathname !== '/callback') return undefined
    callbacks.push(url.searchParams)
    return '<!doctype html><title>Back at the app</title><h1>Back at the app</h1>'
  })
  dev = await startDev(internet.options)
  browser = await launchBrowser(internet.browserRule)
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  await internet?.close()
})

function metadata() {
  return {
    client_id: `https://${HOST}/client.json`,
    client_name: 'Confidential',
    client_uri: `https://${HOST}`,
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'atproto transition:generic',
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    dpop_bound_access_tokens: true,
    jwks: { keys: [...keys.values()].map((key) => key.publicJwk) },
  }
}

/** A client that proves who it is with this key. */
function clientWith(kid) {
  return new NodeOAuthClient({
    clientMetadata: metadata(),
    keyset: [keys.get(kid)],
    allowHttp: true,
    handleResolver: dev.resource,
    plcDirectoryUrl: dev.directory,
    requestLock: requestLocalLock,
    stateStore: storeIn(new Map()),
    sessionStore: storeIn(new Map()),
  })
}

async function login(client, handle, { asked = true } = {}) {
  const url = await client.authorize(handle)
  await withPage(browser, async (page) => {
    await page.goto(url.href)
    await signIn(page, handle, dev.account(handle).password)
    if (asked) await authorize(page)
    await page.getByText('Back at the app').first().waitFor()
  })
  return (await client.callback(callbacks.shift())).session
}

async function whoAmI(session) {
  const answer = await session.fetchHandler('/xrpc/com.atproto.server.getSession')
  assert.equal(answer.status, 200)
  return (await answer.json()).did
}

test('AS-AUTHN-07, AS-AUTHN-08, AS-AUTHN-09: a confidential client with two keys, one removed mid-session', async () => {
  const [first, second] = [clientWith('key-1'), clientWith('key-2')]
  const byFirst = await login(first, 'alice.test')
  const bySecond = await login(second, 'bob.test')
  for (const session of [byFirst, bySecond]) {
    assert.equal(await whoAmI(session), session.did)
    await session.getTokenInfo(true)
    assert.equal(await whoAmI(session), session.did)
  }
  assert.equal(internet.asked.filter((path) => path === '/client.json').length, 1)

  // AS-AUTHZ-06: the same account grants the same again without a question.
  const again = await login(first, 'alice.test', { asked: false })
  assert.equal(await whoAmI(again), again.did)

  keys.delete('key-1')
  await wait(KEPT_MS)
  await assert.rejects(again.getTokenInfo(true), TokenRefreshError)
  await bySecond.getTokenInfo(true)
  assert.equal(await whoAmI(bySecond), bySecond.did)
})
