// The official client at the end of a pipe, as `client_driver` is ours: settings `STORE`, `DIRECTORY` and
// `HANDLE_RESOLVER`, one command a line. The argument names the module of the library.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { OFFICIAL_AGENT } from './clients.js'
import { storeIn } from '../lib/store.js'

const library = await import(process.argv[2])
const { STORE, DIRECTORY, HANDLE_RESOLVER } = process.env

const sessions = new Map(existsSync(STORE) ? JSON.parse(readFileSync(STORE, 'utf8')) : [])
const keep = (store) => ({
  ...store,
  async set(key, value) {
    await store.set(key, value)
    writeFileSync(STORE, JSON.stringify([...sessions]))
  },
})

const client = new library.NodeOAuthClient({
  clientMetadata: library.buildAtprotoLoopbackClientMetadata({
    scope: 'atproto transition:generic',
    redirect_uris: ['http://127.0.0.1:9/callback'],
  }),
  allowHttp: true,
  handleResolver: HANDLE_RESOLVER,
  plcDirectoryUrl: DIRECTORY,
  requestLock: library.requestLocalLock,
  stateStore: storeIn(new Map()),
  sessionStore: keep(storeIn(sessions)),
  // It sends what it would send, under a name by which it is told from the servers.
  fetch: (input, init) => {
    const request = new Request(input, init)
    request.headers.set('user-agent', OFFICIAL_AGENT)
    return fetch(request)
  },
})

const commands = {
  ready: async () => ({}),
  login: async ({ handle }) => ({ url: (await client.authorize(handle)).href }),
  async callback({ query }) {
    const { session } = await client.callback(new URLSearchParams(query))
    return { key: session.did }
  },
  async refresh({ key }) {
    // As when the access token has ended: a refresh by force would look the server up once more.
    sessions.get(key).tokenSet.expires_at = new Date(0).toISOString()
    await client.restore(key)
    return {}
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  const answer = await commands[command.do](command).catch((error) => ({ error: String(error) }))
  console.log(JSON.stringify(answer))
}
