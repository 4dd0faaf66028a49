// docs/scope-differences.md, from the differences that were found.

import { readFileSync } from 'node:fs'
import { REASONS } from './reasons.js'

const VERSION = JSON.parse(
  readFileSync(new URL('../node_modules/@atproto/oauth-scopes/package.json', import.meta.url), 'utf8'),
).version

export function makePage({ pairs, values, differences }) {
  const by = (kind) => differences.filter((difference) => difference.kind === kind).length
  const rows = REASONS.map((reason) => row(reason, differences.filter((difference) => difference.reason === reason)))
  return `# How our scopes differ from the official ones

Made by \`peers/scopes.test.js\`, which \`cargo xtask test\` runs: ${number(pairs)} generated pairs of a scope and a
call, and ${number(values)} generated scope values, the same at each run, asked of \`atpass_protocol::scope\` and of
\`@atproto/oauth-scopes\` ${VERSION}. It fails where a difference has no reason here, and where this page is out of
date. Clauses are those of [clauses.md](clauses.md).

- Of the pairs, ${number(pairs - by('call'))} have the same answer and ${number(by('call'))} another one.
- Of the values, ${number(values - by('value'))} have the same canonical form (or none) and ${number(by('value'))} another one.

| pairs | values | right | why |
| ---: | ---: | --- | --- |
${rows.map(({ line }) => line).join('\n')}

One example of each:

${rows.map(({ example }) => example).join('\n')}
`
}

function row(reason, found) {
  const count = (kind) => number(found.filter((difference) => difference.kind === kind).length)
  const line = `| ${count('call')} | ${count('value')} | ${reason.right} | ${reason.why} |`
  // The shortest says it best.
  const length = (difference) => JSON.stringify(difference.question).length
  const [shortest] = found.toSorted((one, other) => length(one) - length(other))
  if (!shortest) return { line, example: `- ${reason.id}: none` }
  const { value, scope, ...call } = shortest.question
  const asked = value === undefined ? `\`${scope}\`, asked for \`${JSON.stringify(call)}\`` : `\`${value}\``
  return { line, example: `- ${asked}: ours \`${shortest.ours}\`, theirs \`${shortest.theirs}\`` }
}

function number(count) {
  return count.toLocaleString('en')
}
