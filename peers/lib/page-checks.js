// What every page must keep to.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import axe from 'axe-core'
import { screenshots } from './browser.js'

const WIDTHS = [390, 1280]
const SCHEMES = ['light', 'dark']
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** Takes the page's pictures, narrow and wide, light and dark, and checks its structure in each. */
export async function checkLooks(page, name) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 600 ? 844 : 800 })
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      const path = join(screenshots, `${name}-${width}-${colorScheme}.png`)
      await page.screenshot({ path, fullPage: true })
    }
    assert.deepEqual(await page.evaluate(faultsOfPage), [], `${name} at ${width} pixels`)
  }
}

/** Runs axe over the page in both colour schemes, contrast included. */
export async function checkAxe(page, name) {
  await page.evaluate(axe.source)
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme })
    const { passes, violations } = await page.evaluate(
      (values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values } }),
      RULES,
    )
    assert.ok(passes.some(({ id }) => id === 'color-contrast'), `${name}: axe could judge the contrast`)
    const found = violations.map(({ id, help, nodes }) => [`${id}: ${help}`, ...nodes.map(({ html }) => html)])
    assert.deepEqual(found, [], `${name} in ${colorScheme} colours`)
  }
}

/** Runs in the page. */
function faultsOfPage() {
  const faults = []
  const root = document.documentElement
  if (!root.lang) faults.push('html has no lang')
  if (!document.title.trim()) faults.push('the page has no title')
  const headings = document.querySelectorAll('h1').length
  if (headings !== 1) faults.push(`${headings} h1 headings`)
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`${root.scrollWidth} pixels wide in a window of ${root.clientWidth}`)
  }
  for (const control of document.querySelectorAll('input, select, textarea, button')) {
    if (control.type === 'hidden' || control.getClientRects().length === 0) continue
    const references = (control.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean)
    const names = [
      ...Array.from(control.labels ?? [], (label) => label.innerText),
      ...references.map((id) => document.getElementById(id)?.innerText ?? ''),
      control.getAttribute('aria-label') ?? '',
      control.tagName === 'BUTTON' ? control.innerText : '',
    ]
    if (!names.some((name) => name.trim())) faults.push(`a control without a name: ${control.outerHTML}`)
  }
  return faults
}
