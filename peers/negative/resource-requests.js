// Calls at the resource server with a token that is good, presented wrongly.

import { randomUUID } from 'node:crypto'
import { SESSION_PATH, now } from './app.js'
import { base64url, newKey, signJwt } from './proof.js'
import { refused, right } from './verdict.js'

export const title = 'Calls at the resource server'
export const atResource = true

const called = (name, clause, ours, send, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => send(app, (await app.login()).access),
})
const headers = (name, clause, ours, make, verdict) =>
  called(name, clause, ours, (app, token) => app.call(token, { headers: make(app, token) }), verdict)
const proofFor = (app, token, more) => app.proof({ method: 'GET', path: SESSION_PATH, token, ...more })
const claims = (name, clause, ours, change) =>
  headers(name, clause, ours, (app, token) => ({ DPoP: proofFor(app, token, { claims: change(app) }) }))
const header = (name, clause, ours, change) =>
  headers(name, clause, ours, (app, token) => ({ DPoP: proofFor(app, token, { header: change(app) }) }))
const payload = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

const badProof = '401 invalid_dpop_proof'
const badToken = '401 invalid_token'
const bad = '400 invalid_request'

const CHALLENGE = right.ours('RFC 9110 section 15.5.2, RFC 6750 section 3: a 401 has a WWW-Authenticate challenge')
const SCHEME = right.ours('RFC 6750 sections 3 and 3.1: 401 with a challenge; RFC 9449 section 7.1 names the scheme')
const ONE_TOKEN = right.ours('RFC 6750 section 3.1: one token, sent in one way, else invalid_request')

export const rows = [
  headers('no credentials', 'RS-ERR-01', '401 challenge', () => ({ Authorization: undefined, DPoP: undefined }), CHALLENGE),
  headers('a proof, no token', 'RS-ERR-01', '401 challenge', () => ({ Authorization: undefined }), CHALLENGE),
  headers('scheme Basic', 'RS-ERR-01', '401 challenge', () => ({ Authorization: 'Basic YTpi', DPoP: undefined }), SCHEME),
  headers('scheme in small letters', 'RS-TOK-01', '200', (_, token) => ({ Authorization: `dpop ${token}` })),
  headers('the token as Bearer', 'RS-TOK-01', badToken, (_, token) => ({ Authorization: `Bearer ${token}`, DPoP: undefined }), SCHEME),
  headers('the token as Bearer, with a proof', 'RS-TOK-01', badToken, (_, token) => ({ Authorization: `Bearer ${token}` }), SCHEME),
  headers('two Authorization headers', 'RS-DPOP-04', bad, (_, token) => ({ Authorization: [`DPoP ${token}`, `DPoP ${token}`] }), ONE_TOKEN),
  headers(
    'Authorization without a token',
    'RS-DPOP-04',
    bad,
    () => ({ Authorization: 'DPoP ' }),
    refused.ours('RFC 6750 section 3 has a challenge with the error'),
  ),
  called(
    'the token in the URL',
    'RS-DPOP-04',
    bad,
    (app, token) => app.call(token, { query: `?access_token=${token}`, headers: { Authorization: undefined } }),
    CHALLENGE,
  ),
  called(
    'the token in the header and the URL',
    'RS-DPOP-04',
    bad,
    (app, token) => app.call(token, { query: `?access_token=${token}` }),
    ONE_TOKEN,
  ),
  called(
    'the token in the body',
    'RS-DPOP-04',
    '401 challenge',
    (app, token) =>
      app.call(token, {
        method: 'POST',
        path: '/xrpc/com.atproto.repo.createRecord',
        headers: { 'Authorization': undefined, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `access_token=${token}`,
      }),
    CHALLENGE,
  ),
  headers('a token of garbage', 'RS-TOK-02', badToken, (app) => ({ Authorization: 'DPoP garbage', DPoP: proofFor(app, 'garbage') })),
  called('a token with another sub, not signed again', 'RS-TOK-02', badToken, (app, token) => {
    const [head, , signature] = token.split('.')
    const other = { ...payload(token), sub: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
    return app.call(`${head}.${base64url(JSON.stringify(other))}.${signature}`)
  }),
  called('a token with alg none', 'RS-TOK-02', badToken, (app, token) =>
    app.call(`${base64url('{"typ":"at+jwt","alg":"none"}')}.${token.split('.')[1]}.`),
  ),
  called('a token signed by a stranger', 'RS-TOK-02', badToken, (app, token) =>
    app.call(signJwt(newKey(), { typ: 'at+jwt', alg: 'ES256' }, payload(token))),
  ),
  called('a DPoP proof as the token', 'RS-TOK-02', badToken, (app) => app.call(proofFor(app))),
  called('a token of the other server', 'RS-TOK-04', badToken, (app) => app.call(app.server.other.accessToken)),
  {
    name: 'the refresh token as access token',
    clause: 'RS-TOK-02',
    ours: badToken,
    send: async (app) => app.call((await app.login()).refresh),
  },
  called('another DPoP key', 'RS-TOK-03', badToken, (app, token) => app.otherKey().call(token)),
  headers('no proof', 'RS-DPOP-01', badProof, () => ({ DPoP: undefined })),
  headers('two proofs', 'RS-DPOP-01', badProof, (app, token) => ({ DPoP: [proofFor(app, token), proofFor(app, token)] })),
  headers('a proof that is no JWT', 'RS-DPOP-01', badProof, () => ({ DPoP: 'x.y' })),
  headers('proof without ath', 'RS-DPOP-02', badProof, (app) => ({ DPoP: proofFor(app) })),
  headers('ath of another token', 'RS-DPOP-02', badProof, (app) => ({ DPoP: proofFor(app, 'other') })),
  claims('ath in hexadecimal', 'RS-DPOP-02', badProof, () => ({ ath: 'ab'.repeat(32) })),
  claims('htm of another method', 'AS-DPOP-06', badProof, () => ({ htm: 'POST' })),
  claims('htm in small letters', 'AS-DPOP-06', badProof, () => ({ htm: 'get' })),
  claims('htu of another path', 'AS-DPOP-07', badProof, (app) => ({ htu: `${app.server.origin}/xrpc/com.atproto.repo.listRecords` })),
  claims('htu of another host', 'AS-DPOP-07', badProof, () => ({ htu: `https://evil.example${SESSION_PATH}` })),
  claims('htu with a query', 'AS-DPOP-07', '200', (app) => ({ htu: `${app.server.origin}${SESSION_PATH}?x=1` })),
  claims('iat an hour ago', 'AS-DPOP-08', badProof, () => ({ iat: now() - 3600 })),
  claims('iat in an hour', 'AS-DPOP-08', badProof, () => ({ iat: now() + 3600 })),
  claims('no nonce', 'RS-DPOP-03', '401 use_dpop_nonce', () => ({ nonce: undefined })),
  claims('nonce of the other server', 'RS-DPOP-03', '401 use_dpop_nonce', (app) => ({ nonce: app.server.other.nonce })),
  header('typ JWT', 'AS-DPOP-02', badProof, () => ({ typ: 'JWT' })),
  header('alg none', 'AS-DPOP-02', badProof, () => ({ alg: 'none' })),
  header('jwk with its private part', 'AS-DPOP-03', badProof, (app) => ({ jwk: app.key.privateJwk })),
  called('the same proof twice', 'AS-DPOP-11', badProof, async (app, token) => {
    const DPoP = proofFor(app, token, { claims: { jti: randomUUID() } })
    await app.call(token, { headers: { DPoP } })
    return app.call(token, { headers: { DPoP } })
  }),
  called('after revocation', 'RS-TOK-05', badToken, async (app, token) => {
    await app.revoke(token)
    return app.call(token)
  }),
  {
    name: 'scope too small',
    clause: 'RS-ERR-01',
    ours: '403 insufficient_scope',
    options: { scope: 'atproto' },
    verdict: refused.ours('RFC 6750 section 3.1: insufficient_scope, in a challenge that names the scope'),
    send: async (app) => {
      const { access } = await app.login()
      const record = { $type: 'app.example.note', text: 'x' }
      return app.call(access, {
        method: 'POST',
        path: '/xrpc/com.atproto.repo.createRecord',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ repo: app.server.account.did, collection: 'app.example.note', record }),
      })
    },
  },
]
