// A small internet for a confidential client: names, certificates under a root of the test's own, and
// one https host that serves what it is told to.

import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import dnsPacket from 'dns-packet'

/**
 * Starts it. `answer(url)` gives a JSON value, or text, or nothing for 404; `texts` are TXT records by
 * name.
 */
export async function startInternet(host, answer, texts = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'atpass-internet-'))
  const certificates = makeCertificates(folder, host)
  const asked = []
  const server = createServer(certificates, (request, response) => {
    const url = new URL(request.url, `https://${host}`)
    asked.push(url.pathname)
    const found = answer(url)
    if (found === undefined) return response.writeHead(404).end()
    const json = typeof found !== 'string'
    response.setHeader('Content-Type', json ? 'application/json' : 'text/html; charset=utf-8')
    response.setHeader('Cache-Control', 'no-store')
    response.end(json ? JSON.stringify(found) : found)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const names = createSocket('udp4')
  names.on('message', (message, { port, address }) => {
    const { id, questions } = dnsPacket.decode(message)
    const { name, type } = questions[0]
    const asked = name.toLowerCase()
    const text = type === 'TXT' && texts[asked]
    const known = asked === host || asked in texts
    const answers = []
    if (asked === host && type === 'A') answers.push({ type, name, ttl: 0, data: '127.0.0.1' })
    if (text) answers.push({ type, name, ttl: 0, data: text })
    const flags = dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | (known ? 0 : 3)
    names.send(dnsPacket.encode({ type: 'response', id, flags, questions, answers }), port, address)
  })
  names.bind(0, '127.0.0.1')
  await once(names, 'listening')

  const { port } = server.address()
  return {
    asked,
    host,
    port,
    root: join(folder, 'root.pem'),
    /** The options with which a program reaches it. */
    options: [
      '--allow-loopback',
      ...['--dns', `127.0.0.1:${names.address().port}`],
      ...['--root-cert', join(folder, 'root.pem')],
      ...['--https-port', String(port)],
    ],
    /** The option with which Chromium reaches it. */
    browserRule: `MAP ${host} 127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      names.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function makeCertificates(folder, host) {
  const file = (name) => join(folder, name)
  const openssl = (...args) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=test root', '-keyout', 'root.key', '-out', 'root.pem')
  openssl('req', ...newKey, '-subj', `/CN=${host}`, '-keyout', 'host.key', '-out', 'host.csr')
  writeFileSync(file('ext'), `subjectAltName=DNS:${host}`)
  openssl(
    ...['x509', '-req', '-in', 'host.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-days', '2'],
    ...['-set_serial', '1', '-extfile', 'ext', '-out', 'host.pem'],
  )
  return { key: readFileSync(file('host.key')), cert: readFileSync(file('host.pem')) }
}
