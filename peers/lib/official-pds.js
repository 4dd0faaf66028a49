// The official PDS and DID directory, started for a test and stopped after it.

import { fileURLToPath } from 'node:url'
import { startPiped } from './piped.js'

const START = fileURLToPath(new URL('../official-pds/start.js', import.meta.url))

/**
 * Starts both. Returns `{ pds, directory, account, ask(command), stop() }`; `start.js` says what it can
 * be asked. With `internet`, the PDS reaches its host as it would on the real one; with `weather`, a bad
 * network stands before its token endpoint.
 */
export async function startOfficialPds({ internet, weather } = {}) {
  const variables = {
    ...(internet && {
      NODE_EXTRA_CA_CERTS: internet.root,
      ATPASS_TEST_HOST: internet.host,
      ATPASS_TEST_PORT: String(internet.port),
    }),
    ...(weather && { ATPASS_TEST_WEATHER: JSON.stringify(weather) }),
  }
  const { answer, ask, stop } = startPiped('the official PDS', process.execPath, [START], variables)
  return { ...(await answer()), ask, stop }
}
