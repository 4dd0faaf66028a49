// Scopes and calls from a small world, so that they meet; with all the ways to write them, and many
// that are wrong. The same at each run.

const NAMES = ['app.example.post', 'app.example.like', 'chat.bsky.convo.sendMessage', 'org.other.post', 'app.example.postscript']
const ODD_NAMES = ['app.example.*', 'app.example', 'app.example.Post', 'App.Example.post', 'app.example.po-st', 'a.b.1c', 'app..post', '', `a.${'b'.repeat(63)}.c`, `a.${'b'.repeat(64)}.c`, `a.b.${'c'.repeat(64)}`, 'app.example.pöst']
const SERVICES = ['did:web:api.example.com#svc_appview', 'did:web:api.example.com#svc_chat', 'did:plc:ewvi7nxzyoun6zhxrhs64oiz#atproto_labeler']
const ODD_SERVICES = ['did:web:api.example.com', 'did:web:api.example.com#', 'did:web:localhost%3A2583#svc', 'did:web:api.example.com%3A8080#svc', 'did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N#svc', 'did:plc:short#svc', 'https://api.example.com#svc', 'did:web:api.example.com#a#b', 'did:web:api.example.com#a/b', 'did:web:api.example.com#a%20b', 'did:web:127.0.0.1#svc', 'DID:web:api.example.com#svc']
const MIMES = ['*/*', 'image/*', 'image/png', 'image/svg+xml', 'video/mp4', 'text/html']
const ODD_MIMES = ['image', 'image/', '/png', '*/png', 'IMAGE/PNG', 'image/*png', 'a/b/c', 'image/png;q=1', '*', '']
const ACTIONS = ['create', 'update', 'delete']
const TRANSITIONAL = ['transition:generic', 'transition:chat.bsky', 'transition:email']
const NONSENSE = ['resource', 'resource:positional?key=val', 'resource:', 'resource:?', 'resource?', 'openid', 'repo', 'repo?', 'rpc', 'blob', 'account', 'identity', 'include', 'repo:*?', 'identity:*?', 'REPO:*', 'repos:*', 'transition:everything']

/** Numbers that look random and are the same at each run (mulberry32). */
export function numbers(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Generator {
  constructor(seed) {
    this.next = numbers(seed)
  }

  chance(share) {
    return this.next() < share
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)]
  }

  /** Mostly from the first list. */
  mostly(usual, odd) {
    return this.pick(this.chance(0.9) ? usual : odd)
  }

  some(list, odd) {
    const count = this.pick([1, 1, 1, 2, 2, 3])
    return Array.from({ length: count }, () => this.mostly(list, odd))
  }

  /** As it stands in a scope: encoded as it must be, or more, or wrongly. */
  encode(text) {
    const must = text.replace(/[%#&=?"\\ ]/g, (c) => (c === '#' && this.chance(0.3) ? c : encodeURIComponent(c)))
    if (this.chance(0.9)) return must
    const bent = [
      () => encodeURIComponent(text),
      () => encodeURIComponent(text).toLowerCase(),
      () => text.replace('.', '%2E'),
      () => text.replace('.', '%2e'),
      () => `${must}%`,
      () => `${must}%zz`,
      () => `${must}%ff`,
      () => must.replace('.', '%252E'),
      () => must.replace('/', '%2F'),
      () => `+${must}`,
    ]
    return this.pick(bent)()
  }

  /** `resource:value?name=value`, with the positional field in one of its places, or in both. */
  write(resource, positional, values, rest) {
    const pairs = rest.flatMap(([name, list]) => list.map((value) => `${name}=${this.encode(value)}`))
    const named = values.map((value) => `${positional}=${this.encode(value)}`)
    let text = resource
    const how = this.next()
    if (values.length === 1 && how < 0.75) text += `:${this.encode(values[0])}`
    else if (how < 0.97) pairs.unshift(...named)
    else {
      text += `:${this.encode(values[0] ?? '')}`
      pairs.push(...named)
    }
    if (this.chance(0.03)) pairs.push(this.pick(['new=1', 'action=fly', 'aud=*', '', '=', 'x']))
    if (pairs.length > 0 || this.chance(0.03)) text += `?${pairs.join('&')}`
    return text
  }

  value() {
    const kinds = {
      repo: () => {
        const actions = this.chance(0.5) ? [] : this.some(ACTIONS, ['read', '', 'Create', '*'])
        return this.write('repo', 'collection', this.some([...NAMES, '*'], ODD_NAMES), [['action', actions]])
      },
      rpc: () => {
        const aud = this.chance(0.97) ? [this.mostly([...SERVICES, '*'], ODD_SERVICES)] : this.some(SERVICES, [''])
        return this.write('rpc', 'lxm', this.some([...NAMES, '*'], ODD_NAMES), [['aud', this.chance(0.97) ? aud : []]])
      },
      blob: () => this.write('blob', 'accept', this.some(MIMES, ODD_MIMES), []),
      account: () => {
        const actions = this.chance(0.5) ? [] : this.chance(0.9) ? [this.mostly(['read', 'manage'], ['write', ''])] : ['read', 'manage']
        return this.write('account', 'attr', [this.mostly(['email', 'repo', 'status'], ['*', 'password', ''])], [['action', actions]])
      },
      identity: () => this.write('identity', 'attr', [this.mostly(['handle', '*'], ['did', ''])], []),
      include: () => {
        const aud = this.chance(0.5) ? [] : [this.mostly(SERVICES, [...ODD_SERVICES, '*'])]
        return this.write('include', 'nsid', [this.mostly(NAMES, ['*', ...ODD_NAMES])], [['aud', aud]])
      },
      transitional: () => this.pick(TRANSITIONAL),
      nonsense: () => this.pick(NONSENSE),
    }
    const shares = ['repo', 'repo', 'repo', 'rpc', 'rpc', 'rpc', 'blob', 'blob', 'account', 'identity', 'include', 'transitional', 'transitional', 'nonsense']
    // A space or a quote can't stand in a value; what the lists have of them is encoded above.
    return kinds[this.pick(shares)]()
  }

  scope() {
    const count = this.pick([0, 1, 1, 2, 3, 5])
    return ['atproto', ...Array.from({ length: count }, () => this.value())].join(' ')
  }

  call() {
    const calls = [
      () => ({ repo: { collection: this.pick(NAMES), action: this.pick(ACTIONS) } }),
      () => ({ repo: { collection: this.pick(NAMES), action: this.pick(ACTIONS) } }),
      () => ({ rpc: { lxm: this.pick([...NAMES, '*']), aud: this.mostly(SERVICES, ['did:web:api.example.com', 'did:web:localhost%3A2583#svc']) } }),
      () => ({ rpc: { lxm: this.pick([...NAMES, '*']), aud: this.mostly(SERVICES, ['did:web:api.example.com']) } }),
      () => ({ blob: { mime: this.mostly(['image/png', 'image/svg+xml', 'video/mp4', 'text/html'], ['IMAGE/PNG', 'image/png; q=1', 'image', 'image/*']) } }),
      () => ({ account: { attr: this.pick(['email', 'repo', 'status']), action: this.pick(['read', 'manage']) } }),
      () => ({ identity: { attr: this.pick(['handle', '*']) } }),
    ]
    return this.pick(calls)()
  }
}
