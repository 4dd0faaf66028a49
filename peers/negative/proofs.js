// DPoP proofs at the pushed-request endpoint: each row spoils one thing of a good proof.

import { randomUUID } from 'node:crypto'
import { now } from './app.js'
import { base64url, newKey } from './proof.js'
import { PROOF_STATUS, matters, right } from './verdict.js'

export const title = 'DPoP proofs at the authorization server'

const bad = '400 invalid_dpop_proof'
const needsNonce = '400 use_dpop_nonce'

/** Where ours calls the proof bad, theirs mostly does too, with another status. */
const sent = (name, clause, ours, make, verdict = ours === bad ? PROOF_STATUS : undefined) => ({
  name,
  clause,
  ours,
  verdict,
  send: (app) => app.push({}, { proofs: [make(app)].flat() }),
})
const made = (change, app) => (typeof change === 'function' ? change(app) : change)
const header = (name, clause, ours, change, verdict) =>
  sent(name, clause, ours, (app) => app.proof({ header: made(change, app) }), verdict)
const claims = (name, clause, ours, change, verdict) =>
  sent(name, clause, ours, (app) => app.proof({ claims: made(change, app) }), verdict)
const htu = (name, ours, change, verdict) =>
  claims(name, 'AS-DPOP-07', ours, (app) => ({ htu: change(app.server.origin) }), verdict)

const ALGORITHM = right.both('each as it publishes: theirs lists ten algorithms, ours ES256, which every client must have')
const PURPOSE = right.ours('RFC 7517 sections 4.2 and 4.4: the key itself says that it is not for this')
const QUERY = right.ours('RFC 9449 section 4.2: htu is the URL without query and fragment. Theirs forgives old clients')
const CLOCK = right.both(
  'RFC 9449 section 11.1 leaves the window to the server; ours has the nonce vouch for freshness, so that a wrong clock locks nobody out',
)

export const rows = [
  sent(
    'no proof',
    'AS-PAR-04',
    bad,
    () => [],
    matters(right.ours('the profile has DPoP begin with the pushed request. Theirs binds no key until the token endpoint')),
  ),
  sent('two proofs in two headers', 'AS-DPOP-01', bad, (app) => [app.proof(), app.proof()]),
  sent('two proofs in one header', 'AS-DPOP-01', bad, (app) => `${app.proof()}, ${app.proof()}`),
  sent('an empty header', 'AS-DPOP-01', bad, () => ['']),
  sent('no JWT', 'AS-DPOP-01', bad, () => 'x.y'),
  sent('a JOSE header that is no JSON', 'AS-DPOP-01', bad, () => `${base64url('{')}.e30.AAAA`),
  sent('7,000 bytes of nothing', 'AS-DPOP-01', bad, () => `${base64url('{'.repeat(2600))}.${base64url('{'.repeat(2600))}.AAAA`),
  sent('3,000 nested arrays', 'AS-DPOP-01', bad, () => `${base64url('['.repeat(3000))}.e30.AAAA`),
  sent('base64 with padding', 'AS-DPOP-01', bad, (app) => `${app.proof()}==`, right.ours('RFC 7515 section 2: base64url without padding')),
  header('typ JWT', 'AS-DPOP-02', bad, { typ: 'JWT' }),
  header('no typ', 'AS-DPOP-02', bad, { typ: undefined }),
  header(
    'typ application/dpop+jwt',
    'AS-DPOP-02',
    bad,
    { typ: 'application/dpop+jwt' },
    right.both('RFC 9449 section 4.3 wants the value dpop+jwt; to RFC 7515 section 4.1.9 the two are one media type'),
  ),
  header('alg none, signed all the same', 'AS-DPOP-02', bad, { alg: 'none' }),
  sent('alg none, no signature', 'AS-DPOP-02', bad, (app) => app.proof({ header: { alg: 'none' } }).replace(/[^.]+$/, '')),
  header('alg HS256', 'AS-DPOP-02', bad, { alg: 'HS256' }),
  header('alg ES256K over a P-256 key', 'AS-DPOP-02', bad, { alg: 'ES256K' }),
  header('alg ES384 over a P-256 key', 'AS-DPOP-02', bad, { alg: 'ES384' }),
  sent('alg ES256K, a secp256k1 key', 'AS-META-06', bad, (app) => app.proof({ key: newKey('ES256K') }), ALGORITHM),
  sent('alg RS256, an RSA key', 'AS-META-06', bad, (app) => app.proof({ key: newKey('RS256') }), ALGORITHM),
  header('crit of a registered claim', 'AS-DPOP-03', bad, { crit: ['exp'] }),
  header('crit of an unknown extension', 'AS-DPOP-03', bad, { crit: ['x'], x: 1 }),
  header('crit empty', 'AS-DPOP-03', bad, { crit: [] }),
  header('no jwk', 'AS-DPOP-03', bad, { jwk: undefined }),
  header('no jwk, but a jku', 'AS-DPOP-03', bad, { jwk: undefined, jku: 'https://evil.example/keys' }),
  header('jwk with its private part', 'AS-DPOP-03', bad, (app) => ({ jwk: app.key.privateJwk })),
  header('jwk symmetric', 'AS-DPOP-03', bad, { jwk: { kty: 'oct', k: 'AAAA' } }),
  header('jwk off the curve', 'AS-DPOP-03', bad, ({ key: { publicJwk } }) => ({ jwk: { ...publicJwk, x: publicJwk.y } })),
  header('jwk a text', 'AS-DPOP-03', bad, { jwk: 'x' }),
  header('jwk for encryption', 'AS-DPOP-03', bad, ({ key }) => ({ jwk: { ...key.publicJwk, use: 'enc' } }), PURPOSE),
  header('jwk for another alg', 'AS-DPOP-03', bad, ({ key }) => ({ jwk: { ...key.publicJwk, alg: 'ES384' } }), PURPOSE),
  header('jwk of another key than the signature', 'AS-DPOP-04', bad, () => ({ jwk: newKey().publicJwk })),
  sent('signature cut short', 'AS-DPOP-04', bad, (app) => app.proof().slice(0, -8)),
  sent('claims of one proof, signature of another', 'AS-DPOP-04', bad, (app) => {
    const [one, two] = [app.proof(), app.proof()].map((proof) => proof.split('.'))
    return `${one[0]}.${one[1]}.${two[2]}`
  }),
  claims('no jti', 'AS-DPOP-05', bad, { jti: undefined }),
  claims('jti empty', 'AS-DPOP-05', bad, { jti: '' }),
  claims('jti a number', 'AS-DPOP-05', bad, { jti: 7 }),
  claims(
    'jti of 5,000 characters',
    'AS-DPOP-05',
    bad,
    () => ({ jti: randomUUID() + 'x'.repeat(5000) }),
    right.both('RFC 9449 section 11.1 lets a server bound what it stores; theirs stores it'),
  ),
  claims('no htm', 'AS-DPOP-05', bad, { htm: undefined }),
  claims('htm GET', 'AS-DPOP-06', bad, { htm: 'GET' }),
  claims('htm in small letters', 'AS-DPOP-06', bad, { htm: 'post' }),
  claims('no htu', 'AS-DPOP-05', bad, { htu: undefined }),
  htu('htu a path only', bad, () => '/oauth/par'),
  htu('htu of another endpoint', bad, (origin) => `${origin}/oauth/token`),
  htu('htu of another host', bad, () => 'https://evil.example/oauth/par'),
  htu('htu of another scheme', bad, (origin) => `${origin.replace('http:', 'https:')}/oauth/par`),
  htu('htu with a slash at the end', bad, (origin) => `${origin}/oauth/par/`),
  htu('htu with the path in capitals', bad, (origin) => `${origin}/OAuth/par`),
  htu('htu with credentials', bad, (origin) => `${origin.replace('//', '//a:b@')}/oauth/par`),
  htu('htu with a query', bad, (origin) => `${origin}/oauth/par?x=1`, QUERY),
  htu('htu with a fragment', bad, (origin) => `${origin}/oauth/par#x`, QUERY),
  htu('htu with the host in capitals', '201', (origin) => `${origin.replace('localhost', 'LOCALHOST')}/oauth/par`),
  claims('no iat', 'AS-DPOP-05', bad, { iat: undefined }),
  claims('iat a text', 'AS-DPOP-05', bad, () => ({ iat: String(now()) })),
  claims('iat an hour ago', 'AS-DPOP-08', bad, () => ({ iat: now() - 3600 })),
  claims('iat 5 minutes ago, fresh nonce', 'AS-DPOP-13', '201', () => ({ iat: now() - 300 }), CLOCK),
  claims('iat in 5 minutes, fresh nonce', 'AS-DPOP-13', '201', () => ({ iat: now() + 300 }), CLOCK),
  claims('iat in an hour', 'AS-DPOP-08', bad, () => ({ iat: now() + 3600 })),
  claims('iat negative', 'AS-DPOP-08', bad, { iat: -1 }),
  claims('iat the smallest integer', 'AS-DPOP-08', bad, { iat: Number.MIN_SAFE_INTEGER }),
  claims('iat 2^64', 'AS-DPOP-08', bad, { iat: 2 ** 64 }),
  claims('iat 1e308', 'AS-DPOP-08', bad, { iat: 1e308 }),
  claims('iat 1.5', 'AS-DPOP-08', bad, { iat: 1.5 }),
  claims('iat now and a half', 'AS-DPOP-05', '201', () => ({ iat: now() + 0.5 })),
  claims('exp in the past', 'AS-DPOP-05', bad, () => ({ exp: now() - 3600 })),
  claims('nbf in an hour', 'AS-DPOP-05', bad, () => ({ nbf: now() + 3600 })),
  claims(
    'ath where no token is presented',
    'AS-DPOP-05',
    '201',
    { ath: 'x' },
    right.both('RFC 9449 section 4.3 doesn’t ask for its absence'),
  ),
  claims('no nonce', 'AS-DPOP-09', needsNonce, { nonce: undefined }),
  claims('nonce empty', 'AS-DPOP-09', needsNonce, { nonce: '' }),
  claims('nonce made up', 'AS-DPOP-09', needsNonce, { nonce: 'A'.repeat(27) }),
  claims('nonce of the other server', 'AS-DPOP-09', needsNonce, (app) => ({ nonce: app.server.other.nonce })),
  claims('nonce a number', 'AS-DPOP-09', bad, { nonce: 7 }),
  {
    name: 'the same proof twice',
    clause: 'AS-DPOP-11',
    ours: bad,
    verdict: PROOF_STATUS,
    send: async (app) => {
      const proofs = [app.proof()]
      await app.push({}, { proofs })
      return app.push({}, { proofs })
    },
  },
  {
    name: 'the same jti, signed anew',
    clause: 'AS-DPOP-11',
    ours: bad,
    verdict: PROOF_STATUS,
    send: async (app) => {
      const claims = { jti: randomUUID() }
      await app.push({}, { proofs: [app.proof({ claims })] })
      return app.push({}, { proofs: [app.proof({ claims })] })
    },
  },
  {
    name: 'the same jti at another endpoint',
    clause: 'AS-DPOP-11',
    ours: bad,
    verdict: PROOF_STATUS,
    send: async (app) => {
      const claims = { jti: randomUUID() }
      await app.push({}, { proofs: [app.proof({ claims })] })
      return app.refresh('x', {}, { proofs: [app.proof({ path: '/oauth/token', claims })] })
    },
  },
]
