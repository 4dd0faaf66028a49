// The person in front of each server's pages, without a browser: our forms, and the JSON calls that
// the scripts of the official pages make. Each signs in once and stays signed in.

import assert from 'node:assert/strict'

const NAVIGATION = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Site': 'none' }

/** The URL that an app sends a browser to. */
export function authorizePath(app, requestUri, more = {}) {
  const query = new URLSearchParams({ client_id: app.clientId, request_uri: requestUri, ...more })
  return `/oauth/authorize?${query}`
}

/** Opens a page as a browser with an empty profile does. */
export function openPage(server, path) {
  return server.send({ path, headers: { ...NAVIGATION, Accept: 'text/html' } })
}

/** The person at our pages. */
export function atOurPages(server) {
  const cookies = new Cookies(server)
  const submit = (path, fields) => {
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Origin': server.origin,
      'Sec-Fetch-Site': 'same-origin',
    }
    return cookies.send({ method: 'POST', path, headers, body: new URLSearchParams(fields).toString() })
  }
  let signedIn = false
  return async (app, requestUri) => {
    const common = { client_id: app.clientId, request_uri: requestUri }
    const { did, handle, password } = server.account
    if (!signedIn) {
      const page = await cookies.send({ path: authorizePath(app, requestUri) })
      const fields = { ...common, csrf: hidden(page, 'csrf'), identifier: handle, password, remember: 'on' }
      const answer = await submit('/oauth/authorize/sign-in', fields)
      assert.equal(answer.status, 303, answer.text)
      signedIn = true
    }
    const page = await cookies.send({ path: authorizePath(app, requestUri, { account: did }) })
    const fields = { ...common, csrf: hidden(page, 'csrf'), account: did, decision: 'authorize' }
    const answer = await submit('/oauth/authorize/decide', fields)
    assert.equal(answer.status, 303, answer.text)
    return new URL(answer.headers.location, server.origin)
  }
}

/** The person at the official pages. */
export function atOfficialPages(server) {
  const cookies = new Cookies(server)
  const call = async (name, referrer, input) => {
    const answer = await cookies.send({
      method: input ? 'POST' : 'GET',
      path: `/@atproto/oauth-provider/~api/${name}`,
      headers: {
        ...(input && { 'Content-Type': 'application/json' }),
        'Origin': server.origin,
        'Referer': server.origin + referrer,
        'Sec-Fetch-Mode': 'same-origin',
        'Sec-Fetch-Site': 'same-origin',
        'X-CSRF-Token': cookies.get('csrf-token'),
      },
      body: input && JSON.stringify(input),
    })
    assert.equal(answer.status, 200, `${name}: ${answer.text}`)
    return answer.json
  }
  return async (app, requestUri) => {
    const path = authorizePath(app, requestUri)
    const page = await cookies.send({ path, headers: NAVIGATION })
    assert.equal(page.status, 200, page.text)
    const { did, handle, password } = server.account
    // A code that was used twice also signs the browser out there.
    const signedIn = await call('device-sessions', path)
    if (signedIn.length === 0) {
      await call('sign-in', path, { locale: 'en', username: handle, password, remember: true })
    }
    const { url } = await call('consent', path, { sub: did })
    // Their script goes there by way of a page that redirects.
    const { redirect_uri: to, redirect_mode: mode, ...answer } = Object.fromEntries(new URL(url).searchParams)
    return new URL(`${to}?${new URLSearchParams(answer)}`)
  }
}

/** A browser's cookies for one server. */
class Cookies {
  #jar = new Map()

  constructor(server) {
    this.server = server
  }

  get(name) {
    return this.#jar.get(name)
  }

  async send({ headers, ...request }) {
    const cookie = [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await this.server.send({ ...request, headers: { ...headers, ...(cookie && { Cookie: cookie }) } })
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/)
      this.#jar.set(name, value)
    }
    return answer
  }
}

/** The value of a hidden field of our pages. */
function hidden(page, name) {
  const [field] = page.text.match(new RegExp(`<input[^>]*name="${name}"[^>]*>`)) ?? []
  assert.ok(field, `no field ${name} in ${page.status} ${page.text}`)
  return field.match(/value="([^"]*)"/)[1]
}
