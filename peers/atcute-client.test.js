// A client by other hands than the official one.

import { adaptAtcuteClient } from './lib/atcute-client.js'
import { testClient } from './lib/peer-client.js'

testClient('atcute client 2.0', adaptAtcuteClient)
