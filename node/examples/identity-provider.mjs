// A whole identity provider: a service over https that signs who its users are (RFC 7519, by `jose`), the key that
// it publishes, and the script that this package and browsers run. Everything is where RFC 8827 §7.5 has it.
import { createServer } from 'node:https';
import { SignJWT, compactVerify, exportJWK, generateKeyPair } from 'jose';

export const PROTOCOL = 'jwt';
const BASE = '/.well-known/idp-proxy/';
/** RFC 8827 §7.6: an assertion must not be good for anything else. */
const AUDIENCE = 'webrtc-identity';

/** What runs at the ends. The hint is the session that a cookie would be in a browser. */
const SCRIPT = `
const at = (name) => location.origin + '${BASE}' + name;
const failed = (name, more) => Object.assign(new Error(name), { errorDetail: name, ...more });
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const json = (text) => JSON.parse(new TextDecoder().decode(bytes(text)));

/** The claims of a token that the published key has signed. */
async function verified(token) {
  const [header, payload, signature] = token.split('.');
  const { keys } = await (await fetch(at('keys'))).json();
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('jwk', keys[0], algorithm, false, ['verify']);
  const signed = new TextEncoder().encode(header + '.' + payload);
  const isTrue = json(header).alg === 'ES256' && (await crypto.subtle.verify(algorithm, key, bytes(signature), signed));
  if (!isTrue) throw failed('idp-token-invalid');
  return json(payload);
}
async function told(token) {
  const response = await fetch(at('claims'), { method: 'POST', body: token });
  if (!response.ok) throw failed('idp-token-invalid');
  return response.json();
}

rtcIdentityProvider.register({
  async generateAssertion(contents, origin, options) {
    const body = JSON.stringify({ contents, session: options.usernameHint });
    const response = await fetch(at('assertions'), { method: 'POST', body });
    if (response.status === 401) throw failed('idp-need-login', { idpLoginUrl: location.origin + '/login' });
    return { idp: { domain: location.host, protocol: '${PROTOCOL}' }, assertion: await response.text() };
  },
  async validateAssertion(token) {
    // Firefox has no \`crypto.subtle\` here: there the service says what the token is worth.
    const { aud, exp, sub, contents } = crypto.subtle ? await verified(token) : await told(token);
    if (aud !== '${AUDIENCE}') throw failed('idp-token-invalid');
    if (exp * 1000 <= Date.now()) throw failed('idp-token-expired');
    return { identity: sub, contents };
  },
});`;

export class IdentityProviderService {
  #server;
  #keys;
  #users;
  /** Seconds that an assertion is good for. */
  lifetime = 60;

  constructor(server, keys, users) {
    this.#server = server;
    this.#keys = keys;
    this.#users = users;
  }

  /** `users`: whose session each token is. `tls`: a certificate for `localhost`, and its key, in PEM. */
  static async start(users, tls) {
    const server = createServer(tls, (request, response) => void service.#serve(request, response));
    const service = new IdentityProviderService(server, await generateKeyPair('ES256'), users);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get domain() {
    return `localhost:${this.#server.address().port}`;
  }

  identity(user) {
    return `${user}@localhost`;
  }

  async #serve(request, response) {
    response.setHeader('access-control-allow-origin', '*');
    const [body, type] = await this.#answer(request);
    response.writeHead(typeof body === 'number' ? body : 200, { 'content-type': type ?? 'text/plain' });
    response.end(typeof body === 'number' ? '' : body);
  }

  async #answer(request) {
    const { pathname } = new URL(request.url, 'https://localhost');
    if (pathname === BASE + PROTOCOL) return [SCRIPT, 'text/javascript'];
    if (pathname === `${BASE}keys`) return [JSON.stringify({ keys: [await exportJWK(this.#keys.publicKey)] }), 'application/json'];
    if (request.method !== 'POST') return [404];
    let text = '';
    for await (const chunk of request) text += chunk;
    if (pathname === `${BASE}claims`) return this.#claims(text);
    if (pathname !== `${BASE}assertions`) return [404];
    const { contents, session } = JSON.parse(text);
    if (!Object.hasOwn(this.#users, session)) return [401];
    const token = new SignJWT({ contents })
      .setProtectedHeader({ alg: 'ES256' })
      .setAudience(AUDIENCE)
      .setSubject(this.identity(this.#users[session]))
      .setExpirationTime(Math.floor(Date.now() / 1000) + this.lifetime);
    return [await token.sign(this.#keys.privateKey)];
  }

  /** What the service has signed; the script looks at the rest. */
  async #claims(token) {
    try {
      const { payload } = await compactVerify(token, this.#keys.publicKey, { algorithms: ['ES256'] });
      return [new TextDecoder().decode(payload), 'application/json'];
    } catch {
      return [400];
    }
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}
