// A real Bluesky PDS with its PLC directory, on loopback, with fresh accounts.
//   node pds.mjs --dir DIR [--pds-port N] [--plc-port N] [--account alice.test]… [--rate-limits] [--stdin]
// Prints one JSON line when ready. State is for one run: the directory of DIDs is in memory.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Secp256k1Keypair } from '@atproto/crypto'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'
import { Database, PlcServer } from '@did-plc/server'
import { args, endWith, fail, port, ready } from './lib.mjs'

const given = args({ dir: 'DIR', 'pds-port': 'N', 'plc-port': 'N', account: 'HANDLE', password: 'TEXT', 'rate-limits': '', stdin: '' })
const dir = path.resolve(given.dir[0] ?? mkdtempSync(path.join(os.tmpdir(), 'herald-pds-')))
// Both blob folders must exist and lie on one file system.
const folder = (name) => {
  const made = path.join(dir, name)
  mkdirSync(made, { recursive: true })
  return made
}

const plcPort = await port(given['plc-port'][0])
const pdsPort = await port(given['pds-port'][0])
const plcUrl = `http://localhost:${plcPort}`
const pdsUrl = `http://localhost:${pdsPort}`

const plc = PlcServer.create({ db: Database.mock(), port: plcPort })
await plc.start()

const rotation = await Secp256k1Keypair.create({ exportable: true })
const recovery = await Secp256k1Keypair.create({ exportable: true })
const adminPassword = randomBytes(16).toString('hex')
const env = {
  devMode: true,
  port: pdsPort,
  hostname: 'localhost',
  dataDirectory: folder('data'),
  blobstoreDiskLocation: folder('blobs'),
  blobstoreDiskTmpLocation: folder('blobs-tmp'),
  didPlcUrl: plcUrl,
  recoveryDidKey: recovery.did(),
  adminPassword,
  jwtSecret: randomBytes(32).toString('hex'),
  dpopSecret: randomBytes(32).toString('hex'),
  serviceHandleDomains: ['.test'],
  plcRotationKeyK256PrivateKeyHex: Buffer.from(await rotation.export()).toString('hex'),
  inviteRequired: false,
  disableSsrfProtection: true,
  bskyAppViewUrl: 'https://appview.invalid',
  bskyAppViewDid: 'did:example:invalid',
  enableDidDocWithSession: true,
  rateLimitsEnabled: given['rate-limits'].length > 0,
}
const pds = await PDS.create(envToCfg(env), envToSecrets(env))
await pds.start()
endWith(async () => {
  await pds.destroy()
  await plc.destroy()
}, given.stdin.length > 0)

async function xrpc(method, body, token) {
  const response = await fetch(`${pdsUrl}/xrpc/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (!response.ok) fail(`${method}: ${response.status} ${await response.text()}`)
  return response.json()
}

const accounts = []
for (const handle of given.account) {
  const password = given.password[0] ?? randomBytes(9).toString('base64url')
  const email = `${handle.replaceAll('.', '-')}@example.com`
  const session = await xrpc('com.atproto.server.createAccount', { handle, email, password })
  const app = await xrpc('com.atproto.server.createAppPassword', { name: 'herald' }, session.accessJwt)
  accounts.push({ handle, did: session.did, email, password, appPassword: app.password })
}
ready({ pds: pdsUrl, plc: plcUrl, adminPassword, accounts })
