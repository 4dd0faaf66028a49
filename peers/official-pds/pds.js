// Starts one official PDS, unmodified, with the variables that it was given, prints one line of JSON, and ends
// when its standard input does. Its data stays where `PDS_DATA_DIRECTORY` says.

import { PDS, envToCfg, envToSecrets, readEnv } from '@atproto/pds'
import { untilInputEnds } from './input.js'

Object.assign(process.env, {
  PDS_HOSTNAME: 'localhost',
  PDS_DEV_MODE: 'true',
  PDS_DISABLE_SSRF_PROTECTION: 'true',
  PDS_INVITE_REQUIRED: 'false',
  PDS_RATE_LIMITS_ENABLED: 'false',
  LOG_ENABLED: process.env.LOG_ENABLED ?? 'false',
})
const env = readEnv()
const pds = await PDS.create(envToCfg(env), envToSecrets(env))
await pds.start()
console.log(JSON.stringify({ pds: `http://localhost:${process.env.PDS_PORT}` }))
await untilInputEnds()
await pds.destroy()
