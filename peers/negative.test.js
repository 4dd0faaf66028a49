// The same malformed and hostile requests, sent to our program and to the official PDS side by side.
//
// Our answers must be exactly the ones that the rows in negative/ name. The peer's are held against
// docs/differences.md, which is made from these rows: when it is out of date this fails, and
// `UPDATE_DIFFERENCES=1 cargo xtask test --only peers` writes it anew.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { startDev } from './lib/dev.js'
import { startOfficialPds } from './lib/official-pds.js'
import { challengeInWords, inWords } from './negative/answers.js'
import { App } from './negative/app.js'
import * as authorization from './negative/authorization.js'
import { comparePage, isDifference, writePage } from './negative/page.js'
import { atOfficialPages, atOurPages } from './negative/person.js'
import * as proofs from './negative/proofs.js'
import * as pushedRequests from './negative/pushed-requests.js'
import * as refreshes from './negative/refreshes.js'
import * as resourceRequests from './negative/resource-requests.js'
import * as revocations from './negative/revocations.js'
import { makeServer } from './negative/server.js'
import * as tokenRequests from './negative/token-requests.js'

const groups = [pushedRequests, proofs, authorization, tokenRequests, refreshes, revocations, resourceRequests]
const tables = new Map()
let dev, pds, ours, theirs

before(async () => {
  dev = await startDev()
  pds = await startOfficialPds()
  ours = makeServer({
    name: 'ours',
    origin: dev.issuer,
    account: dev.account('alice.test'),
    makePerson: atOurPages,
  })
  theirs = makeServer({ name: 'the official PDS', origin: pds.pds, account: pds.account, makePerson: atOfficialPages })
  ours.other = theirs
  theirs.other = ours
  for (const server of [ours, theirs]) {
    await new App(server).push()
    server.accessToken = (await new App(server).login()).access
  }
  for (const group of groups) tables.set(group, await askBoth(group))
})

after(async () => {
  await Promise.all([pds?.stop(), dev?.stop()])
})

// Clauses AS-AUTHN-01, AS-AUTHN-07, AS-AUTHZ-04, AS-AUTHZ-07, AS-AUTHZ-14, AS-CLI-01, AS-CLI-11,
// AS-CLI-13, AS-CLI-14, AS-CLI-15, AS-META-10, AS-META-13, AS-PAR-01, AS-PAR-02, AS-PAR-03,
// AS-PAR-04, AS-PAR-05, AS-PAR-06, AS-PAR-08, AS-PAR-10, AS-PAR-11, AS-PAR-13, AS-PAR-14, AS-PAR-16.
test('pushed authorization requests: each has its exact answer', (t) => check(t, pushedRequests))

// Clauses AS-DPOP-01, AS-DPOP-02, AS-DPOP-03, AS-DPOP-04, AS-DPOP-05, AS-DPOP-06, AS-DPOP-07,
// AS-DPOP-08, AS-DPOP-09, AS-DPOP-11, AS-DPOP-13, AS-META-06, AS-PAR-04.
test('DPoP proofs: each has its exact answer', (t) => check(t, proofs))

// Clauses AS-AUTHZ-01, AS-AUTHZ-02, AS-AUTHZ-04, AS-AUTHZ-06, AS-META-13, AS-PAR-02, AS-PAR-12.
test('the authorization endpoint: each request has its exact answer', (t) => check(t, authorization))

// Clauses AS-DPOP-07, AS-META-13, AS-PAR-02, AS-PAR-07, AS-PAR-09, AS-TOK-01, AS-TOK-02, AS-TOK-03,
// AS-TOK-07, AS-TOK-08.
test('code exchanges: each has its exact answer', (t) => check(t, tokenRequests))

// Clauses AS-AUTHN-07, AS-DPOP-07, AS-PAR-02, AS-REF-02, AS-REF-05, AS-REF-06, AS-REF-08,
// AS-REF-11, AS-TOK-07, AS-TOK-08.
test('refreshes: each has its exact answer', (t) => check(t, refreshes))

// Clauses AS-DPOP-01, AS-META-13, AS-PAR-02, AS-REV-01, AS-REV-02, AS-REV-03.
test('revocations: each has its exact answer', (t) => check(t, revocations))

// Clauses AS-DPOP-02, AS-DPOP-03, AS-DPOP-06, AS-DPOP-07, AS-DPOP-08, AS-DPOP-11, RS-DPOP-01,
// RS-DPOP-02, RS-DPOP-03, RS-DPOP-04, RS-ERR-01, RS-TOK-01, RS-TOK-02, RS-TOK-03, RS-TOK-04,
// RS-TOK-05.
test('calls at the resource server: each has its exact answer', (t) => check(t, resourceRequests))

test('docs/differences.md says what both servers answer', () => {
  const page = comparePage(groups.map((group) => tables.get(group)), versions())
  if (process.env.UPDATE_DIFFERENCES) writePage(page.update)
  else assert.equal(firstDifference(page), undefined, 'UPDATE_DIFFERENCES=1 writes docs/differences.md anew')
})

test('each row has a name of its own, and a clause that this file names too', () => {
  const clauses = readFileSync(new URL('../docs/clauses.toml', import.meta.url), 'utf8')
  const here = readFileSync(new URL(import.meta.url), 'utf8')
  for (const { title, rows } of groups) {
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, title)
    for (const { name, clause } of rows) {
      assert.ok(clauses.includes(`id = "${clause}"`) && here.includes(clause), `${name}: ${clause}`)
    }
  }
})

function check(t, group) {
  const { results, wrong } = tables.get(group)
  t.diagnostic(`${results.length} rows, ${results.filter(isDifference).length} different`)
  assert.equal(wrong.length, 0, `\n${wrong.join('\n')}`)
}

/** Asks both servers every row of a table. */
async function askBoth(group) {
  const table = { title: group.title, results: [], wrong: [] }
  for (const row of group.rows) {
    const answers = [ours, theirs].map((server) => ask(group, row, server, table.wrong))
    const [ourWords, theirWords] = await Promise.all(answers)
    const result = { row, ours: ourWords, theirs: theirWords }
    table.results.push(result)
    table.wrong.push(...faults(result))
  }
  return table
}

/** What the server says to this row, in words. Each row is asked by an app of its own. */
async function ask({ atResource }, row, server, wrong) {
  try {
    const answer = await row.send(new App(server, row.options))
    if (typeof answer === 'string') return answer
    if (server === ours) wrong.push(...incomplete(answer).map((what) => `${row.name}: ${what}`))
    return atResource ? challengeInWords(answer) : inWords(answer)
  } catch (error) {
    wrong.push(`${row.name}, ${server.name}: ${error.stack}`)
    return 'no answer'
  }
}

/** What every JSON answer of ours has: the next nonce, and an error that explains itself. */
function incomplete({ headers, json }) {
  if (!json) return []
  const text = json.error_description ?? json.message ?? ''
  return [
    !headers['dpop-nonce'] && 'no DPoP-Nonce',
    json.error && text.length < 12 && 'no description',
  ].filter(Boolean)
}

/** What is wrong with a row. One with `oursWrong` names the right answer, and waits for us to give it. */
function faults({ row, ours, theirs }) {
  const found = []
  const asNamed = ours === row.ours
  if (row.oursWrong && asNamed) found.push(`${row.name}: is right now; remove oursWrong`)
  if (!row.oursWrong && !asNamed) found.push(`${row.name}: ours is "${ours}" where "${row.ours}" was expected`)
  if (ours !== theirs && !row.verdict) found.push(`${row.name}: "${ours}", theirs "${theirs}", and no verdict`)
  if (row.verdict?.bothRefuse && [ours, theirs].some((words) => words.startsWith('2'))) {
    found.push(`${row.name}: the verdict says that both refuse, but "${ours}", "${theirs}"`)
  }
  if (ours === theirs && row.verdict) found.push(`${row.name}: a verdict, but both answer "${ours}"`)
  return found
}

/** The first line that isn't as it should be: the whole page would drown it. */
function firstDifference({ stands, wanted }) {
  const [left, right] = [stands, wanted].map((text) => text.split('\n'))
  const place = [...left, ...right].findIndex((_, place) => left[place] !== right[place])
  if (place >= 0) return `line ${place + 1} is "${left[place]}" and should be "${right[place]}"`
}

function versions() {
  const version = (name) => {
    const file = new URL(`official-pds/node_modules/${name}/package.json`, import.meta.url)
    return `\`${name}\` ${JSON.parse(readFileSync(file, 'utf8')).version}`
  }
  return `${version('@atproto/pds')} (${version('@atproto/oauth-provider')})`
}
