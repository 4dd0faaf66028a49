// An answer in the few words that the table compares.

// A relative redirect is to the server itself.
const SELF = 'http://server'

/** Status and error code; for a redirect, where to and with what. */
export function inWords(answer) {
  const { status, headers, json } = answer
  if (headers.location) return `${status} ${redirectInWords(new URL(headers.location, SELF))}`
  if (/^text\/html/.test(headers['content-type'] ?? '')) return `${status} page`
  return words(status, json?.error)
}

/** At a resource server the code stands in the challenge (RFC 6750 section 3, RFC 9449 section 7.1). */
export function challengeInWords({ status, headers, json }) {
  const challenge = headers['www-authenticate']
  if (status < 400) return String(status)
  if (!challenge) return words(status, `no challenge (${json?.error ?? 'no code'})`)
  const [, error] = challenge.match(/error="([^"]*)"/) ?? []
  return words(status, error ?? 'challenge')
}

/** Where a browser is sent, and with what. */
export function redirectInWords(url) {
  if (url.pathname.startsWith('/oauth/')) return `to its own ${url.pathname}`
  const answer = new URLSearchParams(url.hash.slice(1) || url.search)
  return `to ${url.origin} with ${answer.get('error') ?? (answer.has('code') ? 'a code' : 'nothing')}`
}

function words(status, error) {
  return error ? `${status} ${error}` : String(status)
}
