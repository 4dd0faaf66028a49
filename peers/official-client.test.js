// The newest official client that runs on the oldest supported Node.

import * as library from '@atproto/oauth-client-node'
import { adaptOfficialClient } from './lib/official-client.js'
import { testClient } from './lib/peer-client.js'

testClient('official client 0.3', adaptOfficialClient(library))
