// Starts the real servers and walks the flows that README.md describes, signing in without a
// browser. Ends with 0 when every noted behaviour still holds: run it after a change of version.
//   node probe.mjs [pds] [oidc] [snac]
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'
import { dpopKey, dpopRequest, pkce, request } from './client.mjs'

const CALLBACK = 'http://127.0.0.1:9999/cb'
const here = path.dirname(fileURLToPath(import.meta.url))
let failures = 0
function check(what, holds, seen) {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}${holds ? '' : `: ${JSON.stringify(seen)?.slice(0, 400)}`}`)
  if (!holds) failures += 1
}

async function started(script, argv) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'herald-probe-'))
  const child = spawn('node', [path.join(here, script), ...(script === 'oidc.mjs' ? [] : ['--dir', dir]), ...argv, '--stdin'], { stdio: ['pipe', 'pipe', 'ignore'] })
  for await (const line of readline.createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue
    const stop = async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      check(`${script} ends with SIGTERM`, (await ended) === 0, child.signalCode)
      rmSync(dir, { recursive: true, force: true })
    }
    return { ...JSON.parse(line), stop }
  }
  throw new Error(`${script} did not start`)
}

async function pds() {
  const server = await started('pds.mjs', ['--account', 'alice.test'])
  const [alice] = server.accounts
  const xrpc = `${server.pds}/xrpc/`
  const session = await request('POST', `${xrpc}com.atproto.server.createSession`, { json: { identifier: alice.handle, password: alice.appPassword } })
  check('pds: app password signs in', session.status === 200 && session.json.did === alice.did, session)
  const post = (text) => ({ repo: alice.did, collection: 'app.bsky.feed.post', record: { $type: 'app.bsky.feed.post', text, createdAt: new Date().toISOString() } })
  const made = await request('POST', `${xrpc}com.atproto.repo.createRecord`, { json: post('one'), headers: { authorization: `Bearer ${session.json.accessJwt}` } })
  check('pds: createRecord is valid', made.json?.validationStatus === 'valid', made)

  const meta = (await request('GET', `${server.pds}/.well-known/oauth-authorization-server`)).json
  const clientId = `http://localhost?redirect_uri=${encodeURIComponent(CALLBACK)}&scope=${encodeURIComponent('atproto transition:generic')}`
  const { verifier, challenge } = pkce()
  const proof = dpopKey()
  const nonces = new Map()
  const par = await dpopRequest(proof, 'POST', meta.pushed_authorization_request_endpoint, {
    nonces,
    form: { client_id: clientId, response_type: 'code', redirect_uri: CALLBACK, scope: 'atproto transition:generic', state: 's1', code_challenge: challenge, code_challenge_method: 'S256', login_hint: alice.handle },
  })
  check('pds: PAR asks for a nonce, then 201', par.status === 201 && par.nonceAsked, par)

  const jar = new Map()
  const authorize = `${meta.authorization_endpoint}?client_id=${encodeURIComponent(clientId)}&request_uri=${encodeURIComponent(par.json.request_uri)}`
  const page = await request('GET', authorize, { jar, headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' } })
  check('pds: the authorize page sets dev-id, ses-id, csrf-token', page.status === 200 && jar.has('csrf-token') && jar.has('dev-id'), [page.status, [...jar.keys()]])
  const api = (name, json) =>
    request('POST', `${server.pds}/@atproto/oauth-provider/~api/${name}`, {
      jar,
      json,
      headers: { 'x-csrf-token': jar.get('csrf-token'), origin: server.pds, referer: authorize, 'sec-fetch-mode': 'same-origin', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' },
    })
  const wrong = await api('sign-in', { locale: 'en', username: alice.handle, password: 'wrong', remember: true })
  check('pds: a wrong password is refused', wrong.status === 400 || wrong.status === 401, wrong)
  const signIn = await api('sign-in', { locale: 'en', username: alice.handle, password: alice.password, remember: true })
  check('pds: sign-in', signIn.status === 200 && signIn.json.account.sub === alice.did, signIn)
  const consent = await api('consent', { sub: alice.did, scope: 'atproto transition:generic' })
  check('pds: consent gives a url', consent.status === 200 && consent.json.url, consent)
  const back = await request('GET', consent.json.url, { jar, headers: { referer: authorize, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'same-origin' } })
  const answer = new URL(back.headers.location ?? 'http://none').searchParams
  check('pds: 303 to the callback with code, state, iss', back.status === 303 && answer.get('state') === 's1' && answer.get('iss') === server.pds, [back.status, back.headers, back.text.slice(0, 200)])

  const token = (form) => dpopRequest(proof, 'POST', meta.token_endpoint, { nonces, form: { client_id: clientId, ...form } })
  const exchange = { grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: CALLBACK, code_verifier: verifier }
  const first = await token(exchange)
  check('pds: token is DPoP and sub is the DID', first.json?.token_type === 'DPoP' && first.json.sub === alice.did, first)
  console.log('     token fields:', Object.keys(first.json).join(' '), '| expires_in', first.json.expires_in, '| scope', first.json.scope)
  const call = (accessToken) => dpopRequest(proof, 'GET', `${xrpc}com.atproto.server.getSession`, { nonces, token: accessToken })
  const written = await dpopRequest(proof, 'POST', `${xrpc}com.atproto.repo.createRecord`, { nonces, token: first.json.access_token, json: post('two') })
  check('pds: createRecord with DPoP', written.status === 200, written)
  const second = await token({ grant_type: 'refresh_token', refresh_token: first.json.refresh_token })
  check('pds: refresh rotates', second.status === 200 && second.json.refresh_token !== first.json.refresh_token, second)
  check('pds: new token works', (await call(second.json.access_token)).status === 200, '')
  const old = await call(first.json.access_token)
  console.log('     old access token after refresh:', old.status, old.json?.error)
  const replay = await token({ grant_type: 'refresh_token', refresh_token: first.json.refresh_token })
  check('pds: a replayed refresh token is invalid_grant', replay.status === 400 && replay.json.error === 'invalid_grant', replay)
  const after = await token({ grant_type: 'refresh_token', refresh_token: second.json.refresh_token })
  check('pds: and ends the newest one too', after.json?.error === 'invalid_grant', after)
  const dead = await call(second.json.access_token)
  console.log('     access token of the ended session:', dead.status, dead.text.slice(0, 120), dead.headers['www-authenticate'])
  const spent = await token(exchange)
  check('pds: a spent code is invalid_grant', spent.json?.error === 'invalid_grant', spent)
  const revoke = await dpopRequest(proof, 'POST', meta.revocation_endpoint, { nonces, form: { client_id: clientId, token: second.json.refresh_token } })
  check('pds: revoke answers 200', revoke.status === 200, revoke)
  const again = await request('GET', authorize, { jar: new Map(), headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' } })
  console.log('     a used request_uri:', again.status, again.headers.location ?? '')
  await server.stop()
}

async function oidc() {
  const server = await started('oidc.mjs', ['--client-id', 'c1', '--client-secret', 's1', '--redirect-uri', CALLBACK])
  const meta = (await request('GET', server.discovery)).json
  check('oidc: discovery', meta.issuer === server.issuer && meta.pushed_authorization_request_endpoint, meta)
  console.log('     endpoints:', Object.entries(meta).filter(([k]) => k.endsWith('_endpoint')).map(([, v]) => new URL(v).pathname).join(' '))
  const basic = { authorization: `Basic ${Buffer.from('c1:s1').toString('base64')}` }
  const scope = 'openid offline_access profile posts.read'
  const noPkce = await request('GET', `${meta.authorization_endpoint}?${new URLSearchParams({ client_id: 'c1', response_type: 'code', redirect_uri: CALLBACK, scope, state: 's' })}`)
  check('oidc: no PKCE is refused at the callback', new URL(noPkce.headers.location ?? 'http://none').searchParams.get('error') === 'invalid_request', noPkce)

  async function grant(login, how) {
    const { verifier, challenge } = pkce()
    const asked = { client_id: 'c1', response_type: 'code', redirect_uri: CALLBACK, scope, state: 's1', code_challenge: challenge, code_challenge_method: 'S256' }
    let query = asked
    if (how === 'par') {
      const par = await request('POST', meta.pushed_authorization_request_endpoint, { form: asked, headers: basic })
      check('oidc: PAR 201', par.status === 201 && par.json.request_uri, par)
      query = { client_id: 'c1', request_uri: par.json.request_uri }
    }
    const jar = new Map()
    let step = await request('GET', `${meta.authorization_endpoint}?${new URLSearchParams(query)}`, { jar })
    const seen = [step.status]
    for (let hops = 0; hops < 8; hops += 1) {
      const to = new URL(step.headers.location, server.issuer)
      if (to.href.startsWith(CALLBACK)) return { answer: to.searchParams, verifier, seen }
      step = await request('GET', to, { jar })
      seen.push(step.status)
      const form = /action="([^"]+)"/.exec(step.text)?.[1]
      if (step.status !== 200 || !form) continue
      const prompt = /name="prompt" value="([^"]+)"/.exec(step.text)[1]
      seen.push(prompt)
      step = await request('POST', form, { jar, form: prompt === 'login' ? { prompt, login, password: 'any' } : { prompt } })
      seen.push(step.status)
    }
    throw new Error(`oidc: never came back: ${seen}`)
  }
  const token = (form, headers = basic) => request('POST', meta.token_endpoint, { form, headers })
  const exchange = ({ answer, verifier }) => ({ grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: CALLBACK, code_verifier: verifier })

  const granted = await grant('alice', 'par')
  console.log('     steps of a sign-in:', granted.seen.join(' '))
  check('oidc: callback has code, state, iss', granted.answer.get('state') === 's1' && granted.answer.get('iss') === server.issuer, granted.answer.toString())
  const wrong = await token({ ...exchange(await grant('alice')), code_verifier: 'x'.repeat(43) })
  check('oidc: a wrong verifier is invalid_grant', wrong.json?.error === 'invalid_grant', wrong)
  const first = await token(exchange(granted))
  check('oidc: token', first.status === 200 && first.json.refresh_token, first)
  console.log('     token fields:', Object.keys(first.json).join(' '), '| expires_in', first.json.expires_in, '| scope', first.json.scope, '|', first.json.token_type)
  const me = await request('GET', meta.userinfo_endpoint, { headers: { authorization: `Bearer ${first.json.access_token}` } })
  check('oidc: userinfo', me.json?.sub === 'alice' && me.json.name, me)
  const second = await token({ grant_type: 'refresh_token', refresh_token: first.json.refresh_token })
  check('oidc: refresh rotates', second.json?.refresh_token && second.json.refresh_token !== first.json.refresh_token, second)
  const replay = await token({ grant_type: 'refresh_token', refresh_token: first.json.refresh_token })
  const after = await token({ grant_type: 'refresh_token', refresh_token: second.json.refresh_token })
  check('oidc: a replayed refresh token ends the grant', replay.json?.error === 'invalid_grant' && after.json?.error === 'invalid_grant', [replay, after])
  const other = await grant('bob')
  const bob = await token(exchange(other))
  const reuse = await token(exchange(other))
  const dead = await request('GET', meta.userinfo_endpoint, { headers: { authorization: `Bearer ${bob.json.access_token}` } })
  check('oidc: a reused code is invalid_grant and ends its tokens', reuse.json?.error === 'invalid_grant' && dead.status === 401, [reuse, dead])
  check('oidc: a wrong secret is 401 invalid_client', (await token({ grant_type: 'refresh_token', refresh_token: 'x' }, { authorization: `Basic ${Buffer.from('c1:no').toString('base64')}` })).json?.error === 'invalid_client', '')

  const bound = await grant('carol')
  const proof = dpopKey()
  const dpop = await dpopRequest(proof, 'POST', meta.token_endpoint, { nonces: new Map(), form: exchange(bound), headers: basic })
  check('oidc: DPoP-bound token', dpop.json?.token_type === 'DPoP', dpop)
  console.log('     oidc DPoP nonce asked:', dpop.nonceAsked)
  const revoked = await request('POST', meta.revocation_endpoint, { form: { token: dpop.json.refresh_token }, headers: basic })
  const gone = await dpopRequest(proof, 'POST', meta.token_endpoint, { nonces: new Map(), form: { grant_type: 'refresh_token', refresh_token: dpop.json.refresh_token }, headers: basic })
  check('oidc: revocation 200, then invalid_grant', revoked.status === 200 && gone.json?.error === 'invalid_grant', [revoked, gone])
  await server.stop()
}

async function snac() {
  const server = await started('snac.mjs', [])
  const [alice] = server.accounts
  const app = (await request('POST', `${server.url}/api/v1/apps`, { form: { client_name: 'Herald', redirect_uris: CALLBACK, scopes: 'read write' } })).json
  check('snac: app registration', app.client_id && app.client_secret, app)
  const page = await request('GET', `${server.url}/oauth/authorize?${new URLSearchParams({ response_type: 'code', client_id: app.client_id, redirect_uri: CALLBACK, scope: 'read write', state: 's1' })}`)
  check('snac: authorize is a form', page.status === 200 && page.text.includes('/oauth/x-snac-login'), page)
  const login = (passwd) => request('POST', `${server.url}/oauth/x-snac-login`, { form: { login: alice.user, passwd, redir: CALLBACK, cid: app.client_id, state: 's1' } })
  check('snac: a wrong password is the form again, 200', (await login('wrong')).text.includes('LOGIN INCORRECT'), '')
  const back = await login(alice.password)
  const code = new URL(back.headers.location).searchParams.get('code')
  check('snac: 303 to the callback', back.status === 303 && code, back)
  const exchange = () => request('POST', `${server.url}/oauth/token`, { form: { grant_type: 'authorization_code', code, client_id: app.client_id, client_secret: app.client_secret, redirect_uri: CALLBACK } })
  const token = (await exchange()).json
  check('snac: token without scope, expiry or refresh token', token.token_type === 'Bearer' && !token.scope && !token.refresh_token, token)
  const headers = { authorization: `Bearer ${token.access_token}` }
  const me = (await request('GET', `${server.url}/api/v1/accounts/verify_credentials`, { headers })).json
  check('snac: verify_credentials', me.acct === 'alice' && me.id, me)
  for (let i = 0; i < 3; i += 1) await request('POST', `${server.url}/api/v1/statuses`, { headers, form: { status: `post ${i}`, visibility: 'public' } })
  const list = await request('GET', `${server.url}/api/v1/accounts/${me.id}/statuses?limit=2`)
  check('snac: statuses are public, limit is ignored, no Link', list.json?.length === 3 && !list.headers.link, list)
  const next = await request('GET', `${server.url}/api/v1/accounts/${me.id}/statuses?limit=2&max_id=${list.json.at(-1).id}`)
  check('snac: max_id is ignored: the same page again', next.json?.[0].id === list.json[0].id, next)
  const found = await request('GET', `${server.url}/api/v1/accounts/lookup?acct=alice`)
  check('snac: lookup', found.json?.id === me.id, found)
  check('snac: an unknown account is 404 HTML', (await request('GET', `${server.url}/api/v1/accounts/lookup?acct=nobody`)).status === 404, '')
  const bad = await request('GET', `${server.url}/api/v1/accounts/verify_credentials`, { headers: { authorization: 'Bearer nope' } })
  check('snac: a bad token is 422 with no body', bad.status === 422 && bad.text === '', bad)
  const revoke = await request('POST', `${server.url}/oauth/revoke`, { form: { client_id: app.client_id, client_secret: app.client_secret, token: token.access_token } })
  check('snac: revoke 200', revoke.status === 200, revoke)
  check('snac: revoke removes the app too', (await exchange()).status === 401, '')
  await server.stop()
}

const all = { pds, oidc, snac }
for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(all)) await all[name]()
console.log(failures === 0 ? 'every noted behaviour holds' : `${failures} checks failed`)
process.exit(failures === 0 ? 0 : 1)
