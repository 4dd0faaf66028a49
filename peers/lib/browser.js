// A headless Chromium, and the authorization server's pages by what a person sees on them.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const DEADLINE_MS = 20_000

/** Where pictures go. */
export const screenshots =
  process.env.ATPASS_SCREENSHOTS ?? fileURLToPath(new URL('../screenshots', import.meta.url))
mkdirSync(screenshots, { recursive: true })

/** Starts the browser that `cargo xtask setup` found or installed. */
export function launchBrowser(hostRule) {
  return chromium.launch({
    executablePath: process.env.ATPASS_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(hostRule ? [`--host-resolver-rules=${hostRule}`] : []),
    ],
  })
}

/**
 * Gives `use` a page of a fresh browser profile. The pages promise to work without JavaScript, so it
 * is off unless a test needs it. When `use` fails, a picture and the page's text tell why.
 */
export async function withPage(browser, use, { javaScript = false } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: javaScript,
    bypassCSP: javaScript,
    // Hosts of a test have certificates that the browser doesn't know.
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(DEADLINE_MS)
  const page = await context.newPage()
  const refusals = []
  page.on('console', (message) => {
    if (/Content.Security.Policy|Refused to/i.test(message.text())) refusals.push(message.text())
  })
  try {
    const result = await use(page)
    assert.deepEqual(refusals, [], 'the content security policy refuses nothing that the pages need')
    return result
  } catch (error) {
    console.error(`at ${page.url()}: ${error.message}\n${refusals.join('\n')}`)
    console.error(await page.locator('body').innerText({ timeout: 1000 }).catch(() => '(no text)'))
    await page.screenshot({ path: join(screenshots, 'failure.png') }).catch(() => {})
    throw error
  } finally {
    await context.close()
  }
}

/** Fills in the sign-in page; the handle may already stand there. */
export async function signIn(page, handle, password) {
  const identifier = page.getByLabel('Handle or email')
  const field = page.getByLabel('Password')
  await field.waitFor()
  if ((await identifier.count()) > 0 && (await identifier.isEditable())) await identifier.fill(handle)
  await field.fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** Grants what the consent page asks for. */
export async function authorize(page) {
  await page.getByRole('button', { name: 'Authorize', exact: true }).click()
}

/** Refuses what the consent page asks for. */
export async function deny(page) {
  await page.getByRole('button', { name: 'Deny', exact: true }).click()
}

/** The account chooser's button for this handle. */
export function accountButton(page, handle) {
  return page.getByRole('button', { name: handle })
}

/** Waits until the browser shows a page of this origin. */
export async function arriveAt(page, origin) {
  await page.waitForURL((url) => url.origin === new URL(origin).origin)
}
