// Pushed authorization requests: each row changes, removes or doubles something of a good one.

import { base64url, newKey, thumbprint } from './proof.js'
import { FORM, TWICE, UNKNOWN_CLIENT, matters, refused, right } from './verdict.js'

export const title = 'Pushed authorization requests'

const changed = (name, clause, ours, changes, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: (app) => app.push(changes),
})
const sent = (name, clause, ours, make, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: (app) => {
    const good = new URLSearchParams(app.request()).toString()
    const { body = good, headers } = make(good, app)
    return app.post('/oauth/par', body, { headers })
  },
})
const unsigned = (pairs) => `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(Object.fromEntries(pairs)))}.`

const bad = '400 invalid_request'
const badClient = '400 invalid_client'
const badScope = '400 invalid_scope'
const noObjects = '400 request_not_supported'
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const NO_CLIENT = refused.both('RFC 6749 section 5.2 fits twice: a required parameter is missing, and no client is named')
const STATE = matters(right.ours('the profile requires state; RFC 6749 section 3.1 takes an empty parameter as none'))
const STATE_TEXT = right.ours('RFC 6749 appendix A.5: state is printable ASCII')
const CHALLENGE = right.ours('RFC 7636 section 4.2: the S256 challenge is 43 characters of base64url. This one fits no verifier')
const OBJECT = right.ours(
  'RFC 9126 section 3: the parameters are those in the request object. Theirs publishes support and ignores it; ours publishes none',
)
const JKT = refused.ours('RFC 9126 section 2.3 answers as RFC 6749 section 5.2 does; invalid_token is a resource server’s code (RFC 6750)')
const ASSERTION = right.ours('a public client that sends an assertion is not the client it says it is; theirs does not look at it')
const FOREIGN = right.both('RFC 6749 section 3.1: what a server does not know it ignores. Theirs knows it, and refuses this')
const UTF8 = right.ours('RFC 6749 appendix B: the parameters are UTF-8')

export const rows = [
  changed('client_id missing', 'AS-PAR-01', bad, { client_id: undefined }, NO_CLIENT),
  changed('client_id no URL', 'AS-CLI-01', badClient, { client_id: 'abc' }, UNKNOWN_CLIENT),
  changed('client_id plain http', 'AS-CLI-01', badClient, { client_id: 'http://app.example.com/x' }, UNKNOWN_CLIENT),
  changed('client_id an address', 'AS-CLI-01', badClient, { client_id: 'https://127.0.0.1/x' }, UNKNOWN_CLIENT),
  changed('client_id with credentials', 'AS-CLI-01', badClient, { client_id: 'https://a:b@app.example.com/x' }, UNKNOWN_CLIENT),
  changed('client_id with dot segments', 'AS-CLI-01', badClient, { client_id: 'https://app.example.com/a/../x' }, UNKNOWN_CLIENT),
  changed('client_id without a path', 'AS-CLI-01', badClient, { client_id: 'https://app.example.com' }, UNKNOWN_CLIENT),
  changed('client_id with a fragment', 'AS-CLI-01', badClient, { client_id: 'https://app.example.com/x#y' }, UNKNOWN_CLIENT),
  changed('loopback client_id with a port', 'AS-CLI-14', badClient, { client_id: 'http://localhost:3000' }, UNKNOWN_CLIENT),
  changed('loopback client_id with a path', 'AS-CLI-14', badClient, { client_id: 'http://localhost/app' }, UNKNOWN_CLIENT),
  changed('loopback client_id with an unknown parameter', 'AS-CLI-14', badClient, { client_id: 'http://localhost?x=1' }, UNKNOWN_CLIENT),
  changed(
    'loopback client_id with scope twice',
    'AS-CLI-14',
    badClient,
    { client_id: 'http://localhost?scope=atproto&scope=atproto' },
    UNKNOWN_CLIENT,
  ),
  changed(
    'loopback client_id whose scope lacks atproto',
    'AS-CLI-14',
    badClient,
    { client_id: 'http://localhost?scope=openid' },
    UNKNOWN_CLIENT,
  ),
  changed(
    'loopback client_id with an https redirect_uri',
    'AS-CLI-14',
    badClient,
    { client_id: 'http://localhost?redirect_uri=https%3A%2F%2Fevil.example%2Fcb' },
    UNKNOWN_CLIENT,
  ),
  changed('response_type missing', 'AS-PAR-05', bad, { response_type: undefined }),
  changed('response_type token', 'AS-PAR-05', '400 unsupported_response_type', { response_type: 'token' }),
  changed('response_type code id_token', 'AS-PAR-05', '400 unsupported_response_type', { response_type: 'code id_token' }),
  changed(
    'redirect_uri missing',
    'AS-PAR-10',
    bad,
    { redirect_uri: undefined },
    right.ours('the profile requires it in every request; theirs takes the one that the client declares'),
  ),
  changed('redirect_uri not declared', 'AS-CLI-15', bad, { redirect_uri: 'http://127.0.0.1:9/undeclared' }),
  changed('redirect_uri with an added query', 'AS-CLI-15', bad, { redirect_uri: 'http://127.0.0.1:9/callback?x=1' }),
  changed('redirect_uri below the declared one', 'AS-CLI-15', bad, { redirect_uri: 'http://127.0.0.1:9/callback/x' }),
  changed('redirect_uri in another case', 'AS-CLI-15', bad, { redirect_uri: 'http://127.0.0.1:9/Callback' }),
  changed('redirect_uri with a fragment', 'AS-CLI-15', bad, { redirect_uri: 'http://127.0.0.1:9/callback#x' }),
  changed('redirect_uri with credentials', 'AS-CLI-15', bad, { redirect_uri: 'http://a:b@127.0.0.1:9/callback' }),
  changed('redirect_uri localhost', 'AS-CLI-13', bad, { redirect_uri: 'http://localhost:9/callback' }),
  changed('redirect_uri at another host', 'AS-CLI-15', bad, { redirect_uri: 'https://evil.example/callback' }),
  changed('redirect_uri javascript', 'AS-CLI-11', bad, { redirect_uri: 'javascript:alert(1)' }),
  changed('scope missing', 'AS-PAR-11', badScope, { scope: undefined }),
  changed(
    'scope empty',
    'AS-PAR-11',
    badScope,
    { scope: '' },
    refused.ours('RFC 6749 section 3.1 takes an empty parameter as none, and without scope theirs says invalid_scope too'),
  ),
  changed('scope without atproto', 'AS-PAR-11', badScope, { scope: 'transition:generic' }),
  changed('scope openid', 'AS-PAR-11', badScope, { scope: 'atproto openid' }),
  changed('scope not declared', 'AS-PAR-11', badScope, { scope: 'atproto transition:email' }),
  changed('state missing', 'AS-PAR-06', bad, { state: undefined }, STATE),
  changed('state empty', 'AS-PAR-06', bad, { state: '' }, STATE),
  changed('state not ASCII', 'AS-PAR-16', bad, { state: 'é' }, STATE_TEXT),
  changed('state with a NUL', 'AS-PAR-16', bad, { state: 'a\0b' }, STATE_TEXT),
  changed('state with a line break', 'AS-PAR-16', bad, { state: 'a\r\nb' }, STATE_TEXT),
  changed(
    'state of 2,000 characters',
    'AS-PAR-16',
    bad,
    { state: 'x'.repeat(2000) },
    right.both('no standard gives a length; ours stores no more than 1,024'),
  ),
  changed('code_challenge missing', 'AS-PAR-08', bad, { code_challenge: undefined }),
  changed('code_challenge and its method missing', 'AS-PAR-08', bad, { code_challenge: undefined, code_challenge_method: undefined }),
  changed('code_challenge of 3 characters', 'AS-PAR-08', bad, { code_challenge: 'abc' }, CHALLENGE),
  changed('code_challenge of 44 characters', 'AS-PAR-08', bad, { code_challenge: 'A'.repeat(44) }, CHALLENGE),
  changed('code_challenge no base64url', 'AS-PAR-08', bad, { code_challenge: '!'.repeat(43) }, CHALLENGE),
  changed('code_challenge_method missing', 'AS-PAR-08', bad, { code_challenge_method: undefined }),
  changed('code_challenge_method plain', 'AS-PAR-08', bad, { code_challenge_method: 'plain' }),
  changed('code_challenge_method s256', 'AS-PAR-08', bad, { code_challenge_method: 's256' }),
  changed(
    'request_uri in a pushed request',
    'AS-PAR-03',
    bad,
    { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
    right.ours('RFC 9126 section 2.1: must be rejected'),
  ),
  changed('request object among the parameters', 'AS-PAR-13', noObjects, { request: unsigned([]) }, OBJECT),
  changed('request object that is no JWT', 'AS-PAR-13', noObjects, { request: 'x' }, OBJECT),
  {
    name: 'request object alone, without a signature',
    clause: 'AS-PAR-13',
    ours: noObjects,
    send: (app) => app.post('/oauth/par', [['client_id', app.clientId], ['request', unsigned(app.request())]]),
    verdict: refused.ours('RFC 9101 section 7 has codes of its own for this'),
  },
  changed('login_hint no account', 'AS-AUTHZ-04', bad, { login_hint: 'not a handle' }),
  changed('login_hint with a control character', 'AS-PAR-16', bad, { login_hint: 'alice\u0007.test' }),
  changed('prompt unknown', 'AS-AUTHZ-07', bad, { prompt: 'whatever' }),
  changed('prompt none login', 'AS-AUTHZ-07', bad, { prompt: 'none login' }),
  changed('prompt create', 'AS-AUTHZ-07', bad, { prompt: 'create' }, right.both('each as it publishes: theirs signs people up, ours does not')),
  changed('response_mode unknown', 'AS-AUTHZ-14', bad, { response_mode: 'jwt' }),
  changed('display unknown', 'AS-META-10', bad, { display: 'hologram' }),
  changed('ui_locales no language tags', 'AS-META-10', bad, { ui_locales: 'de,fr' }),
  changed('max_age a text', 'AS-PAR-14', '201', { max_age: 'soon' }, FOREIGN),
  changed('nonce of OpenID Connect', 'AS-PAR-14', '201', { nonce: 'x' }, FOREIGN),
  changed('claims of OpenID Connect', 'AS-PAR-14', '201', { claims: '{' }, FOREIGN),
  changed('id_token_hint of OpenID Connect', 'AS-PAR-14', '201', { id_token_hint: 'e30.e30.AAAA' }, FOREIGN),
  changed(
    'authorization_details of an unknown type',
    'AS-PAR-14',
    '201',
    { authorization_details: '[{"type":"x"}]' },
    FOREIGN,
  ),
  changed('dpop_jkt no thumbprint', 'AS-PAR-04', bad, { dpop_jkt: 'x' }, JKT),
  changed('dpop_jkt of another key', 'AS-PAR-04', bad, { dpop_jkt: thumbprint(newKey()) }, JKT),
  changed('an unknown parameter', 'AS-PAR-14', '201', { unknown: '1' }),
  changed('client_secret of a public client', 'AS-PAR-14', '201', { client_secret: 'x' }),
  changed(
    'client_assertion of another type',
    'AS-AUTHN-01',
    badClient,
    { client_assertion_type: 'urn:x', client_assertion: 'e30.e30.AAAA' },
    ASSERTION,
  ),
  changed(
    'client_assertion of a public client',
    'AS-AUTHN-07',
    badClient,
    { client_assertion_type: JWT_BEARER, client_assertion: 'e30.e30.AAAA' },
    ASSERTION,
  ),
  changed('scope twice', 'AS-PAR-02', bad, { scope: ['atproto transition:generic', 'atproto'] }, TWICE),
  changed('state twice', 'AS-PAR-02', bad, { state: ['one', 'two'] }, TWICE),
  changed(
    'redirect_uri twice, one at another host',
    'AS-PAR-02',
    bad,
    { redirect_uri: ['https://evil.example/callback', 'http://127.0.0.1:9/callback'] },
    TWICE,
  ),
  changed('client_id twice', 'AS-PAR-02', bad, { client_id: ['http://localhost', 'http://localhost'] }, TWICE),
  sent(
    'as JSON',
    'AS-PAR-02',
    '415 invalid_request',
    (_, app) => ({ headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(Object.fromEntries(app.request())) }),
    FORM,
  ),
  sent('as plain text', 'AS-PAR-02', '415 invalid_request', () => ({ headers: { 'Content-Type': 'text/plain' } })),
  sent('without a content type', 'AS-PAR-02', '415 invalid_request', () => ({ headers: { 'Content-Type': [] } })),
  sent(
    'a byte that is no UTF-8',
    'AS-PAR-16',
    bad,
    (good) => ({ body: Buffer.concat([Buffer.from(`${good}&x=`), Buffer.from([0xff])]) }),
    UTF8,
  ),
  sent('an escaped byte that is no UTF-8', 'AS-PAR-16', bad, (good) => ({ body: `${good}&x=%FF` }), UTF8),
  sent(
    '100,000 bytes',
    'AS-PAR-02',
    '413 invalid_request',
    (good) => ({ body: `${good}&x=${'a'.repeat(100_000)}` }),
    right.both('no standard gives a length; ours reads no more than 65,536 bytes from a stranger'),
  ),
  sent('an empty body', 'AS-PAR-01', bad, () => ({ body: '' }), NO_CLIENT),
  { name: 'GET', clause: 'AS-META-13', ours: '405', send: (app) => app.server.send({ path: '/oauth/par' }) },
  { name: 'PUT', clause: 'AS-META-13', ours: '405', send: (app) => app.server.send({ method: 'PUT', path: '/oauth/par' }) },
]
