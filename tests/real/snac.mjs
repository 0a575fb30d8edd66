// A real server of the Mastodon API: snac, as an unprivileged user, with fresh accounts.
//   node snac.mjs [--dir DIR] [--port N] [--account alice]… [--stdin]
// The binary is HERALD_SNAC, or .tools/snac/usr/bin/snac of this repository, or snac on PATH.
// snac refuses to run as root: root hands the folder to `nobody` and drops to it.
// Prints one JSON line when ready.
import { execFileSync, spawn } from 'node:child_process'
import { accessSync, chmodSync, chownSync, constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { args, endWith, fail, port, ready } from './lib.mjs'

const NOBODY = 65534
const given = args({ dir: 'DIR', port: 'N', account: 'NAME', stdin: '' })
const here = path.dirname(fileURLToPath(import.meta.url))

function binary() {
  const places = [
    process.env.HERALD_SNAC,
    path.resolve(here, '../../.tools/snac/usr/bin/snac'),
    ...(process.env.PATH ?? '').split(':').map((p) => path.join(p, 'snac')),
  ]
  return places.find((p) => p && existsSync(p)) ?? fail('snac is not installed: run scripts/install-test-tools.sh')
}

const root = process.getuid() === 0
const dir = path.resolve(given.dir[0] ?? mkdtempSync(path.join(os.tmpdir(), 'herald-snac-')))
mkdirSync(dir, { recursive: true })
// A copy, because the unprivileged user may not reach the folder of the repository.
const snac = path.join(dir, 'snac')
copyFileSync(binary(), snac)
accessSync(snac, constants.R_OK)
chmodSync(snac, 0o755)
if (root) {
  chownSync(dir, NOBODY, NOBODY)
  chownSync(snac, NOBODY, NOBODY)
}
const unprivileged = (argv) =>
  root ? ['setpriv', [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', snac, ...argv]] : [snac, argv]
function run(argv, input) {
  const [command, rest] = unprivileged(argv)
  try {
    return execFileSync(command, rest, { input, encoding: 'utf8', cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] })
  } catch (e) {
    return fail(`snac ${argv[0]} in ${dir} failed (every folder above it must be open to the unprivileged user): ${e.message}\n${e.stdout ?? ''}${e.stderr ?? ''}`)
  }
}

const listenOn = await port(given.port[0])
const host = `localhost:${listenOn}`
const base = path.join(dir, 'base')
rmSync(base, { recursive: true, force: true })
run(['init', base], ['127.0.0.1', String(listenOn), host, '', 'admin@example.com', ''].join('\n'))
// Without this, snac writes https into every URL it makes.
const settings = path.join(base, 'server.json')
const server = JSON.parse(readFileSync(settings, 'utf8'))
server.protocol = 'http'
writeFileSync(settings, JSON.stringify(server, null, 4))

const accounts = (given.account.length > 0 ? given.account : ['alice']).map((user) => {
  const said = run(['adduser', base, user], '')
  const password = /password(?: is)?:?\s+(\S+)/i.exec(said)?.[1] ?? fail(`no password in: ${said}`)
  return { user, password }
})

const [command, rest] = unprivileged(['httpd', base])
const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit'], cwd: dir })
let ended = false
const gone = new Promise((resolve) => child.once('exit', resolve))
gone.then((code) => {
  if (!ended) fail(`snac ended by itself with ${code}`)
})
endWith(async () => {
  ended = true
  child.kill('SIGTERM')
  const slow = setTimeout(() => child.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(slow)
}, given.stdin.length > 0)

const url = `http://${host}`
for (let tries = 0; ; tries += 1) {
  const answer = await fetch(`${url}/api/v1/instance`).catch(() => undefined)
  if (answer?.ok) break
  if (tries > 100) fail('snac did not answer within ten seconds')
  await new Promise((resolve) => setTimeout(resolve, 100))
}
ready({ url, host, pid: child.pid, accounts })
