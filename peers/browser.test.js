// A person with a browser, at the sample app and the authorization server's pages.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accountButton, arriveAt, authorize, deny, launchBrowser, signIn, withPage } from './lib/browser.js'
import { startDev } from './lib/dev.js'
import { checkAxe, checkLooks } from './lib/page-checks.js'
import { App } from './negative/app.js'
import { authorizePath } from './negative/person.js'
import { makeServer } from './negative/server.js'

let dev, browser
before(async () => {
  dev = await startDev()
  browser = await launchBrowser()
})
after(async () => {
  await browser?.close()
  await dev?.stop()
})

/** One of each kind. */
const GRANULAR = [
  'atproto account:email identity:handle blob?accept=image/*&accept=video/mp4',
  'repo?collection=app.bsky.feed.post&collection=app.bsky.feed.like&collection=app.bsky.graph.follow',
  'repo:org.example.calendar.event?action=create repo:*?action=delete',
  'rpc?lxm=app.bsky.feed.getTimeline&lxm=app.bsky.feed.getFeed&aud=did:web:api.bsky.app%23bsky_appview',
  'rpc:com.example.moderation.createReport?aud=*',
].join(' ')

function threeHundred() {
  const numbers = Array.from({ length: 100 }, (_, n) => n)
  const scopes = numbers.map((n) => `repo:app.example.thing${n} rpc:org.site${n}.call?aud=* rpc:app.example.call${n}?aud=did:web:api.example.com%23svc`)
  return ['atproto', ...scopes].join(' ')
}

/** The URL at which a person answers a request for this scope. */
async function requestOf(scope) {
  const server = makeServer({ name: 'ours', origin: dev.issuer, makePerson: () => undefined })
  // A loopback client_id has no room for it; by its meaning all of it is declared.
  const app = new App(server, { scope: 'atproto transition:generic account:email identity:handle' })
  await app.push()
  const requestUri = await app.requestUri({ scope })
  return dev.issuer + authorizePath(app, requestUri)
}

const button = (page, name) => page.getByRole('button', { name, exact: true })

/** Opens the app and goes to the authorization server with this handle. */
async function leaveApp(page, handle) {
  await page.goto(dev.app)
  await page.getByLabel('Handle', { exact: true }).fill(handle)
  await button(page, 'Sign in').click()
  await arriveAt(page, dev.issuer)
}

/** Opens the app and goes to the authorization server without naming anyone. */
async function leaveAppUnnamed(page) {
  await page.goto(dev.app)
  const start = page.getByRole('link', { name: 'Sign in without a handle' })
  await start.or(page.getByRole('button', { name: 'Sign in without a handle' })).click()
  await arriveAt(page, dev.issuer)
}

/** A whole sign-in in a fresh browser. */
async function login(page, handle) {
  const { password } = dev.account(handle)
  await leaveApp(page, handle)
  await signIn(page, handle, password)
  await button(page, 'Authorize').waitFor()
  await authorize(page)
  await arriveAt(page, dev.app)
}

async function signOut(page) {
  await button(page, 'Sign out').click()
  await page.getByLabel('Handle', { exact: true }).waitFor()
}

async function writeNote(page, text) {
  await page.getByLabel('Note', { exact: true }).fill(text)
  await button(page, 'Write note').click()
  await page.getByText(text).first().waitFor()
}

test('browser: sign in, write a record, sign out, without JavaScript', async () => {
  await withPage(browser, async (page) => {
    await leaveApp(page, 'alice.test')
    await signIn(page, 'alice.test', dev.account('alice.test').password)
    await button(page, 'Deny').waitFor()
    const consent = await page.locator('body').innerText()
    assert.ok(consent.includes(new URL(dev.issuer).host), `the page names this server:\n${consent}`)
    assert.ok(consent.includes('http://localhost'), `the page names the app's client_id:\n${consent}`)
    await authorize(page)

    await arriveAt(page, dev.app)
    await page.getByText('alice.test').first().waitFor()
    await writeNote(page, 'a note from the browser')
    await page.reload()
    await page.getByText('a note from the browser').first().waitFor()
    await signOut(page)
    assert.equal(await page.getByText('a note from the browser').count(), 0)
  })
})

test('browser: the second sign-in is shorter', async () => {
  await withPage(browser, async (page) => {
    await login(page, 'bob.test')
    await signOut(page)

    // With the handle as a hint, the remembered account goes straight to consent.
    await leaveApp(page, 'bob.test')
    await authorize(page)
    await arriveAt(page, dev.app)
    await page.getByText('bob.test').first().waitFor()
    await signOut(page)

    // Without a hint, the person chooses.
    await leaveAppUnnamed(page)
    await page.getByRole('button', { name: 'Use another account' }).waitFor()
    await accountButton(page, 'bob.test').click()
    await authorize(page)
    await arriveAt(page, dev.app)
    await page.getByText('bob.test').first().waitFor()
    await signOut(page)

    // Another account asks for its password.
    await leaveAppUnnamed(page)
    await button(page, 'Use another account').click()
    await signIn(page, 'alice.test', dev.account('alice.test').password)
    await authorize(page)
    await arriveAt(page, dev.app)
    await page.getByText('alice.test').first().waitFor()
  })
})

test('browser: a denied sign-in comes back to the app signed out', async () => {
  await withPage(browser, async (page) => {
    await leaveApp(page, 'bob.test')
    await signIn(page, 'bob.test', dev.account('bob.test').password)
    await deny(page)
    await arriveAt(page, dev.app)
    await page.goto(dev.app)
    await page.getByLabel('Handle', { exact: true }).waitFor()
    assert.equal(await button(page, 'Sign out').count(), 0)
  })
})

test('AS-AUTHZ-15: the owner ends an app\'s access on the account page', async () => {
  await withPage(browser, async (page) => {
    await login(page, 'bob.test')
    await page.goto(`${dev.issuer}/account`)
    await page.getByRole('heading', { name: 'bob.test' }).waitFor()
    const end = page.getByRole('button', { name: /^End access of An app/ })
    while ((await end.count()) > 0) await end.first().click()
    await page.getByText('No app has access to your account.').waitFor()
    await page.goto(dev.app)
    await page.getByLabel('Handle', { exact: true }).waitFor()

    await page.goto(`${dev.issuer}/account`)
    await button(page, 'Sign out here').click()
    await signIn(page, 'bob.test', dev.account('bob.test').password)
    await button(page, 'Sign out here').waitFor()
  })
})

test('browser: every page is clear, narrow and wide, light and dark', async () => {
  await withPage(browser, (page) => visitEveryPage(page, checkLooks))
})

test('browser: every page passes axe, light and dark', async () => {
  await withPage(browser, (page) => visitEveryPage(page, checkAxe), { javaScript: true })
})

/** Comes by every page once and has each one checked. */
async function visitEveryPage(page, check) {
  const { password } = dev.account('alice.test')
  await page.goto(dev.app)
  await check(page, 'app-signed-out')

  await leaveApp(page, 'alice.test')
  await page.getByLabel('Password').waitFor()
  await check(page, 'sign-in')
  const before = await page.locator('body').innerText()
  const answered = page.waitForEvent('domcontentloaded')
  await signIn(page, 'alice.test', 'not the password')
  await answered
  assert.notEqual(await page.locator('body').innerText(), before, 'the page says what is wrong')
  await check(page, 'sign-in-wrong-password')
  await signIn(page, 'alice.test', password)
  await button(page, 'Authorize').waitFor()
  await check(page, 'consent')
  await authorize(page)

  await arriveAt(page, dev.app)
  await writeNote(page, 'A first note')
  await writeNote(page, 'A second, longer note, to see how the list carries more than a few words')
  await check(page, 'app-signed-in')
  await page.goto(`${dev.issuer}/account`)
  await button(page, 'Sign out here').waitFor()
  await check(page, 'account')
  await page.goto(dev.app)
  await signOut(page)

  await leaveAppUnnamed(page)
  await button(page, 'Use another account').waitFor()
  await check(page, 'account-choice')

  for (const [name, scope] of [
    ['consent-granular', GRANULAR],
    ['consent-300-permissions', threeHundred()],
  ]) {
    await page.goto(await requestOf(scope))
    await accountButton(page, 'alice.test').click()
    await button(page, 'Authorize').waitFor()
    await page.getByText('Technical names').first().click()
    await check(page, name)
  }

  const query = new URLSearchParams({
    client_id: 'http://localhost',
    request_uri: 'urn:ietf:params:oauth:request_uri:bogus',
  })
  const answer = await page.goto(`${dev.issuer}/oauth/authorize?${query}`)
  assert.equal(answer.status(), 400)
  await check(page, 'error')

  await page.context().clearCookies()
  await page.goto(`${dev.issuer}/account`)
  await check(page, 'account-sign-in')
}
