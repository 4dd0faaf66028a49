// The web server of an app under test, which the browser is sent back to.

import { once } from 'node:events'
import { createServer } from 'node:http'

const PATIENCE_MS = 20_000

/** Listens on a free port; `answer` waits for the parameters of the next callback. */
export async function startApp() {
  const answers = []
  const waiting = []
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1')
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end('<!doctype html><title>Back at the app</title><h1>Back at the app</h1>')
    if (url.pathname !== '/callback') return
    const next = waiting.shift()
    if (next) next(url.searchParams)
    else answers.push(url.searchParams)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    redirectUri: `http://127.0.0.1:${server.address().port}/callback`,
    answer: () =>
      new Promise((resolve, reject) => {
        if (answers.length > 0) return resolve(answers.shift())
        const late = new Error('the browser was not sent back to the app')
        const patience = setTimeout(reject, PATIENCE_MS, late)
        waiting.push((answer) => {
          clearTimeout(patience)
          resolve(answer)
        })
      }),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
