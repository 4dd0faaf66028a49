// Our scopes against the official ones: what they mean, and how they are written.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import official from '@atproto/oauth-scopes'
import { Generator } from './scopes/generate.js'
import { makePage } from './scopes/page.js'
import { REASONS } from './scopes/reasons.js'

const PAIRS = 120_000
const VALUES = 40_000
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = fileURLToPath(new URL('../docs/scope-differences.md', import.meta.url))

/** Our answers, a line for each question. */
function ours(questions) {
  const program = ['run', '-q', '--release', '-p', 'atpass-protocol', '--example', 'scope_answers']
  const input = questions.map((question) => JSON.stringify(question)).join('\n')
  const options = { cwd: ROOT, input, encoding: 'utf8', maxBuffer: 2 ** 28 }
  const { status, stdout, stderr } = spawnSync('cargo', program, options)
  assert.equal(status, 0, stderr)
  return stdout.trimEnd().split('\n')
}

function allowed({ scope, repo, rpc, blob, account, identity }) {
  const permissions = new official.ScopePermissionsTransition(scope)
  try {
    if (repo) return String(permissions.allowsRepo(repo))
    if (rpc) return String(permissions.allowsRpc(rpc))
    if (blob) return String(permissions.allowsBlob(blob))
    if (account) return String(permissions.allowsAccount(account))
    return String(permissions.allowsIdentity(identity))
  } catch (error) {
    return error.name
  }
}

function canonical(value) {
  try {
    return official.normalizeAtprotoOauthScopeValue(value) ?? '-'
  } catch (error) {
    return error.name
  }
}

/** The differences, each with its reason. One without fails the test. */
function explain(kind, questions, answers, theirs) {
  const found = []
  questions.forEach((question, index) => {
    if (answers[index] === theirs[index]) return
    const { scope, value, ...call } = question
    const all = value === undefined ? scope.split(' ') : [value]
    // Where theirs allows it, the values that do; where ours does, any may be the one.
    const alone = all.filter((text) => scope && allowed({ scope: text, ...call }) === 'true')
    const texts = alone.length > 0 ? alone : all
    const difference = { kind, question, scope, call, all, texts, ours: answers[index], theirs: theirs[index] }
    const reason = REASONS.find((reason) => reason.fits(difference))
    assert.ok(reason, `nothing explains this: ${JSON.stringify(difference)}`)
    found.push({ ...difference, reason })
  })
  return found
}

let acts, values

test(`SC-ALG-01, SC-REPO-01, SC-RPC-01, SC-BLOB-01, SC-ACC-01, SC-IDN-01: ${PAIRS} scopes and calls`, (t) => {
  const generator = new Generator(20261124)
  const questions = Array.from({ length: PAIRS }, () => ({ scope: generator.scope(), ...generator.call() }))
  const theirs = questions.map(allowed)
  acts = explain('call', questions, ours(questions), theirs)
  const granted = theirs.filter((answer) => answer === 'true').length
  t.diagnostic(`${PAIRS} pairs, ${granted} allowed by theirs, ${acts.length} differences`)
  assert.ok(granted > PAIRS / 10, 'scopes and calls meet')
})

test(`SC-SYN-01, SC-SYN-02, SC-SYN-03: ${VALUES} values and their canonical form`, (t) => {
  const generator = new Generator(42)
  const questions = Array.from({ length: VALUES }, () => ({ value: generator.value() }))
  const theirs = questions.map(({ value }) => canonical(value))
  values = explain('value', questions, ours(questions), theirs)
  const meaningful = theirs.filter((answer) => answer !== '-').length
  t.diagnostic(`${VALUES} values, ${meaningful} mean something to theirs, ${values.length} differences`)
})

test('docs/scope-differences.md says so', () => {
  const page = makePage({ pairs: PAIRS, values: VALUES, differences: [...acts, ...values] })
  if (process.env.UPDATE_DIFFERENCES) writeFileSync(PAGE, page)
  assert.equal(readFileSync(PAGE, 'utf8'), page, 'renew it: UPDATE_DIFFERENCES=1 node --test scopes.test.js')
})
