// Starts the official directory of did:plc, in memory, on a free loopback port, prints one line of JSON, and
// ends when its standard input does.

import plc from '@did-plc/server'
import { untilInputEnds } from './input.js'
import { freePort } from './port.js'

const port = await freePort()
const directory = plc.PlcServer.create({ db: plc.Database.mock(), port })
await directory.start()
console.log(JSON.stringify({ directory: `http://localhost:${port}` }))
await untilInputEnds()
await directory.destroy()
