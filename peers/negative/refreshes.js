// The refresh grant. What follows `then` is the rightful holder's good refresh with the same token.

import { inWords } from './answers.js'
import { PROOF_STATUS, TWICE, UNKNOWN_CLIENT, matters, refused, right } from './verdict.js'

export const title = 'The refresh grant'

/** The refresh of a good session, with something changed. */
const malformed = (name, clause, ours, changes, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => app.refresh((await app.login()).refresh, changes),
})

/** A wrong refresh with a session's newest token, then a right one. */
const wrong = (name, clause, ours, present, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => {
    const { refresh } = await app.login()
    const answer = await present(app, refresh)
    return `${inWords(answer)}; then ${inWords(await app.refresh(refresh))}`
  },
})
const badGrant = '400 invalid_grant'
const kept = '400 invalid_grant; then 200'
const badProof = '400 invalid_dpop_proof; then 200'
const badScope = '400 invalid_scope; then 200'
const withClaims = (app, claims) => ({ proofs: [app.proof({ path: '/oauth/token', claims })] })
const ASSERTION = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: 'e30.e30.AAAA' }

const MISSING = refused.ours('RFC 6749 section 5.2: a missing parameter is invalid_request')
const HOLDER = matters(
  refused.both('No standard says what becomes of the session: ours goes on; theirs ends, and who sees a token can log its holder out'),
)
const SCOPE = right.ours('RFC 6749 section 6: the scope must not go beyond the grant. Theirs does not read it, and uses the token up')

export const rows = [
  malformed('refresh_token missing', 'AS-TOK-07', '400 invalid_request', { refresh_token: undefined }, MISSING),
  malformed('refresh_token unknown', 'AS-REF-11', badGrant, { refresh_token: `ref-${'0'.repeat(64)}` }),
  malformed('refresh_token garbage', 'AS-REF-11', badGrant, { refresh_token: 'AAAA' }),
  malformed('client_id missing', 'AS-TOK-07', '400 invalid_request', { client_id: undefined }, MISSING),
  malformed('client_id no URL', 'AS-TOK-07', '400 invalid_client', { client_id: 'x' }, UNKNOWN_CLIENT),
  wrong('no proof', 'AS-TOK-08', badProof, (app, refresh) => app.refresh(refresh, {}, { proofs: [] }), PROOF_STATUS),
  wrong('proof without nonce', 'AS-TOK-08', '400 use_dpop_nonce; then 200', (app, refresh) =>
    app.refresh(refresh, {}, withClaims(app, { nonce: undefined })),
  ),
  wrong(
    'proof for another host',
    'AS-DPOP-07',
    badProof,
    (app, refresh) => app.refresh(refresh, {}, withClaims(app, { htu: 'https://evil.example/oauth/token' })),
    PROOF_STATUS,
  ),
  wrong(
    'refresh_token twice',
    'AS-PAR-02',
    '400 invalid_request; then 200',
    (app, refresh) => app.refresh(refresh, { refresh_token: [refresh, refresh] }),
    TWICE,
  ),
  wrong('another DPoP key', 'AS-REF-02', kept, (app, refresh) => app.otherKey().refresh(refresh), HOLDER),
  wrong('client_id of another app', 'AS-REF-02', kept, (app, refresh) => app.refresh(refresh, { client_id: app.otherApp().clientId }), HOLDER),
  {
    name: 'an access token as refresh_token',
    clause: 'AS-REF-11',
    ours: badGrant,
    send: async (app) => app.refresh((await app.login()).access),
  },
  wrong('scope wider', 'AS-REF-08', badScope, (app, refresh) => app.refresh(refresh, { scope: 'atproto transition:email' }), SCOPE),
  wrong('scope unknown', 'AS-REF-08', badScope, (app, refresh) => app.refresh(refresh, { scope: 'atproto openid' }), SCOPE),
  wrong(
    'client_assertion of a public client',
    'AS-AUTHN-07',
    '400 invalid_client; then 200',
    (app, refresh) => app.refresh(refresh, ASSERTION),
    right.ours('a public client that sends an assertion is not the client it says it is; theirs does not look at it'),
  ),
  {
    name: 'a rotated token at once again, its answer lost; then the newest token',
    clause: 'AS-REF-05',
    ours: '200; then 200',
    verdict: matters(
      right.both(
        'RFC 9700 section 4.14.2 ends a session when a rotated token returns. Ours spares it for 60 s while the successor is unused, for a lost answer',
      ),
    ),
    send: async (app) => {
      const { refresh } = await app.login()
      const first = await app.refresh(refresh)
      const again = await app.refresh(refresh)
      const newest = again.json.refresh_token ?? first.json.refresh_token
      return `${inWords(again)}; then ${inWords(await app.refresh(newest))}`
    },
  },
  {
    name: 'a rotated token after its successor was used; then the newest token',
    clause: 'AS-REF-06',
    ours: '400 invalid_grant; then 400 invalid_grant',
    send: async (app) => {
      const { refresh } = await app.login()
      const second = (await app.refresh(refresh)).json.refresh_token
      const third = (await app.refresh(second)).json.refresh_token
      const replayed = await app.refresh(refresh)
      return `${inWords(replayed)}; then ${inWords(await app.refresh(third))}`
    },
  },
  {
    name: 'two refreshes at the same time',
    clause: 'AS-REF-05',
    ours: '2 of 2 succeed',
    verdict: right.both('no standard asks for it; ours gives both the same successor, theirs answers the other with a 500 or an invalid_grant'),
    send: async (app) => {
      const { refresh } = await app.login()
      const answers = await Promise.all([app.refresh(refresh), app.refresh(refresh)])
      return `${answers.filter(({ status }) => status === 200).length} of 2 succeed`
    },
  },
  {
    name: 'after revocation',
    clause: 'AS-REF-11',
    ours: badGrant,
    send: async (app) => {
      const { refresh } = await app.login()
      await app.revoke(refresh)
      return app.refresh(refresh)
    },
  },
]
