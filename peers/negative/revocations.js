// Revocation. What follows `then` is the holder's refresh afterwards: 200 while the session lives.

import { inWords } from './answers.js'
import { METHOD, PROOF_STATUS, TWICE, matters, right } from './verdict.js'

export const title = 'Revocation'

const plain = (name, clause, ours, send, verdict) => ({ name, clause, ours, verdict, send })
const revoked = (name, clause, ours, revoke, verdict) => ({
  name,
  clause,
  ours,
  verdict,
  send: async (app) => {
    const tokens = await app.login()
    const answer = await revoke(app, tokens)
    return `${inWords(answer)}; then ${inWords(await app.refresh(tokens.refresh))}`
  },
})

export const rows = [
  plain('token missing', 'AS-REV-01', '400 invalid_request', (app) => app.revoke(undefined)),
  plain('client_id missing', 'AS-REV-01', '400 invalid_request', (app) => app.revoke('x', { client_id: undefined })),
  plain(
    'client_id no URL',
    'AS-REV-03',
    '400 invalid_client',
    (app) => app.revoke('x', { client_id: 'x' }),
    right.ours('RFC 7009 section 2.1: the client is checked first, and is told. Theirs says 200 to whatever goes wrong'),
  ),
  plain('token unknown', 'AS-REV-01', '200', (app) => app.revoke('AAAA')),
  plain('token twice', 'AS-PAR-02', '400 invalid_request', (app) => app.revoke(['x', 'y']), TWICE),
  plain('GET', 'AS-META-13', '405', (app) => app.server.send({ path: '/oauth/revoke' }), METHOD),
  revoked('the refresh token', 'AS-REV-01', '200; then 400 invalid_grant', (app, { refresh }) => app.revoke(refresh)),
  revoked('the access token', 'AS-REV-01', '200; then 400 invalid_grant', (app, { access }) => app.revoke(access)),
  revoked(
    'without a proof',
    'AS-REV-01',
    '200; then 400 invalid_grant',
    (app, { refresh }) => app.revoke(refresh, {}, { proofs: [] }),
    matters(right.ours('RFC 7009 section 2.2: 200 says that the token is revoked. Theirs says it and keeps the session')),
  ),
  revoked(
    'with a broken proof',
    'AS-DPOP-01',
    '400 invalid_dpop_proof; then 200',
    (app, { refresh }) => app.revoke(refresh, {}, { proofs: ['x.y'] }),
    PROOF_STATUS,
  ),
  revoked(
    'by another DPoP key',
    'AS-REV-02',
    '400 invalid_grant; then 200',
    (app, { refresh }) => app.otherKey().revoke(refresh),
    right.ours('neither revokes. RFC 7009 section 2.1 has the client informed of it; theirs says 200'),
  ),
  revoked(
    'by another client',
    'AS-REV-02',
    '400 invalid_grant; then 200',
    (app, { refresh }) => app.otherApp().revoke(refresh),
    right.ours('neither revokes. RFC 7009 section 2.1 has the client informed of it; theirs says 200'),
  ),
]
