// One of the two servers: requests byte for byte as a row wants them, and its newest nonce.

import { request } from 'node:http'

const DEADLINE_MS = 20_000

/**
 * `approve(app, requestUri)` is the person at this server's pages: it signs in, agrees and returns
 * the URL that the browser is sent to.
 */
export function makeServer({ name, origin, account, makePerson }) {
  const server = { name, origin, account, nonce: undefined }
  server.send = async (options) => {
    const answer = await exchange(origin, options)
    server.nonce = answer.headers['dpop-nonce'] ?? server.nonce
    return answer
  }
  server.approve = makePerson(server)
  return server
}

/**
 * Sends one request over a connection of its own. A header may be a list, which is then sent as
 * several lines: `fetch` would join them.
 */
function exchange(origin, { method = 'GET', path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}${path}`, { method, headers, agent: false }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode, headers: response.headers, text, json: asJson(text) })
      })
    })
    sent.setTimeout(DEADLINE_MS, () => sent.destroy(new Error(`${origin}${path}: no answer`)))
    // A server may answer and hang up while a body that it won't read is still on its way.
    sent.on('error', reject)
    sent.end(body)
  })
}

function asJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
