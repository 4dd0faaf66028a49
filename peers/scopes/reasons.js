// Why answers differ, and who is right. Each difference has one reason, the first that fits.

/** The decoded values of a parameter. */
function values(text, name) {
  const pairs = text.split('?').slice(1).join('?').split('&')
  const found = pairs.filter((pair) => pair.startsWith(`${name}=`))
  return found.map((pair) => decodeURIComponent(pair.slice(name.length + 1)))
}

const SERVICE = /^did:(plc:[a-z2-7]{24}|web:([a-z0-9-]+\.)+[a-z][a-z0-9-]*|web:localhost(%3A\d+)?)#[\w.~!$&'()*+,;=:@/?-]+$/

export const REASONS = [
  {
    id: 'not-ascii',
    fits: ({ all }) => all.some((text) => /[^!-~]/.test(text)),
    right: 'ours',
    why: 'SC-SYN-01, RFC 6749 section 3.3: a scope is printable ASCII, and one with anything else is malformed as a whole; theirs leaves out the one value',
  },
  {
    id: 'chat-alone',
    fits: ({ scope, call }) =>
      scope?.includes('transition:chat.bsky') && !scope.includes('transition:generic') && call.rpc?.lxm.startsWith('chat.bsky.'),
    right: 'ours',
    why: 'SC-TRN-02: `transition:chat.bsky` does nothing without `transition:generic`; theirs lets it through alone',
  },
  {
    id: 'all-methods',
    fits: ({ scope, call }) =>
      scope?.includes('transition:generic') && !scope.includes('transition:chat.bsky') && call.rpc?.lxm === '*',
    right: 'ours',
    why: 'SC-TRN-01: a token for all methods reaches `chat.bsky.*`, which `transition:generic` alone does not; theirs gives it',
  },
  {
    id: 'media-type-of-the-call',
    fits: ({ call }) => call?.blob && !/^[a-z]+\/[a-z0-9+.-]+$/.test(call.blob.mime),
    right: 'ours',
    why: 'SC-BLOB-01, RFC 2045 section 5.1: media types don’t tell capitals from small letters, and their parameters are no part of them; and `image` or `image/*` is none. Theirs compares texts, and lets anything through with `transition:generic`',
  },
  {
    id: 'plus',
    fits: ({ texts }) => texts.some((text) => text.split('?').slice(1).join('?').includes('+')),
    right: 'ours',
    why: 'SC-SYN-01: the permission specification has percent-encoding only; theirs reads a `+` in a parameter as a space, as HTML forms do, so that `blob?accept=image/svg+xml` means nothing',
  },
  {
    id: 'broken-encoding',
    fits: ({ texts, theirs }) => theirs === 'URIError' || texts.some((text) => /%(?![0-9a-f]{2})|%ff/i.test(text)),
    right: 'ours',
    why: 'SC-SYN-01: what isn’t percent-encoding means nothing; theirs throws an exception where it is positional, and keeps it as it is in a parameter',
  },
  {
    id: 'action-twice',
    fits: ({ texts }) => texts.some((text) => text.startsWith('account') && (text.match(/action=/g) ?? []).length > 1),
    right: 'ours',
    why: 'SC-ACC-01: the `action` of `account` is one text; theirs takes several',
  },
  {
    id: 'media-type-pattern',
    fits: ({ texts }) => texts.some((text) => text.startsWith('blob')),
    right: 'ours',
    why: 'SC-BLOB-01: `*/*`, `type/*` or a media type (RFC 6838 section 4.2), in small letters; theirs takes more, and writes several of them in another order',
  },
  {
    id: 'percent',
    fits: ({ kind, texts }) => kind === 'value' && texts.some((text) => text.includes('%25')),
    right: 'ours',
    why: 'SC-SYN-03: what is written must be read as the same; theirs writes a `%` as it is, and so another service',
  },
  {
    id: 'service',
    fits: ({ texts }) => texts.some((text) => values(text, 'aud').some((aud) => aud !== '*' && !SERVICE.test(aud))),
    right: 'ours',
    why: 'SC-RPC-01, ID-DID-02: a service is a DID of a method that the network uses, and a fragment, spelled in one way',
  },
]
