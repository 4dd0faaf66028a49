// Two unmodified official PDSes behind one `atpass serve`: accounts that sign up on its pages, one that was
// made by its PDS before, the official client as each of them, apps that know no OAuth, and everything that
// such a PDS forwards to its entryway.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as library from '@atproto/oauth-client-node'
import { startApp } from './lib/app.js'
import { authorize, launchBrowser, signIn, withPage } from './lib/browser.js'
import { refreshByHand } from './lib/dpop.js'
import { good, makeEntryway, makePds, startDirectory, xrpc } from './lib/entryway.js'
import { storeIn } from './lib/store.js'

const COLLECTION = 'app.example.note'
const PASSWORD = 'correct horse battery'
const SCOPE = 'atproto transition:generic transition:email identity:handle account:email?action=manage'

let directory, one, two, entryway, browser, app
const people = {
  alice: { handle: 'alice.one.test', email: 'alice@example.com' },
  bob: { handle: 'bob.two.test', email: 'bob@example.com' },
  carol: { handle: 'carol.two.test', email: 'carol@example.com' },
}

before(async () => {
  directory = await startDirectory()
  one = await makePds('one', directory.directory)
  two = await makePds('two', directory.directory)

  // Carol's account is older than the entryway.
  await two.start()
  const carol = await good(two.origin, 'com.atproto.server.createAccount', {
    input: { handle: people.carol.handle, email: people.carol.email, password: PASSWORD },
  })
  people.carol.did = carol.did
  const appPassword = await good(two.origin, 'com.atproto.server.createAppPassword', {
    token: carol.accessJwt,
    input: { name: 'old app' },
  })
  people.carol.appPassword = appPassword.password
  await two.stop()

  entryway = await makeEntryway([one, two], directory.directory)
  const environment = await entryway.environment()
  await one.start(environment)
  await two.start(environment)
  await entryway.start()
  browser = await launchBrowser()
  app = await startApp()
})

after(async () => {
  await app?.close()
  await browser?.close()
  await entryway?.stop()
  for (const pds of [one, two]) await pds?.stop()
  await directory?.stop()
  for (const part of [entryway, one, two]) part?.remove()
})

/** The official client, as one app of one person. */
function makeClient(scope = SCOPE) {
  const sessions = new Map()
  const clientMetadata = library.buildAtprotoLoopbackClientMetadata({ scope, redirect_uris: [app.redirectUri] })
  const client = new library.NodeOAuthClient({
    clientMetadata,
    allowHttp: true,
    handleResolver: entryway.origin,
    plcDirectoryUrl: directory.directory,
    requestLock: library.requestLocalLock,
    stateStore: storeIn(new Map()),
    sessionStore: storeIn(sessions),
  })
  return { client, clientId: clientMetadata.client_id, saved: (did) => structuredClone(sessions.get(did)) }
}

/** Sends the person through the pages; the session that comes of it. */
async function login(input, person, { scope, options, visit } = {}) {
  const made = makeClient(scope)
  const url = await made.client.authorize(input, { state: 'kept', ...options })
  assert.equal(url.origin, entryway.origin)
  const answer = await withPage(browser, async (page) => {
    await page.goto(url.href)
    if (visit) await visit(page)
    else await signIn(page, person.handle, person.password ?? PASSWORD)
    await authorize(page)
    return app.answer()
  })
  const { session } = await made.client.callback(answer)
  return { ...made, session }
}

async function call(session, method, { input, query } = {}) {
  const parameters = query ? `?${new URLSearchParams(query)}` : ''
  const response = await session.fetchHandler(`/xrpc/${method}${parameters}`, {
    method: input ? 'POST' : 'GET',
    body: input && JSON.stringify(input),
    headers: input && { 'Content-Type': 'application/json' },
  })
  const text = await response.text()
  assert.equal(response.status, 200, `${method}: ${text}`)
  return text && JSON.parse(text)
}

const note = (repo, text) => ({
  repo,
  collection: COLLECTION,
  record: { $type: COLLECTION, text, createdAt: new Date().toISOString() },
})

/** Everything that an app does with a session at its account's PDS. */
async function useSession({ client, clientId, session, saved }, person, pds) {
  const { uri } = await call(session, 'com.atproto.repo.createRecord', { input: note(session.did, 'by OAuth') })
  const query = { repo: session.did, collection: COLLECTION }
  const { records } = await good(pds.origin, 'com.atproto.repo.listRecords', { query })
  assert.ok(records.some((record) => record.uri === uri), 'the record is at the account\'s PDS')
  const who = await call(session, 'com.atproto.server.getSession')
  assert.deepEqual([who.did, who.handle, who.email], [session.did, person.handle, person.email])

  const first = saved(session.did)
  assert.equal(new URL(first.tokenSet.aud).origin, pds.origin)
  const [header, claims] = first.tokenSet.access_token.split('.').map((part) => {
    try {
      return JSON.parse(Buffer.from(part, 'base64url'))
    } catch {
      return undefined
    }
  })
  assert.deepEqual(header, { typ: 'at+jwt', alg: 'ES256K' })
  assert.equal(claims.aud, pds.did)
  assert.match(claims.jti, /^tok-[0-9a-f]{32}$/)
  assert.ok(claims.exp - claims.iat <= 900, 'such a PDS cannot ask whether it was revoked')

  const again = await client.restore(session.did, true)
  assert.notEqual(saved(session.did).tokenSet.access_token, first.tokenSet.access_token)
  await call(again, 'com.atproto.repo.createRecord', { input: note(session.did, 'after a refresh') })
  const last = saved(session.did)
  await again.signOut()
  const refused = await refreshByHand(last, clientId)
  assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_grant'])
}

test('an account of a PDS\'s own database is imported, in two steps', async (t) => {
  const words = ['account', 'import', '--pds', two.did, '--database', two.database, '--json']
  t.diagnostic(await entryway.command(...words, '--dry-run'))
  const before = await xrpc(entryway.origin, 'com.atproto.identity.resolveHandle', {
    query: { handle: people.carol.handle },
  })
  assert.equal(before.status, 400, 'a dry run changes nothing')
  t.diagnostic(await entryway.command(...words))
  const { did } = await good(entryway.origin, 'com.atproto.identity.resolveHandle', {
    query: { handle: people.carol.handle },
  })
  assert.equal(did, people.carol.did)

  await two.stop()
  two.clearAddresses()
  await two.start(await entryway.environment())
})

for (const [name, pds] of [['alice', () => one], ['bob', () => two]]) {
  test(`${name} signs up on the pages, and an app is signed in`, async () => {
    const person = people[name]
    const [label, ...domain] = person.handle.split('.')
    const result = await login(entryway.origin, person, {
      options: { prompt: 'create' },
      async visit(page) {
        await page.getByLabel('Handle').first().fill(label)
        await page.getByLabel('Domain').selectOption(domain.join('.'))
        await page.getByLabel('Email').fill(person.email)
        await page.getByLabel('Password').fill(PASSWORD)
        await page.getByRole('button', { name: 'Create account' }).click()
      },
    })
    person.did = result.session.did
    const { did } = await good(entryway.origin, 'com.atproto.identity.resolveHandle', {
      query: { handle: person.handle },
    })
    assert.equal(did, person.did)
    const document = await (await fetch(`${directory.directory}/${did}`)).json()
    assert.deepEqual(document.alsoKnownAs, [`at://${person.handle}`])
    assert.equal(document.service[0].serviceEndpoint, pds().origin)
    await useSession(result, person, pds())
  })
}

for (const [name, pds] of [['alice', () => one], ['bob', () => two], ['carol', () => two]]) {
  test(`the official client as ${name}: log in by handle, write, refresh, sign out`, async () => {
    const person = people[name]
    const result = await login(person.handle, person)
    assert.equal(result.session.did, person.did)
    await useSession(result, person, pds())
  })

  test(`an app that knows no OAuth as ${name}: through the PDS`, async () => {
    const person = people[name]
    const { origin } = pds()
    const wrong = await xrpc(origin, 'com.atproto.server.createSession', {
      input: { identifier: person.handle, password: 'not it' },
    })
    assert.deepEqual([wrong.status, wrong.body.error], [401, 'AuthenticationRequired'])
    for (const identifier of [person.handle, person.email, person.did]) {
      const begun = await good(origin, 'com.atproto.server.createSession', {
        input: { identifier, password: PASSWORD },
      })
      assert.deepEqual([begun.did, begun.handle, begun.email], [person.did, person.handle, person.email])
      const who = await good(origin, 'com.atproto.server.getSession', { token: begun.accessJwt })
      assert.deepEqual([who.did, who.handle, who.email], [person.did, person.handle, person.email])
      await good(origin, 'com.atproto.repo.createRecord', {
        token: begun.accessJwt,
        input: note(person.did, 'by password'),
      })
      const next = await good(origin, 'com.atproto.server.refreshSession', { token: begun.refreshJwt, input: '' })
      await good(origin, 'com.atproto.repo.createRecord', {
        token: next.accessJwt,
        input: note(person.did, 'after a refresh'),
      })
      await good(origin, 'com.atproto.server.deleteSession', { token: next.refreshJwt, input: '' })
      const over = await xrpc(origin, 'com.atproto.server.refreshSession', { token: next.refreshJwt, input: '' })
      assert.ok([400, 401].includes(over.status), JSON.stringify(over.body))
    }
  })
}

/** A session of an app that knows no OAuth. */
const begin = (pds, person, password = person.password ?? PASSWORD) =>
  good(pds.origin, 'com.atproto.server.createSession', { input: { identifier: person.handle, password } })

test('app passwords: an imported one goes on, a new one is made, listed, used and taken away', async () => {
  const { carol } = people
  const old = await begin(two, carol, carol.appPassword)
  await good(two.origin, 'com.atproto.repo.createRecord', {
    token: old.accessJwt,
    input: note(carol.did, 'by an old app password'),
  })
  const { accessJwt: token } = await begin(two, carol)
  const made = await good(two.origin, 'com.atproto.server.createAppPassword', { token, input: { name: 'new app' } })
  const { passwords } = await good(two.origin, 'com.atproto.server.listAppPasswords', { token })
  assert.deepEqual(passwords.map(({ name }) => name), ['old app', 'new app'])
  const session = await begin(two, carol, made.password)
  await good(two.origin, 'com.atproto.server.revokeAppPassword', { token, input: { name: 'new app' } })
  const over = await xrpc(two.origin, 'com.atproto.server.refreshSession', { token: session.refreshJwt, input: '' })
  assert.notEqual(over.status, 200)
  const refused = await xrpc(two.origin, 'com.atproto.server.createSession', {
    input: { identifier: carol.handle, password: made.password },
  })
  assert.equal(refused.status, 401)
})

test('a new handle, by OAuth: at the directory, the PDS and here', async () => {
  for (const [person, pds, handle] of [[people.alice, one, 'alicia.one.test'], [people.carol, two, 'caro.two.test']]) {
    const { session } = await login(person.handle, person)
    await call(session, 'com.atproto.identity.updateHandle', { input: { handle } })
    person.handle = handle
    const { did } = await good(entryway.origin, 'com.atproto.identity.resolveHandle', { query: { handle } })
    assert.equal(did, person.did)
    const document = await (await fetch(`${directory.directory}/${did}`)).json()
    assert.deepEqual(document.alsoKnownAs, [`at://${handle}`])
    const repo = await good(pds.origin, 'com.atproto.repo.describeRepo', { query: { repo: did } })
    assert.equal(repo.handle, handle)
    const known = await fetch(`${entryway.origin}/.well-known/atproto-did`, { headers: { host: handle } })
    // This client sends its own Host: what a proxy sends is shown in the crate's tests.
    assert.ok([200, 404].includes(known.status))
    const { session: again } = await login(handle, person)
    assert.equal((await call(again, 'com.atproto.server.getSession')).handle, handle)
  }
})

test('an operation of the DID is signed on request, with a letter\'s code', async () => {
  const { alice } = people
  const { accessJwt: token } = await begin(one, alice)
  await good(one.origin, 'com.atproto.identity.requestPlcOperationSignature', { token, input: '' })
  const { operation } = await good(one.origin, 'com.atproto.identity.signPlcOperation', {
    token,
    input: { token: entryway.code(), alsoKnownAs: [`at://${alice.handle}`, 'https://alice.example.com'] },
  })
  const answer = await fetch(`${directory.directory}/${alice.did}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(operation),
  })
  assert.equal(answer.status, 200, await answer.text())
})

test('SC-INC-01: a scope too long for a header is named in the token, and the PDS asks for it', async () => {
  const { bob } = people
  const many = Array.from({ length: 50 }, (_, n) => `repo:app.example.c${n}.record`).join(' ')
  const { session, saved } = await login(bob.handle, bob, { scope: `atproto ${many} repo:${COLLECTION}` })
  const { access_token: token, scope } = saved(session.did).tokenSet
  assert.ok(scope.length > 1024, `${scope.length} bytes of scope`)
  const { scope: named } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  assert.match(named, /^ref:b[a-z2-7]+$/)
  const found = await good(entryway.origin, 'com.atproto.temp.dereferenceScope', { query: { scope: named } })
  assert.equal(found.scope, scope)
  await call(session, 'com.atproto.repo.createRecord', { input: note(session.did, 'within a long scope') })
  const other = { ...note(session.did, 'x'), collection: 'app.example.other' }
  await assert.rejects(call(session, 'com.atproto.repo.createRecord', { input: other }), /ScopeMissing/)
})

test('e-mail: confirmed, changed; a new password by a letter', async () => {
  const { bob } = people
  const { accessJwt: token, refreshJwt } = await begin(two, bob)
  await good(two.origin, 'com.atproto.server.requestEmailConfirmation', { token, input: '' })
  await good(two.origin, 'com.atproto.server.confirmEmail', {
    token,
    input: { email: bob.email, token: entryway.code() },
  })
  const who = await good(two.origin, 'com.atproto.server.getSession', { token })
  assert.equal(who.emailConfirmed, true)
  const { tokenRequired } = await good(two.origin, 'com.atproto.server.requestEmailUpdate', { token, input: '' })
  assert.equal(tokenRequired, true)
  bob.email = 'robert@example.com'
  await good(two.origin, 'com.atproto.server.updateEmail', {
    token,
    input: { email: bob.email, token: entryway.code() },
  })
  assert.equal((await good(two.origin, 'com.atproto.server.getSession', { token })).email, bob.email)

  await good(two.origin, 'com.atproto.server.requestPasswordReset', { input: { email: bob.email } })
  bob.password = 'another horse battery'
  const code = entryway.code()
  await good(two.origin, 'com.atproto.server.resetPassword', { input: { token: code, password: bob.password } })
  const twice = await xrpc(two.origin, 'com.atproto.server.resetPassword', { input: { token: code, password: 'a third one' } })
  assert.deepEqual([twice.status, twice.body.error], [400, 'InvalidToken'])
  const over = await xrpc(two.origin, 'com.atproto.server.refreshSession', { token: refreshJwt, input: '' })
  assert.notEqual(over.status, 200, 'a new password ends all sessions')
  await begin(two, bob)
})

test('a new password by a letter, for an imported account', async () => {
  const { carol } = people
  await good(two.origin, 'com.atproto.server.requestPasswordReset', { input: { email: carol.email } })
  carol.password = 'a new horse battery'
  await good(two.origin, 'com.atproto.server.resetPassword', {
    input: { token: await entryway.code(), password: carol.password },
  })
  await begin(two, carol)
  const old = await xrpc(two.origin, 'com.atproto.server.createSession', {
    input: { identifier: carol.handle, password: carol.appPassword },
  })
  assert.equal(old.status, 401, 'a new password takes app passwords away')
})

test('who knew the password before stays in by nothing that lasts', async () => {
  const { alice } = people
  const before = await begin(one, alice)
  await good(one.origin, 'com.atproto.server.requestPasswordReset', { input: { email: alice.email } })
  alice.password = 'the newest horse battery'
  await good(one.origin, 'com.atproto.server.resetPassword', {
    input: { token: await entryway.code(), password: alice.password },
  })
  // The access token is still good at the PDS, which can't ask.
  const token = before.accessJwt
  for (const [method, input] of [
    ['com.atproto.server.createAppPassword', { name: 'a back door' }],
    ['com.atproto.server.updateEmail', { email: 'mallory@example.com' }],
    ['com.atproto.identity.updateHandle', { handle: 'mallory.one.test' }],
    ['com.atproto.server.deactivateAccount', {}],
  ]) {
    const refused = await xrpc(one.origin, method, { token, input })
    assert.ok([400, 401].includes(refused.status), `${method}: ${refused.status} ${JSON.stringify(refused.body)}`)
  }
})

test('an account is put to rest, wakes up, and is deleted', async () => {
  const { bob } = people
  const { accessJwt: token } = await begin(two, bob)
  await good(two.origin, 'com.atproto.server.deactivateAccount', { token, input: {} })
  const resting = await begin(two, bob)
  assert.equal(resting.active, false)
  const refused = await xrpc(two.origin, 'com.atproto.repo.createRecord', {
    token: resting.accessJwt,
    input: note(bob.did, 'asleep'),
  })
  assert.notEqual(refused.status, 200)
  await good(two.origin, 'com.atproto.server.activateAccount', { token: resting.accessJwt, input: '' })
  await good(two.origin, 'com.atproto.repo.createRecord', { token, input: note(bob.did, 'awake') })

  await good(two.origin, 'com.atproto.server.requestAccountDelete', { token, input: '' })
  await good(two.origin, 'com.atproto.server.deleteAccount', {
    input: { did: bob.did, password: bob.password, token: entryway.code() },
  })
  const gone = await xrpc(two.origin, 'com.atproto.server.createSession', {
    input: { identifier: bob.handle, password: bob.password },
  })
  assert.equal(gone.status, 401)
  assert.notEqual((await xrpc(two.origin, 'com.atproto.repo.describeRepo', { query: { repo: bob.did } })).status, 200)
})
