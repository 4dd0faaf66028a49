// The authorization endpoint, as a browser reaches it.

import { redirectInWords } from './answers.js'
import { REDIRECT } from './app.js'
import { authorizePath, openPage } from './person.js'
import { METHOD, matters, right } from './verdict.js'

export const title = 'The authorization endpoint'

const opened = (name, clause, ours, makePath, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => openPage(app.server, await makePath(app)),
})
const query = (parameters) => `/oauth/authorize?${new URLSearchParams(parameters)}`
const bad = '400 page'
const UNKNOWN = `urn:ietf:params:oauth:request_uri:req-${'0'.repeat(32)}`
const EVIL = 'https://evil.example/cb'

const OTHER_CLIENT = right.ours(
  'RFC 6749 section 4.1.2.1: with a wrong client_id nobody is redirected. Theirs sends the browser to the app whose request it was',
)
const PUSHED = matters(
  right.ours('both publish require_pushed_authorization_requests (RFC 9126 section 5); theirs takes the request all the same'),
)

export const rows = [
  opened('no parameters', 'AS-AUTHZ-01', bad, () => '/oauth/authorize'),
  opened('client_id alone', 'AS-AUTHZ-01', bad, (app) => query({ client_id: app.clientId })),
  opened('request_uri alone', 'AS-AUTHZ-01', bad, async (app) => query({ request_uri: await app.requestUri() })),
  opened('request_uri unknown', 'AS-PAR-12', bad, (app) => authorizePath(app, UNKNOWN)),
  opened('request_uri no URN', 'AS-PAR-12', bad, (app) => authorizePath(app, 'https://evil.example/request')),
  opened(
    'request_uri of another client',
    'AS-PAR-12',
    bad,
    async (app) => authorizePath(app.otherApp(), await app.requestUri()),
    OTHER_CLIENT,
  ),
  opened(
    'request_uri that was used',
    'AS-PAR-12',
    bad,
    async (app) => {
      const requestUri = await app.requestUri()
      await app.server.approve(app, requestUri)
      return authorizePath(app, requestUri)
    },
    right.both('neither goes on. Ours tells the person; theirs tells the app, at its declared redirect_uri'),
  ),
  opened(
    'client_id twice',
    'AS-PAR-02',
    bad,
    async (app) => `${authorizePath(app, await app.requestUri())}&client_id=http%3A%2F%2Flocalhost`,
    right.ours('RFC 6749 section 3.1: no parameter more than once. Theirs takes the last one, and redirects for another client'),
  ),
  opened('all parameters in the URL, nothing pushed', 'AS-AUTHZ-01', bad, (app) => query(app.request()), PUSHED),
  opened('a request object in the URL', 'AS-AUTHZ-01', bad, (app) => query({ client_id: app.clientId, request: 'eyJhbGciOiJub25lIn0.e30.' })),
  opened('redirect_uri at another host', 'AS-AUTHZ-02', bad, (app) => query({ client_id: app.clientId, redirect_uri: EVIL })),
  opened(
    'redirect_uri at another host, otherwise good',
    'AS-AUTHZ-02',
    bad,
    (app) => query(app.request({ redirect_uri: EVIL })),
    matters(right.ours('RFC 6749 section 4.1.2.1, RFC 9700 section 4.11.2: an open redirector')),
  ),
  opened('redirect_uri javascript', 'AS-AUTHZ-02', bad, (app) => query(app.request({ redirect_uri: 'javascript:alert(1)' }))),
  opened('response_type wrong, nothing pushed', 'AS-AUTHZ-01', bad, (app) => query(app.request({ response_type: 'token' })), PUSHED),
  {
    name: 'prompt none, nobody signed in',
    clause: 'AS-AUTHZ-06',
    ours: `303 to ${new URL(REDIRECT).origin} with login_required`,
    verdict: right.both(
      'OpenID Connect Core section 3.1.2.6 has login_required; RFC 9126 section 2.3 lets the pushed request be refused already, as theirs is',
    ),
    send: async (app) => {
      const pushed = await app.push({ prompt: 'none' })
      return pushed.status === 201 ? openPage(app.server, authorizePath(app, pushed.json.request_uri)) : pushed
    },
  },
  {
    name: 'login_hint names one account, another one agrees by a hand-made request',
    clause: 'AS-AUTHZ-04',
    ours: 'to its own /oauth/authorize',
    verdict: matters(right.ours('the profile: only the hinted account may answer. Theirs has its page alone see to that')),
    send: async (app) => redirectInWords(await app.server.approve(app, await app.requestUri({ login_hint: 'bob.test' }))),
  },
  {
    name: 'POST',
    clause: 'AS-META-13',
    ours: '405',
    verdict: METHOD,
    send: (app) => app.server.send({ method: 'POST', path: '/oauth/authorize' }),
  },
]
