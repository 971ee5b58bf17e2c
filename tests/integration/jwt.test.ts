// SPDX-License-Identifier: Apache-2.0
// Our JWTs against the ones of jose: it verifies what we sign, we verify what it signs, and on
// seeded damage and wrong claims we never accept what it refuses.
import { execFileSync, spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import * as jose from 'jose';

const build = process.env.ATELIER_BUILD ?? path.join(process.env.ATELIER_ROOT ?? '../..', 'build');
const program = path.join(build, 'tests/support/jwt-check');

const issuer = 'https://issuer.example';
const audience = 'convex';
const now = Math.floor(Date.now() / 1000);

type Pair = { algorithm: string; kid: string; sign: jose.KeyLike; jwk: jose.JWK };
type Claims = Record<string, unknown>;

async function makePair(algorithm: string, kid: string): Promise<Pair> {
    const options = algorithm === 'EdDSA' ? { crv: 'Ed25519' } : {};
    const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, options);
    const jwk = { ...(await jose.exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
    return { algorithm, kid, sign: privateKey, jwk };
}

const pairs = await Promise.all([
    makePair('RS256', 'rsa'),
    makePair('ES256', 'ec'),
    makePair('EdDSA', 'ed'),
    makePair('RS512', 'rsa512'),
    makePair('PS256', 'pss'),
    makePair('ES384', 'p384'),
]);
const jwks = { keys: pairs.map((pair) => pair.jwk) };
const pairOf = (algorithm: string) => pairs.find((pair) => pair.algorithm === algorithm) as Pair;

const good: Claims = { iss: issuer, sub: 'user_1', aud: audience, iat: now, exp: now + 300 };

function signed(pair: Pair, claims: Claims, head: Claims = {}): Promise<string> {
    const header = { alg: pair.algorithm, kid: pair.kid, typ: 'JWT', ...head };
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(pair.sign);
}

// Ours: the claims of each token, or null for those refused.
function verifyOurs(how: string, tokens: string[]): (Claims | null)[] {
    const lines = [JSON.stringify(jwks), ...tokens.map((t) => Buffer.from(t).toString('base64'))];
    const run = spawnSync(program, ['verify', how], {
        input: lines.join('\n') + '\n',
        encoding: 'utf8',
        maxBuffer: 1 << 28,
    });
    assert.equal(run.status, 0, run.stderr);
    const answers = run.stdout.trimEnd().split('\n');
    assert.equal(answers.length, tokens.length);
    return answers.map((line) => (line.startsWith('!') ? null : (JSON.parse(line) as Claims)));
}

async function verifyTheirs(how: string, tokens: string[]): Promise<boolean[]> {
    const algorithms = how === 'oidc' ? ['RS256', 'EdDSA'] : [how];
    const keys = jose.createLocalJWKSet(jwks);
    const options = { issuer, audience, algorithms, clockTolerance: 5, requiredClaims: ['exp', 'sub'] };
    return Promise.all(
        tokens.map((token) =>
            jose.jwtVerify(token, keys, options).then(
                () => true,
                () => false,
            ),
        ),
    );
}

test('jose verifies a token of ours with our published keys', async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'atelier-jwt-'));
    try {
        const lines = execFileSync(program, ['sign', path.join(dir, 'keys')], { encoding: 'utf8' });
        const [keys, token, discovery] = lines.trimEnd().split('\n') as [string, string, string];
        const set = jose.createLocalJWKSet(JSON.parse(keys) as jose.JSONWebKeySet);
        const { payload, protectedHeader } = await jose.jwtVerify(token, set, { issuer, audience });
        assert.equal(protectedHeader.alg, 'EdDSA');
        assert.equal(payload.sub, 'user_1');
        assert.equal(payload['email'], 'ada@example.org');
        assert.equal(payload['name'], 'Ada "✨"');
        assert.equal((payload.exp as number) - (payload.iat as number), 300);
        const jwk = (JSON.parse(keys) as jose.JSONWebKeySet).keys[0] as jose.JWK;
        assert.equal(protectedHeader.kid, await jose.calculateJwkThumbprint(jwk));
        const document = JSON.parse(discovery) as Record<string, unknown>;
        assert.equal(document['jwks_uri'], `${issuer}/.well-known/jwks.json`);
    } finally {
        fs.rmSync(dir, { recursive: true });
    }
});

test('we verify what jose signs, each algorithm where it belongs', async () => {
    const accepted: Record<string, string[]> = {
        oidc: ['RS256', 'EdDSA'],
        RS256: ['RS256'],
        ES256: ['ES256'],
    };
    const tokens = await Promise.all(pairs.map((pair) => signed(pair, { ...good, name: 'Ada' })));
    for (const [how, algorithms] of Object.entries(accepted)) {
        const answers = verifyOurs(how, tokens);
        pairs.forEach((pair, i) => {
            const wanted = algorithms.includes(pair.algorithm);
            assert.equal(answers[i] !== null, wanted, `${pair.algorithm} by ${how}`);
            if (wanted) assert.equal(answers[i]?.['name'], 'Ada');
        });
        assert.deepEqual(
            await verifyTheirs(how, tokens),
            answers.map((answer) => answer !== null),
        );
    }
});

test('many ES256 signatures, short and long numbers among them, are right', async () => {
    const pair = pairOf('ES256');
    const tokens = await Promise.all(
        Array.from({ length: 600 }, (_, i) => signed(pair, { ...good, n: i })),
    );
    verifyOurs('ES256', tokens).forEach((answer, i) => assert.equal(answer?.['n'], i));
});

// Where we are stricter than jose: several audiences for OIDC, an empty subject.
test('claims: we agree with jose on what is refused', async () => {
    const justNow = Math.floor(Date.now() / 1000);
    const cases: [Claims, boolean][] = [
        [good, true],
        [{ ...good, exp: justNow - 1 }, true],
        [{ ...good, exp: justNow - 30 }, false],
        [{ ...good, exp: undefined }, false],
        [{ ...good, exp: 'soon' }, false],
        [{ ...good, nbf: justNow + 3 }, true],
        [{ ...good, nbf: justNow + 60 }, false],
        [{ ...good, iss: 'https://evil.example' }, false],
        [{ ...good, iss: undefined }, false],
        [{ ...good, aud: 'other' }, false],
        [{ ...good, aud: undefined }, false],
        [{ ...good, aud: [audience] }, true],
        [{ ...good, aud: [] }, false],
        [{ ...good, sub: undefined }, false],
    ];
    const pair = pairOf('RS256');
    const tokens = await Promise.all(cases.map(([claims]) => signed(pair, claims)));
    const wanted = cases.map(([, accepted]) => accepted);
    assert.deepEqual(
        verifyOurs('oidc', tokens).map((answer) => answer !== null),
        wanted,
    );
    assert.deepEqual(await verifyTheirs('oidc', tokens), wanted);

    const stricter = [
        await signed(pair, { ...good, aud: [audience, 'other'] }),
        await signed(pair, { ...good, sub: '' }),
    ];
    assert.deepEqual(verifyOurs('oidc', stricter), [null, null]);
});

// mulberry32: the same seed, the same numbers.
function chance(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

test('damage: we never accept what jose refuses, nor a changed text', async () => {
    const random = chance(20261120);
    const below = (n: number) => Math.floor(random() * n);
    const alphabet = 'ABCxyz019-_=+/. \n{"';
    const originals = await Promise.all(
        ['RS256', 'EdDSA'].map((algorithm) => signed(pairOf(algorithm), { ...good, name: 'Ada' })),
    );
    const tokens = Array.from({ length: 4000 }, (_, i) => {
        const token = originals[i % originals.length] as string;
        const at = below(token.length);
        const letter = alphabet[below(alphabet.length)] as string;
        if (i % 3 === 0) return token.slice(0, at) + letter + token.slice(at + 1);
        if (i % 3 === 1) return token.slice(0, at) + letter + token.slice(at);
        return token.slice(0, at) + token.slice(at + 1 + below(3));
    });
    const ours = verifyOurs('oidc', tokens);
    const theirs = await verifyTheirs('oidc', tokens);
    tokens.forEach((token, i) => {
        if (ours[i] === null) return;
        assert.ok(theirs[i], `only we accept ${token}`);
        assert.ok(originals.includes(token), `a changed text is accepted: ${token}`);
    });
});
