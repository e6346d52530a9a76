// A certified OpenID provider on loopback: node-oidc-provider with its own development pages.
// argv: accounts by login, as JSON ({"<login>": {"email": …, "email_verified": …, "name": …}}), then the callbacks
// of its client `rapport`, whose secret is `provider-secret`. Prints its issuer as one line once it listens.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const accounts = JSON.parse(process.argv[2]);
const callbacks = process.argv.slice(3);
const server = createServer();

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'rapport',
        client_secret: 'provider-secret',
        redirect_uris: callbacks,
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    findAccount: async (_, login) =>
      login in accounts ? { accountId: login, claims: async () => ({ sub: login, ...accounts[login] }) } : undefined,
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
