// What the measurements found, for people.

/** The round trips at one server: a table with the clients side by side, then the log of each case. */
export function printRoundTrips({ server, clients }) {
  console.log(`\n== Round trips at ${server}\n`)
  console.log('requests / of them one after the other / of them refused for want of a nonce\n')
  const names = [...new Set(clients.flatMap(({ cases }) => cases.map((row) => row.case)))]
  table(clients, names, (row) => `${row.requests} / ${row.oneAfterTheOther} / ${row.nonceRetries}`)
  // Our programs are development builds; most of the time is the delay all the same.
  const delays = [...new Set(clients.flatMap(({ cases }) => cases.flatMap(({ ms }) => Object.keys(ms))))]
  console.log(`\nmilliseconds until the result, when each request takes ${delays.join(', ')} ms more\n`)
  table(clients, names, ({ ms }) => delays.map((delay) => ms[delay]?.toFixed(0) ?? '-').join(' / '))
  console.log(
    [
      '',
      'Counted is what the client sends itself, by the log of the servers; not what the person does in the',
      'browser. The handle is resolved by asking a server. By DNS and HTTPS it is the same number, as one',
      'question and one request side by side. A cold login is a new process without any caches, a cold',
      'refresh a new process that has its session store only. Cases follow each other within seconds, so',
      'what a client remembers for a minute counts as remembered, but for the person who takes longer; and',
      'a warm refresh has a nonce that still holds. The official client has one session for each account,',
      'and ends the first one in the second login.',
    ].join('\n'),
  )
  for (const { client, cases } of clients) {
    for (const row of cases) {
      console.log(`\n-- ${row.case}: ${client} at ${server}`)
      for (const one of row.log) console.log(`  ${line(one)}`)
    }
  }
}

function line({ method, url, status, wantsNonce, beside }) {
  const remarks = [wantsNonce && 'wants a nonce', beside && 'nobody waits for it'].filter(Boolean)
  const remark = remarks.length > 0 ? `  (${remarks.join(', ')})` : ''
  return `${method.padEnd(4)} ${url} ${status}${remark}`
}

function table(clients, names, cell) {
  const head = ['', ...clients.map(({ client }) => client)]
  const rows = names.map((name) => [
    name,
    ...clients.map(({ cases }) => {
      const row = cases.find((row) => row.case === name)
      return row ? cell(row) : '-'
    }),
  ])
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)))
  const print = (row) => console.log(`| ${row.map((text, n) => text.padEnd(widths[n])).join(' | ')} |`)
  print(head)
  print(widths.map((width) => '-'.repeat(width)))
  rows.forEach(print)
}
