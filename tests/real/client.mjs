// The small HTTP client of the probe: cookies, forms, DPoP proofs. Node's `fetch` rewrites the
// sec-fetch-* headers that the PDS checks, so this speaks through node:http.
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto'
import http from 'node:http'

/** One request, no redirects followed; `jar` is a Map of cookies that is read and written. */
export function request(method, url, { headers = {}, form, json, jar } = {}) {
  const sent = { ...headers }
  let body
  if (form) {
    body = new URLSearchParams(form).toString()
    sent['content-type'] = 'application/x-www-form-urlencoded'
  } else if (json !== undefined) {
    body = JSON.stringify(json)
    sent['content-type'] = 'application/json'
  }
  if (body !== undefined) sent['content-length'] = Buffer.byteLength(body)
  if (jar?.size) sent.cookie = [...jar].map(([k, v]) => `${k}=${v}`).join('; ')
  return new Promise((resolve, reject) => {
    // snac closes after each answer without saying so: no connection is used twice.
    const req = http.request(url, { method, headers: sent, family: 4, agent: false }, (res) => {
      const parts = []
      res.on('data', (d) => parts.push(d))
      res.on('end', () => {
        for (const line of res.headers['set-cookie'] ?? []) {
          const [pair] = line.split(';')
          const at = pair.indexOf('=')
          if (pair.slice(at + 1) === '') jar?.delete(pair.slice(0, at))
          else jar?.set(pair.slice(0, at), pair.slice(at + 1))
        }
        const text = Buffer.concat(parts).toString()
        let parsed
        try {
          parsed = JSON.parse(text)
        } catch {
          parsed = undefined
        }
        resolve({ status: res.statusCode, headers: res.headers, text, json: parsed })
      })
    })
    req.on('error', reject)
    req.end(body)
  })
}

const b64 = (data) => Buffer.from(data).toString('base64url')
export const sha256 = (text) => createHash('sha256').update(text).digest('base64url')

export function pkce() {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: sha256(verifier) }
}

/** A DPoP key: `proof(method, url, nonce, accessToken)` makes one proof. */
export function dpopKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  return (method, url, nonce, accessToken) => {
    const head = b64(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }))
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: url.split('?')[0],
      iat: Math.floor(Date.now() / 1000),
      ...(nonce && { nonce }),
      ...(accessToken && { ath: sha256(accessToken) }),
    }
    const signed = `${head}.${b64(JSON.stringify(claims))}`
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${b64(signature)}`
  }
}

/** A request with a DPoP proof, repeated once when the server hands out a nonce. */
export async function dpopRequest(proof, method, url, { token, nonces, ...options }) {
  for (let tries = 0; ; tries += 1) {
    const origin = new URL(url).origin
    const headers = { ...options.headers, dpop: proof(method, url, nonces.get(origin), token) }
    if (token) headers.authorization = `DPoP ${token}`
    const answer = await request(method, url, { ...options, headers })
    const nonce = answer.headers['dpop-nonce']
    if (nonce) nonces.set(origin, nonce)
    const wanted = answer.json?.error === 'use_dpop_nonce'
    if (!wanted || tries > 0) return { ...answer, nonceAsked: wanted || tries > 0 }
  }
}
