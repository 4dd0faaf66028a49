// What the HTTP servers of this process are asked: written down, and answered as late as wanted.

import { Server } from 'node:http'

const requests = []
let delay = 0

const now = () => performance.timeOrigin + performance.now()

const emit = Server.prototype.emit
Server.prototype.emit = function (event, request, response) {
  if (event !== 'request') return emit.apply(this, arguments)
  const [path] = request.url.split('?')
  const entry = {
    method: request.method,
    url: `http://${request.headers.host}${path}`,
    agent: request.headers['user-agent'] ?? '',
    begun: now(),
    ended: null,
    status: null,
    wants_nonce: false,
  }
  requests.push(entry)
  const end = response.end
  response.end = function (chunk) {
    entry.ended = now()
    entry.status = response.statusCode
    entry.wants_nonce = response.statusCode === 400 && /"use_dpop_nonce"/.test(chunk)
    return end.apply(this, arguments)
  }
  const go = () => emit.call(this, event, request, response)
  if (delay > 0) setTimeout(go, delay)
  else go()
  return true
}

let told = 0

/** The commands of the measurements: `log`, the requests since the last one, and `delay`. */
export function run(command) {
  if (command.do === 'delay') {
    delay = command.ms
    return {}
  }
  if (command.do === 'log') {
    const from = told
    told = requests.length
    return { requests: requests.slice(from) }
  }
  return { error: `what is ${command.do}?` }
}
