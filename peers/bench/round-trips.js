// How many requests a login and a refresh cost a client, and how many of them one after the other.
// Counted are the requests that the client sends itself, by the log of the servers.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** After this long without a request, a client has done what it does beside. */
const QUIET_MS = 150

/** Runs the cases with this client at this server. */
export async function measure(server, client) {
  const folder = mkdtempSync(join(tmpdir(), 'atpass-client-'))
  const rows = []
  let process
  const start = async () => {
    await process?.stop()
    process = client.start(server, folder)
    await process.ask({ do: 'ready' })
  }
  const record = (name, steps) => rows.push({ case: name, ...sum(steps) })
  const refresh = (key) => step(server, client, () => process.ask({ do: 'refresh', key }))
  try {
    await start()
    const first = await login(server, client, process)
    record('login, cold', first.steps)
    const { key, steps } = await login(server, client, process)
    record('login, warm', steps)
    await start()
    record('refresh, cold', [await refresh(key)])
    record('refresh, warm', [await refresh(key)])
    // The others look at the identity with each refresh.
    if (client.looksHourly) {
      await process.ask({ do: 'age', key })
      record('refresh, an hour later', [await refresh(key)])
    }
    return rows
  } finally {
    await process?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * A cold login of each client with a person who takes this long: time in which the clients forget. The
 * persons of all clients take it together.
 */
export async function measureWithPerson(server, clients, ms) {
  const folders = []
  const begun = []
  try {
    for (const client of clients) {
      const folder = mkdtempSync(join(tmpdir(), 'atpass-client-'))
      folders.push(folder)
      const process = client.start(server, folder)
      await process.ask({ do: 'ready' })
      begun.push(await begin(server, client, process))
    }
    await wait(ms)
    const rows = new Map()
    for (const login of begun) {
      const { steps } = await finish(server, login)
      rows.set(login.client, { case: `login, cold, with a person of ${ms / 1000} s`, ...sum(steps) })
    }
    return rows
  } finally {
    for (const { process } of begun) await process.stop()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
}

async function login(server, client, process) {
  return finish(server, await begin(server, client, process))
}

async function begin(server, client, process) {
  const before = await step(server, client, () => process.ask({ do: 'login', handle: server.handle }))
  return { client, process, before }
}

async function finish(server, { client, process, before }) {
  const query = await server.approve(before.result.url)
  const after = await step(server, client, () => process.ask({ do: 'callback', query }))
  return { key: after.result.key, steps: [before, after] }
}

/** Lets a client do something, and returns what the server heard of it. */
async function step(server, client, act) {
  await server.log()
  const from = performance.now()
  const result = await act()
  const delivered = performance.timeOrigin + performance.now()
  const ms = performance.now() - from
  const requests = []
  for (;;) {
    await wait(QUIET_MS)
    const more = await server.log()
    requests.push(...more)
    if (more.length === 0) break
  }
  return { result, ms, delivered, requests: requests.filter(({ agent }) => client.agent.test(agent)) }
}

/** One row of the table, from the steps between which the person had the word. */
function sum(steps) {
  const paths = steps.map(({ requests, delivered }) => criticalPath(requests, delivered))
  const requests = steps.flatMap(({ requests }) => requests)
  return {
    requests: requests.length,
    oneAfterTheOther: paths.reduce((total, path) => total + path.length, 0),
    nonceRetries: requests.filter((request) => request.wants_nonce).length,
    ms: steps.reduce((total, { ms }) => total + ms, 0),
    log: steps.flatMap(({ requests }, index) =>
      requests.map((request) => ({
        method: request.method,
        url: request.url,
        status: request.status,
        wantsNonce: request.wants_nonce,
        beside: !paths[index].includes(request),
      })),
    ),
  }
}

/**
 * The requests that the result had to wait for, one after the other: from the last one that was answered
 * before it was delivered, back by the last one that was answered before that began.
 */
export function criticalPath(requests, delivered) {
  const path = []
  let until = delivered
  for (;;) {
    const before = requests.filter((one) => one.ended !== null && one.ended <= until && !path.includes(one))
    if (before.length === 0) return path
    const last = before.reduce((a, b) => (b.ended > a.ended ? b : a))
    path.unshift(last)
    until = last.begun
  }
}
