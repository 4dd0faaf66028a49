// DPoP requests made by hand, for what a client library would never send.

import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto'

/**
 * Sends a request with a proof of this key, and once more when the server asks for its nonce.
 * `token` is an access token to present (RFC 9449 section 7.1).
 */
export async function dpopFetch(url, { dpopJwk, token, ...init }) {
  const send = (nonce) => {
    const headers = new Headers(init.headers)
    headers.set('DPoP', proof({ dpopJwk, method: init.method ?? 'GET', url, token, nonce }))
    if (token) headers.set('Authorization', `DPoP ${token}`)
    return fetch(url, { ...init, headers })
  }
  const first = await send(undefined)
  const nonce = first.headers.get('DPoP-Nonce')
  if (!nonce || ![400, 401].includes(first.status)) return first
  const challenge = first.headers.get('WWW-Authenticate') ?? (await first.clone().text())
  return challenge.includes('use_dpop_nonce') ? send(nonce) : first
}

/** The refresh grant with a saved session of the official client, sent past that client. */
export async function refreshByHand({ dpopJwk, tokenSet }, clientId) {
  const response = await dpopFetch(`${tokenSet.iss}/oauth/token`, {
    method: 'POST',
    dpopJwk,
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: tokenSet.refresh_token,
      client_id: clientId,
    }),
  })
  return { status: response.status, body: await response.json() }
}

/** A proof as RFC 9449 section 4.2 describes it. */
function proof({ dpopJwk, method, url, token, nonce }) {
  const { kty, crv, x, y } = dpopJwk
  const { origin, pathname } = new URL(url)
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
  const claims = {
    jti: randomUUID(),
    htm: method,
    htu: origin + pathname,
    iat: Math.floor(Date.now() / 1000),
    nonce,
    ath: token && createHash('sha256').update(token).digest('base64url'),
  }
  const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.')
  const key = createPrivateKey({ key: dpopJwk, format: 'jwk' })
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function base64url(text) {
  return Buffer.from(text).toString('base64url')
}
