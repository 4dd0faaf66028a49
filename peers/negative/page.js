// docs/differences.md: its introduction is written by hand, the rest is made from what was answered.

import { readFileSync, writeFileSync } from 'node:fs'

const PAGE = new URL('../../docs/differences.md', import.meta.url)
const START = '<!-- From here on this page is made by peers/negative.test.js. -->\n'
const RIGHT = { ours: 'Ours is right', theirs: 'Theirs is right', both: 'Both are right' }

/**
 * The page as it stands, as it is wanted, and the update to write. An update has the day of today;
 * the day alone is no reason to write one.
 */
export function comparePage(tables, version) {
  const stands = readFileSync(PAGE, 'utf8')
  const [introduction] = stands.split(START)
  const [, day = ''] = stands.match(/^Compared on (\S+)/m) ?? []
  const page = (day) => introduction + START + generated(tables, version, day)
  const wanted = page(day)
  const update = wanted === stands ? stands : page(new Date().toISOString().slice(0, 10))
  return { stands, wanted, update }
}

export function writePage(text) {
  writeFileSync(PAGE, text)
}

function generated(tables, version, day) {
  const all = tables.flatMap(({ results }) => results)
  const differ = all.filter(isDifference)
  const count = (right) => differ.filter(({ row }) => row.verdict?.right === right).length
  const counts = [all.length, all.length - differ.length, differ.length, ...['ours', 'theirs', 'both'].map(count)]
  const refusals = differ.filter(({ ours, theirs }) => [ours, theirs].every((words) => words.startsWith('4'))).length
  return `
Compared on ${day} with ${version}.

| rows | same answer | different | ours is right | theirs is right | both are right |
| --- | --- | --- | --- | --- | --- |
| ${counts.join(' | ')} |

In ${refusals} of the ${differ.length}, both refuse, and only the status, the code or what comes after is another.

## The ones that matter most

${mostImportant(tables)}
## Where the answers differ
${tables.map(differences).join('')}
## Where they are the same
${tables.map(sameAnswers).join('')}`
}

/** One line for each verdict that says so, and for each by which we are wrong. */
function mostImportant(tables) {
  const seen = new Set()
  const lines = []
  for (const { title, results } of tables) {
    for (const { row, ours, theirs } of results.filter(isDifference)) {
      const { right, why, matters } = row.verdict ?? {}
      if (seen.has(row.verdict) || !(matters || right === 'theirs')) continue
      seen.add(row.verdict)
      lines.push(`- ${title}, ${row.name} (${row.clause}): ours ${ours}, theirs ${theirs}. ${RIGHT[right]}: ${why}.\n`)
    }
  }
  return lines.join('')
}

function differences({ title, results }) {
  const rows = results.filter(isDifference)
  const notes = sharedReasons(rows)
  const head = ['request', 'clause', 'ours', 'theirs', 'right', 'why']
  const table = section(title, head, rows, ({ row, ours, theirs }) => {
    const { right = '?', why = '?' } = row.verdict ?? {}
    const note = notes.indexOf(why)
    return [row.name, row.clause, ours, theirs, right, note < 0 ? why : `see ${note + 1} below`]
  })
  const list = notes.map((why, place) => `${place + 1}. ${why[0].toUpperCase()}${why.slice(1)}.\n`).join('')
  return list ? `${table}\n${list}` : table
}

/** The reasons that stand below a table, because several rows have them. */
function sharedReasons(rows) {
  const reasons = rows.map(({ row }) => row.verdict?.why).filter(Boolean)
  const often = reasons.filter((why) => reasons.filter((other) => other === why).length > 2)
  return [...new Set(often)]
}

function sameAnswers({ title, results }) {
  const rows = results.filter((result) => !isDifference(result))
  return section(title, ['request', 'clause', 'both'], rows, ({ row, ours }) => [row.name, row.clause, ours])
}

export function isDifference({ ours, theirs }) {
  return ours !== theirs
}

function section(title, head, rows, cells) {
  if (rows.length === 0) return ''
  const lines = [head, head.map(() => '---'), ...rows.map(cells)]
  return `\n### ${title}\n\n${lines.map((line) => `| ${line.join(' | ')} |\n`).join('')}`
}
