// The official browser client, as a public client on a page of its own host, in Chromium.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { authorize, launchBrowser, signIn, withPage } from './lib/browser.js'
import { startDev } from './lib/dev.js'
import { startInternet } from './lib/internet.js'

const HOST = 'app.example.com'
const HOME = `https://${HOST}/`

let dev, browser, internet, script

before(async () => {
  script = await bundle()
  internet = await startInternet(HOST, (url) => {
    if (url.pathname === '/client.json') return metadata()
    if (url.pathname !== '/') return undefined
    return `<!doctype html><title>App</title><h1>App</h1><script type="module">${script}</script>`
  })
  dev = await startDev(internet.options)
  browser = await launchBrowser(internet.browserRule)
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  await internet?.close()
})

async function bundle() {
  const contents = `
    import { BrowserOAuthClient } from '@atproto/oauth-client-browser'
    globalThis.makeClient = (options) => new BrowserOAuthClient(options)
  `
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    write: false,
  })
  // The text stands in a page.
  return outputFiles[0].text.replaceAll('</script', '<\\/script')
}

function metadata() {
  return {
    client_id: `https://${HOST}/client.json`,
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'atproto transition:generic',
    redirect_uris: [HOME],
    token_endpoint_auth_method: 'none',
    dpop_bound_access_tokens: true,
  }
}

/** Runs in the page: makes the client, and finishes a login that is under way. */
async function arrive(options) {
  globalThis.client = globalThis.makeClient(options)
  const arrived = await globalThis.client.init()
  globalThis.session = arrived?.session
  return globalThis.session?.did
}

test('AS-META-09, AS-DPOP-12: the official browser client signs in, calls, refreshes and signs out', async () => {
  const options = {
    clientMetadata: metadata(),
    handleResolver: dev.resource,
    plcDirectoryUrl: dev.directory,
    allowHttp: true,
    responseMode: 'fragment',
  }
  const account = dev.account('alice.test')
  const inPage = async (page) => {
    await page.goto(HOME)
    await page.waitForFunction(() => globalThis.makeClient)
    assert.equal(await page.evaluate(arrive, options), undefined)
    // The page goes away before this would end.
    page.evaluate(() => globalThis.client.signIn('alice.test')).catch(() => {})
    await page.waitForURL((url) => url.origin === new URL(dev.issuer).origin)
    await signIn(page, account.handle, account.password)
    await authorize(page)
    await page.waitForURL((url) => url.origin === new URL(HOME).origin)
    await page.waitForFunction(() => globalThis.makeClient)
    assert.equal(await page.evaluate(arrive, options), account.did)

    const call = () =>
      page.evaluate(async () => {
        const answer = await globalThis.session.fetchHandler('/xrpc/com.atproto.server.getSession')
        return [answer.status, (await answer.json()).did]
      })
    assert.deepEqual(await call(), [200, account.did])
    const info = await page.evaluate(async () => (await globalThis.session.getTokenInfo(true)).sub)
    assert.equal(info, account.did)
    assert.deepEqual(await call(), [200, account.did])

    // A page that is loaded anew finds its session.
    await page.goto(HOME)
    await page.waitForFunction(() => globalThis.makeClient)
    assert.equal(await page.evaluate(arrive, options), account.did)
    await page.evaluate(() => globalThis.session.signOut())
    await page.goto(HOME)
    await page.waitForFunction(() => globalThis.makeClient)
    assert.equal(await page.evaluate(arrive, options), undefined)
  }
  await withPage(browser, inPage, { javaScript: true })
})
