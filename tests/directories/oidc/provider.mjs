// A real OpenID provider for the tests, with a few levers beside it:
//   POST /levers/last-token   the last ID token that was issued
//   POST /levers/next-token   put the text of the request in the place of the next ID token
//   POST /levers/new-key      sign with another key from now on
//   POST /levers/slow-down    answer the next request for a token with slow_down
// Settings come as JSON in the first argument: port, issuer, clients, claims_by_userinfo, clock_behind_s.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);

const clock = Date.now;
Date.now = () => clock() - (settings.clock_behind_s ?? 0) * 1000;

function key(kid) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

// Two programs behind one address would be a provider that changed its key.
function provide(kid) {
  const provider = new Provider(settings.issuer, configuration(kid));
  provider.use(pullLevers);
  return provider.callback();
}

const configuration = (kid) => ({
  clients: settings.clients,
  jwks: { keys: [key(kid)] },
  cookies: { keys: ['only for tests'] },
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username'],
    email: ['email'],
    groups: ['groups'],
  },
  conformIdTokenClaims: settings.claims_by_userinfo ?? false,
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  ttl: { IdToken: 3600 },
  pkce: { required: () => true },
  findAccount: (_, login) => ({
    accountId: login,
    claims: () => ({
      sub: login,
      name: `${login[0].toUpperCase()}${login.slice(1)} of the firm`,
      preferred_username: login,
      email: `${login}@firm.example`,
      groups: ['sales', 'all'],
    }),
  }),
});

let last = '';
let next = '';
let slow = 0;

async function pullLevers(ctx, proceed) {
  if (ctx.path !== '/token') return proceed();
  if (slow > 0) {
    slow -= 1;
    ctx.status = 400;
    ctx.body = { error: 'slow_down' };
    return undefined;
  }
  await proceed();
  if (!ctx.body?.id_token) return undefined;
  last = ctx.body.id_token;
  if (next) ctx.body = { ...ctx.body, id_token: next };
  next = '';
  return undefined;
}

let serve = provide('first');

function lever(request, response) {
  let text = '';
  request.on('data', (chunk) => { text += chunk; });
  request.on('end', () => {
    if (request.url === '/levers/next-token') next = text;
    if (request.url === '/levers/slow-down') slow += 1;
    if (request.url === '/levers/new-key') serve = provide('second');
    response.end(request.url === '/levers/last-token' ? last : '');
  });
}

createServer((request, response) => {
  if (request.url.startsWith('/levers/')) lever(request, response);
  else serve(request, response);
}).listen(settings.port, '127.0.0.1', () => console.log('ready'));
