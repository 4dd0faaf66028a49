// Our client library at the end of a pipe (crates/atpass-testnet/examples/client_driver.rs).

import { startPiped } from './piped.js'
import { example } from './programs.js'

/** Starts a process of it. `store` is the file of its sessions; processes may share one. */
export function startDriver({ store, directory, handleResolver }) {
  const variables = { STORE: store, DIRECTORY: directory, HANDLE_RESOLVER: handleResolver }
  return startPiped('our client', example('examples/client_driver'), [], variables)
}
