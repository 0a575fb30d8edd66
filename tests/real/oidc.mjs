// A certified OAuth 2 / OpenID provider with one confidential client.
//   node oidc.mjs --client-id ID --client-secret SECRET --redirect-uri URI… [--port N]
//     [--access-ttl S] [--code-ttl S] [--refresh-ttl S] [--claims LOGIN=JSON]… [--stdin]
// PKCE is demanded, refresh tokens rotate, PAR, DPoP, introspection and revocation are on.
// Who asks for the resource `urn:AUDIENCE:ALG` gets an access token that is a JWT for that audience,
// signed with that algorithm (RS256, ES256 or EdDSA), with the claims given for the login name.
// Prints one JSON line when ready. Any login name signs in; it is the `sub`.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import Provider, { errors } from 'oidc-provider'
import { args, endWith, fail, port, ready } from './lib.mjs'

const given = args({
  port: 'N',
  'client-id': 'ID',
  'client-secret': 'SECRET',
  'redirect-uri': 'URI',
  'access-ttl': 'SECONDS',
  'code-ttl': 'SECONDS',
  'refresh-ttl': 'SECONDS',
  claims: 'LOGIN=JSON',
  stdin: '',
})
if (given['redirect-uri'].length === 0) fail('--redirect-uri is needed')
const clientId = given['client-id'][0] ?? 'herald'
const clientSecret = given['client-secret'][0] ?? randomBytes(16).toString('hex')
const seconds = (name, usual) => Number(given[name][0] ?? usual)
const claimsOf = Object.fromEntries(
  given.claims.map((text) => [text.slice(0, text.indexOf('=')), JSON.parse(text.slice(text.indexOf('=') + 1))]),
)
const key = (alg, type, options) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid: `key-${alg}`, alg, use: 'sig' })
const keys = [key('RS256', 'rsa', { modulusLength: 2048 }), key('ES256', 'ec', { namedCurve: 'P-256' }), key('EdDSA', 'ed25519')]
const SCOPES = 'posts.read posts.write'

function resource(indicator) {
  const [urn, audience, alg] = indicator.split(':')
  if (urn !== 'urn' || !audience || !keys.some((k) => k.alg === alg)) throw new errors.InvalidTarget()
  return { scope: SCOPES, audience, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }
}

const listenOn = await port(given.port[0])
const issuer = `http://localhost:${listenOn}`

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: given['redirect-uri'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  jwks: { keys },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  scopes: ['openid', 'offline_access', 'profile', 'posts.read', 'posts.write'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
  findAccount: async (_ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: `${id} of the provider`, preferred_username: id }),
  }),
  extraTokenClaims: async (_ctx, token) => claimsOf[token.accountId],
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: async (_ctx, indicator) => resource(indicator),
      useGrantedResource: async () => true,
    },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    AccessToken: () => seconds('access-ttl', 7200),
    AuthorizationCode: () => seconds('code-ttl', 30),
    RefreshToken: () => seconds('refresh-ttl', 86400),
    Session: () => 3600,
    Grant: () => 86400,
    Interaction: () => 600,
    IdToken: () => 3600,
  },
})

const server = provider.listen(listenOn, '127.0.0.1', () => {
  ready({ issuer, discovery: `${issuer}/.well-known/openid-configuration`, clientId, clientSecret, redirectUris: given['redirect-uri'] })
})
server.on('error', (e) => fail(String(e)))
endWith(
  () =>
    new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    }),
  given.stdin.length > 0,
)
