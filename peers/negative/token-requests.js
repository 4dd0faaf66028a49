// The code exchange. What follows `then` is the rightful holder's good exchange of the same code.

import { inWords } from './answers.js'
import { sha256 } from './proof.js'
import { FORM, METHOD, PROOF_STATUS, TWICE, UNKNOWN_CLIENT, matters, refused, right } from './verdict.js'

export const title = 'The code exchange'

/** The exchange of a good code, with something changed. */
const malformed = (name, clause, ours, changes, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => app.exchange(await app.code(), changes),
})

/** A good code presented wrongly, and then by its rightful holder. */
const stolen = (name, clause, ours, present, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => {
    const code = await app.code()
    const answer = await present(app, code)
    return `${inWords(answer)}; then ${inWords(await app.exchange(code))}`
  },
})
const bad = '400 invalid_request'
const badGrant = '400 invalid_grant'
const kept = '400 invalid_grant; then 200'
const noGrantType = '400 unsupported_grant_type'

const MISSING = refused.ours('RFC 6749 section 5.2: a missing or malformed parameter is invalid_request')
const GRANT_TYPE = refused.ours('RFC 6749 section 5.2 has unsupported_grant_type for this')
const VERIFIER = refused.both(
  'RFC 6749 section 5.2 calls a malformed parameter invalid_request, RFC 7636 section 4.6 a wrong verifier invalid_grant',
)
const BURNT = matters(
  refused.both('No standard says what becomes of the code: ours keeps it for its holder; theirs burns it, and who saw it can spoil the login'),
)

export const rows = [
  malformed('grant_type missing', 'AS-TOK-07', bad, { grant_type: undefined }, MISSING),
  malformed('grant_type password', 'AS-TOK-07', noGrantType, { grant_type: 'password', username: 'a', password: 'b' }, GRANT_TYPE),
  malformed('grant_type client_credentials', 'AS-TOK-07', noGrantType, { grant_type: 'client_credentials' }, GRANT_TYPE),
  malformed('grant_type unknown', 'AS-TOK-07', noGrantType, { grant_type: 'urn:x' }, GRANT_TYPE),
  malformed('grant_type twice', 'AS-PAR-02', bad, { grant_type: ['authorization_code', 'authorization_code'] }, TWICE),
  malformed('client_id missing', 'AS-TOK-07', bad, { client_id: undefined }, MISSING),
  malformed('client_id no URL', 'AS-TOK-07', '400 invalid_client', { client_id: 'x' }, UNKNOWN_CLIENT),
  malformed('code missing', 'AS-TOK-07', bad, { code: undefined }, MISSING),
  malformed('code unknown', 'AS-TOK-01', badGrant, { code: `cod-${'0'.repeat(64)}` }),
  malformed('code of another form', 'AS-TOK-01', badGrant, { code: 'AAAA' }),
  malformed('code of 6,000 characters', 'AS-TOK-01', badGrant, { code: 'A'.repeat(6000) }),
  malformed('redirect_uri missing', 'AS-TOK-07', bad, { redirect_uri: undefined }, MISSING),
  malformed('redirect_uri no URI', 'AS-TOK-07', bad, { redirect_uri: 'x' }, MISSING),
  malformed('code_verifier missing', 'AS-TOK-07', bad, { code_verifier: undefined }, MISSING),
  malformed('code_verifier of 3 characters', 'AS-TOK-03', bad, { code_verifier: 'abc' }, VERIFIER),
  malformed('code_verifier of 129 characters', 'AS-TOK-03', bad, { code_verifier: 'x'.repeat(129) }, VERIFIER),
  malformed('code_verifier with other characters', 'AS-TOK-03', bad, { code_verifier: '!'.repeat(43) }, VERIFIER),
  {
    name: 'as JSON',
    clause: 'AS-PAR-02',
    ours: '415 invalid_request',
    verdict: FORM,
    send: async (app) => {
      const body = JSON.stringify(Object.fromEntries(app.exchangeForm(await app.code())))
      return app.post('/oauth/token', body, { headers: { 'Content-Type': 'application/json' } })
    },
  },
  {
    name: 'the parameters in the URL, nothing in the body',
    clause: 'AS-TOK-07',
    ours: bad,
    verdict: MISSING,
    send: async (app) => {
      const query = new URLSearchParams(app.exchangeForm(await app.code()))
      return app.post(`/oauth/token?${query}`, '', { proofs: [app.proof({ path: '/oauth/token' })] })
    },
  },
  { name: 'GET', clause: 'AS-META-13', ours: '405', verdict: METHOD, send: (app) => app.server.send({ path: '/oauth/token' }) },
  stolen('no proof', 'AS-TOK-08', '400 invalid_dpop_proof; then 200', (app, code) => app.exchange(code, {}, { proofs: [] }), PROOF_STATUS),
  stolen(
    'proof for the other endpoint',
    'AS-DPOP-07',
    '400 invalid_dpop_proof; then 200',
    (app, code) => app.exchange(code, {}, { proofs: [app.proof()] }),
    PROOF_STATUS,
  ),
  stolen('proof without nonce', 'AS-TOK-08', '400 use_dpop_nonce; then 200', (app, code) =>
    app.exchange(code, {}, { proofs: [app.proof({ path: '/oauth/token', claims: { nonce: undefined } })] }),
  ),
  stolen('wrong code_verifier', 'AS-TOK-03', kept, (app, code) => app.exchange(code, { code_verifier: 'x'.repeat(43) }), BURNT),
  stolen('code_challenge as the verifier', 'AS-TOK-03', kept, (app, code) => app.exchange(code, { code_verifier: sha256(app.verifier) }), BURNT),
  stolen('other redirect_uri', 'AS-TOK-03', kept, (app, code) => app.exchange(code, { redirect_uri: 'http://127.0.0.1:9/other' }), BURNT),
  stolen(
    'redirect_uri with another port',
    'AS-TOK-03',
    kept,
    (app, code) => app.exchange(code, { redirect_uri: 'http://127.0.0.1:8/callback' }),
    BURNT,
  ),
  stolen('client_id of another app', 'AS-TOK-03', kept, (app, code) => app.exchange(code, { client_id: app.otherApp().clientId }), BURNT),
  stolen('another DPoP key', 'AS-TOK-03', kept, (app, code) => app.otherKey().exchange(code, { code_verifier: app.verifier }), BURNT),
  {
    name: 'the same code twice; then its refresh token',
    clause: 'AS-TOK-02',
    ours: '400 invalid_grant; then 400 invalid_grant',
    send: async (app) => {
      const code = await app.code()
      const tokens = (await app.exchange(code)).json
      const again = await app.exchange(code)
      return `${inWords(again)}; then ${inWords(await app.refresh(tokens.refresh_token))}`
    },
  },
  {
    name: 'a code_challenge for which a code was issued before',
    clause: 'AS-PAR-09',
    ours: bad,
    verdict: right.both('the profile lets it be noticed at the pushed request, as ours does, or at the exchange, as theirs does'),
    send: async (app) => {
      await app.exchange(await app.code())
      const pushed = await app.push({ state: 'another' })
      if (pushed.status !== 201) return pushed
      const url = await app.server.approve(app, pushed.json.request_uri)
      return app.exchange(url.searchParams.get('code'))
    },
  },
  {
    name: 'a state with which an authorization was completed before',
    clause: 'AS-PAR-07',
    ours: bad,
    verdict: right.ours('the profile wants state to be unique; theirs does not look'),
    send: async (app) => {
      await app.exchange(await app.code())
      return app.push({ code_challenge: sha256('another') })
    },
  },
]
