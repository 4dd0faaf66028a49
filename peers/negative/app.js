// A public loopback client made by hand, with one DPoP key: it sends what no library would.

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { newKey, sha256, signJwt } from './proof.js'

/** Nobody listens there: the redirect itself is read. */
export const REDIRECT = 'http://127.0.0.1:9/callback'
export const SESSION_PATH = '/xrpc/com.atproto.server.getSession'
const SCOPE = 'atproto transition:generic'

export class App {
  constructor(server, { scope = SCOPE, redirectUri = REDIRECT } = {}) {
    this.server = server
    this.scope = scope
    this.redirectUri = redirectUri
    this.clientId = `http://localhost?${new URLSearchParams({ redirect_uri: redirectUri, scope })}`
    this.key = newKey()
    this.verifier = randomBytes(32).toString('base64url')
    this.state = randomUUID()
  }

  /** Another app on the same server: another client id, another key. */
  otherApp() {
    return new App(this.server, { redirectUri: 'http://127.0.0.1:9/other' })
  }

  /** The same app with another key, as a thief of its tokens would be. */
  otherKey() {
    return new App(this.server, { scope: this.scope, redirectUri: this.redirectUri })
  }

  /** A good proof, but for what `header` and `claims` change; `undefined` leaves a member out. */
  proof({ path = '/oauth/par', method = 'POST', token, header, claims, key = this.key } = {}) {
    const fullHeader = { typ: 'dpop+jwt', alg: key.alg, jwk: key.publicJwk, ...header }
    const fullClaims = {
      jti: randomUUID(),
      htm: method,
      htu: this.server.origin + path,
      iat: now(),
      nonce: this.server.nonce,
      ath: token && sha256(token),
      ...claims,
    }
    return signJwt(key, fullHeader, fullClaims)
  }

  /** Posts a form. `proofs` are the DPoP headers, a good one unless the row says otherwise. */
  post(path, parameters, { proofs = [this.proof({ path })], headers } = {}) {
    const body = Array.isArray(parameters) ? new URLSearchParams(parameters).toString() : parameters
    const form = { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
    if (proofs.length > 0) form.DPoP = proofs
    return this.server.send({ method: 'POST', path, headers: form, body })
  }

  request(changes) {
    const good = {
      client_id: this.clientId,
      response_type: 'code',
      redirect_uri: this.redirectUri,
      scope: this.scope,
      state: this.state,
      code_challenge: sha256(this.verifier),
      code_challenge_method: 'S256',
    }
    return change(good, changes)
  }

  /** Pushes the good request, changed. */
  push(changes, options) {
    return this.post('/oauth/par', this.request(changes), options)
  }

  exchangeForm(code, changes) {
    const good = {
      grant_type: 'authorization_code',
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      code,
      code_verifier: this.verifier,
    }
    return change(good, changes)
  }

  exchange(code, changes, options) {
    return this.post('/oauth/token', this.exchangeForm(code, changes), options)
  }

  refresh(token, changes, options) {
    const good = { grant_type: 'refresh_token', client_id: this.clientId, refresh_token: token }
    return this.post('/oauth/token', change(good, changes), options)
  }

  revoke(token, changes, options) {
    return this.post('/oauth/revoke', change({ client_id: this.clientId, token }, changes), options)
  }

  /** Calls the resource server. `headers` replace the good ones; `undefined` leaves one out. */
  call(token, { method = 'GET', path = SESSION_PATH, query = '', headers, body } = {}) {
    const good = { Authorization: `DPoP ${token}`, DPoP: this.proof({ method, path, token }) }
    const all = Object.entries({ ...good, ...headers }).filter(([, value]) => value !== undefined)
    return this.server.send({ method, path: path + query, headers: Object.fromEntries(all), body })
  }

  async requestUri(changes) {
    const answer = await this.push(changes)
    assert.equal(answer.status, 201, `${this.server.name}: ${answer.text}`)
    return answer.json.request_uri
  }

  /** A fresh code for a request that the person agreed to. */
  async code(changes) {
    const url = await this.server.approve(this, await this.requestUri(changes))
    const code = url.searchParams.get('code')
    assert.ok(code, `${this.server.name}: no code in ${url}`)
    return code
  }

  async login() {
    const answer = await this.exchange(await this.code())
    assert.equal(answer.status, 200, `${this.server.name}: ${answer.text}`)
    return { access: answer.json.access_token, refresh: answer.json.refresh_token }
  }
}

export function now() {
  return Math.floor(Date.now() / 1000)
}

/** The pairs of a form: `undefined` removes a parameter, a list repeats it. */
function change(good, changes = {}) {
  return Object.entries({ ...good, ...changes }).flatMap(([name, value]) =>
    [value].flat().filter((one) => one !== undefined).map((one) => [name, one]),
  )
}
