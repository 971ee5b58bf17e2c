// SPDX-License-Identifier: Apache-2.0
// An issuer of tokens whose keys are in the server's configuration, so that a scenario can make
// any token it wants: for anybody, for any time, with any claims.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';

const ISSUER = 'https://conformance.example.com';
const AUDIENCE = 'convex';
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const strangers = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' };
const jwks = Buffer.from(JSON.stringify({ keys: [jwk] })).toString('base64');

export const config = `auth:
  issuers:
    - {kind: customJwt, issuer: "${ISSUER}", applicationID: "${AUDIENCE}", algorithm: ES256,
       jwks: "data:application/json;base64,${jwks}"}
`;

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// lasts: seconds from now, negative for one that is over. Each is another string.
export function token(subject, { lasts = 3600, claims = {}, forged = false } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const text = `${part({ alg: 'ES256', kid: 'one', typ: 'JWT' })}.${part({
        iss: ISSUER, aud: AUDIENCE, sub: subject, iat: Math.min(now, now + lasts - 10), exp: now + lasts, jti: randomUUID(),
        name: subject, email: `${createHash('sha256').update(subject).digest('hex').slice(0, 12)}@example.com`, ...claims,
    })}`;
    const key = forged ? strangers.privateKey : keys.privateKey;
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
