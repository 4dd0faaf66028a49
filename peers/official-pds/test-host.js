// The host of a test stands at a port of this machine; its certificate is checked as any other. To be imported
// before the PDS.

import tls from 'node:tls'

const { ATPASS_TEST_HOST: host, ATPASS_TEST_PORT: port } = process.env
if (host) {
  const connect = tls.connect
  tls.connect = (options, ...rest) => {
    const isTest = [options.host, options.servername].includes(host)
    const there = { host: '127.0.0.1', port: Number(port), servername: host }
    return connect(isTest ? { ...options, ...there } : options, ...rest)
  }
}
