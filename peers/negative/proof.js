// DPoP proofs with anything in them, also what no library would sign (RFC 9449 section 4.2).

import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'

const CURVES = { ES256: 'prime256v1', ES256K: 'secp256k1' }

// Node 20 can deadlock when both halves of a generated pair are exported afterwards.
const AS_JWK = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } }

/** A key pair as the client of a test holds it; `publicJwk` is what goes into a proof. */
export function newKey(alg = 'ES256') {
  const { privateKey: privateJwk, publicKey: publicJwk } = alg.startsWith('RS')
    ? generateKeyPairSync('rsa', { modulusLength: 2048, ...AS_JWK })
    : generateKeyPairSync('ec', { namedCurve: CURVES[alg], ...AS_JWK })
  return { alg, publicJwk, privateJwk, privateKey: createPrivateKey({ key: privateJwk, format: 'jwk' }) }
}

/** RFC 7638, for a key on a curve. */
export function thumbprint({ publicJwk: { crv, kty, x, y } }) {
  return sha256(JSON.stringify({ crv, kty, x, y }))
}

export function sha256(text) {
  return createHash('sha256').update(text).digest('base64url')
}

export function base64url(text) {
  return Buffer.from(text).toString('base64url')
}

/** Signs a JWT with this key, whatever its header says. A value `undefined` leaves a member out. */
export function signJwt(key, header, claims) {
  const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.')
  const signature = sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}
