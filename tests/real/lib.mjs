// What the three start scripts share: arguments, free ports, a clean end.
import net from 'node:net'

/** `--name value` and `--flag`, as an object of arrays; unknown names end the script. */
export function args(known) {
  const out = Object.fromEntries(Object.keys(known).map((name) => [name, []]))
  const rest = process.argv.slice(2)
  while (rest.length > 0) {
    const name = rest.shift().replace(/^--/, '')
    if (!(name in known)) fail(`unknown argument --${name}; known: ${Object.keys(known).map((k) => `--${k} ${known[k]}`).join(', ')}`)
    out[name].push(known[name] === '' ? 'yes' : (rest.shift() ?? fail(`--${name} needs a value`)))
  }
  return out
}

export function fail(message) {
  console.error(`error: ${message}`)
  process.exit(1)
}

/** A port of 127.0.0.1 that nobody listens on; 0 and undefined mean "any". */
export async function port(wanted) {
  if (Number(wanted)) return Number(wanted)
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/**
 * Ends with SIGTERM and SIGINT, and, with `--stdin`, when standard input closes:
 * so nothing outlives a test runner that was killed.
 */
export function endWith(stop, watchStdin) {
  let ending = false
  const end = async () => {
    if (ending) return
    ending = true
    setTimeout(() => process.exit(1), 5000).unref()
    try {
      await stop()
      process.exit(0)
    } catch (e) {
      console.error(`error while stopping: ${e}`)
      process.exit(1)
    }
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  if (watchStdin) process.stdin.on('end', end).on('error', end).resume()
}

/** The one line that says "ready"; a reader waits for a line that begins with `{`. */
export function ready(facts) {
  console.log(JSON.stringify(facts))
}
