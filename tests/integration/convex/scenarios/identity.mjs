// SPDX-License-Identifier: Apache-2.0
// Who is calling, on a socket that lives through sign-in, sign-out, new tokens and their end.
import assert from 'node:assert/strict';

import { until } from '../../helpers.mjs';
import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'identity';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

// The tokens that fetchToken gives, in turn; the last one for ever. Counts the calls.
function supply(...tokens) {
    const fetch = async ({ forceRefreshToken }) => {
        fetch.calls.push(forceRefreshToken);
        return tokens.length > 1 ? tokens.shift() : tokens[0];
    };
    fetch.calls = [];
    return fetch;
}

scenario('a token is confirmed where nothing is subscribed',
    'Every Authenticate has its transition that says so, with no queries and no changes.',
    async (t) => {
        const told = [];
        t.client({ auth: t.token(), onAuth: (isSignedIn) => told.push(isSignedIn) });
        await t.until(() => told.length > 0, 'the confirmation');
        assert.deepEqual(told, [true]);
    });

scenario('queries run with the identity that was told before them',
    'Authenticate takes effect before the query set behind it: no query is shown to nobody first.',
    async (t) => {
        const client = t.client({ auth: t.token() });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        assert.deepEqual(me.seen, [{ subject: t.subject }]);
    });

scenario('signing in on a live socket asks again what looks at the caller',
    'After Authenticate every query that reads the identity is of the new one, in the transition that confirms it.',
    async (t) => {
        const client = t.client();
        const [me, list] = [t.watch(client, 'users:me'), t.watch(client, 'items:list')];
        await me.shows((value) => value.subject === null);
        await list.shows((items) => items.length === 0);
        client.setAuth(async () => t.token());
        await me.shows((value) => value.subject === t.subject);
        const confirming = t.proxy.messages('server', 'Transition').filter(({ startVersion, endVersion }) => endVersion.identity > startVersion.identity);
        const [first] = confirming;
        assert.deepEqual(first.modifications.map(({ queryId }) => queryId), [0], 'what ignores the caller is not told again');
        assert.equal(list.seen.length, 1);
    });

scenario('signing out on a live socket leaves nothing of the caller',
    'Authenticate None counts the identity up, and the queries are asked again as nobody.',
    async (t) => {
        const client = t.client({ auth: () => t.token() });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        await t.until(() => t.proxy.messages('client', 'Authenticate').length >= 2, 'the second token');
        client.base.clearAuth();
        await me.shows((value) => value.subject === null);
        assert.deepEqual(await client.mutation('users:whoami', {}), { subject: null });
    });

scenario('from one person to another',
    'When another person signs in on the same socket, no result of the first is left.',
    async (t) => {
        const [one, two] = [`${t.subject}-1`, `${t.subject}-2`];
        const client = t.client({ auth: t.token(one) });
        const [me, credits] = [t.watch(client, 'users:me'), t.watch(client, 'fixture:identity')];
        await me.shows((value) => value.subject === one);
        client.setAuth(async () => t.token(two));
        await me.shows((value) => value.subject === two);
        assert.equal(credits.last().subject, two);
        assert.deepEqual(await client.mutation('users:whoami', {}), { subject: two });
        assert.deepEqual([...new Set(me.seen.map(({ subject }) => subject))], [one, two]);
    });

scenario('a new token of the same person runs no query again',
    'A refreshed token is the same caller: nothing is evaluated, nothing is told but the version.',
    async (t) => {
        const auth = supply(t.token(), t.token(), t.token());
        const client = t.client({ auth });
        const queries = [t.watch(client, 'users:me'), t.watch(client, 'items:list')];
        await queries[0].shows((value) => value.subject === t.subject);
        const confirmed = (count) => t.until(() => t.proxy.messages('server', 'Transition').at(-1).endVersion.identity >= count, `token ${count}`);
        await confirmed(2);
        const before = await t.metric('atelier_live_evaluations_total');
        client.setAuth(auth);
        await confirmed(3);
        assert.equal(await t.metric('atelier_live_evaluations_total'), before);
        for (const { startVersion, endVersion, modifications } of t.proxy.messages('server', 'Transition').slice(1))
            if (endVersion.identity > startVersion.identity && startVersion.identity > 0)
                assert.deepEqual(modifications, []);
        assert.equal(queries[0].seen.length, 1);
    });

scenario('a mutation has the identity that was in force when it was sent',
    'A mutation behind a sign-in is the new caller\'s, one before it is not.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        const before = client.mutation('users:whoami', {});
        client.setAuth(async () => t.token());
        const after = client.mutation('users:whoami', {});
        assert.deepEqual(await before, { subject: null });
        assert.deepEqual(await after, { subject: t.subject });
    });

scenario('a slow first mutation keeps its caller though another signs in behind it',
    'The identity of a mutation is fixed when its message is received, not when it runs.',
    async (t) => {
        t.dirty();
        const client = t.client({ auth: () => t.token() });
        await t.until(() => t.proxy.messages('server', 'Transition').some(({ endVersion }) => endVersion.identity === 2), 'the sign-in');
        const slow = client.mutation('seed:seed_range', { start: t.account, count: 4000, initial: 1 });
        const mine = client.mutation('users:whoami', {});
        client.base.clearAuth();
        const nobodys = client.mutation('users:whoami', {});
        assert.equal(await slow, 4000);
        assert.deepEqual(await mine, { subject: t.subject });
        assert.deepEqual(await nobodys, { subject: null });
    });

scenario('reconnecting says who it is before what it asks',
    'After a cut, replayed queries and mutations have the caller again, never nobody.',
    async (t) => {
        const client = t.client({ auth: t.token() });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        for (let i = 0; i < 3; i++) {
            t.proxy.on('client', 'Mutation', i === 1 ? 'cut' : 'pass-orphan');
            assert.deepEqual(await client.mutation('users:whoami', {}), { subject: t.subject });
        }
        assert.deepEqual(me.seen.filter(({ subject }) => subject === null), []);
    });

// ---- tokens that are no good ----

scenario('a forged token is refused, three fresh ones are tried, then the client is nobody',
    'AuthError carries the version of the last transition, so the client takes it to heart and ends anonymous.',
    async (t) => {
        const told = [];
        const auth = async () => {
            auth.calls++;
            return t.token(t.subject, { forged: true });
        };
        auth.calls = 0;
        const client = t.client({ auth, onAuth: (isSignedIn) => told.push(isSignedIn) });
        const me = t.watch(client, 'users:me');
        await t.until(() => told.length > 0, 'the refusal');
        assert.deepEqual(told, [false]);
        await me.shows((value) => value.subject === null);
        assert.equal(auth.calls, t.version === '1.24' ? auth.calls : 4);
        for (const error of t.proxy.messages('server', 'AuthError')) {
            assert.equal(error.authUpdateAttempted, true);
            assert.equal(error.baseVersion, 0);
        }
        assert.deepEqual(await client.mutation('users:whoami', {}), { subject: null });
    });

scenario('a forged token followed by a good one signs in',
    'A refused token leaves the session able to authenticate again on the next connection.',
    async (t) => {
        const told = [];
        const auth = supply(t.token(t.subject, { forged: true }), t.token());
        const client = t.client({ auth, onAuth: (isSignedIn) => told.push(isSignedIn) });
        const me = t.watch(client, 'users:me');
        const done = client.mutation('users:whoami', {});
        await me.shows((value) => value.subject === t.subject);
        assert.deepEqual(await done, { subject: t.subject });
        assert.deepEqual(me.seen, [{ subject: t.subject }]);
        assert.equal(told.at(-1), true);
    });

scenario('mutations wait while a refused token is replaced, and run once as the caller',
    'Mutations pending at an AuthError are replayed with the new token, once, and never as nobody.',
    async (t) => {
        const auth = supply(t.token(), t.token(t.subject, { forged: true }), t.token());
        const client = t.client({ auth });
        const done = Promise.all(Array.from({ length: 5 }, async (_, i) => {
            const { subject } = await client.mutation('users:whoami', {});
            assert.equal(subject, t.subject);
            return client.mutation('items:add', { text: `${t.text} ${i}` });
        }));
        await done;
        await t.until(() => auth.calls.length >= 3, 'the third token');
        assert.equal((await t.texts()).length, 5);
    });

scenario('an expired token at the start is replaced by a fresh one',
    'A token that is over is an AuthError to an attempted update: the client fetches another and signs in.',
    async (t) => {
        const auth = supply(t.token(t.subject, { lasts: -60 }), t.token());
        const client = t.client({ auth });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        assert.deepEqual(me.seen, [{ subject: t.subject }]);
        assert.ok(t.proxy.messages('server', 'AuthError').length >= 1);
    });

scenario('a token that ends while connected is noticed at the next call, and a fresh one goes on',
    'An expired caller runs nothing more: the mutation waits for the new token and then runs once.',
    async (t) => {
        const old = t.token(t.subject, { lasts: -3, claims: { iat: Math.floor(Date.now() / 1000) - 3600 } }); // 5 s are forgiven
        const auth = supply(old, old, t.token());
        const client = t.client({ auth });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        await until(async () => t.http(old).query('users:me', {}).then(() => false, () => true), 'the token to be over', 8000, 100);
        assert.deepEqual(t.proxy.messages('server', 'AuthError'), [], 'an idle socket is left alone');
        assert.deepEqual(await client.mutation('users:whoami', {}), { subject: t.subject });
        const [error] = t.proxy.messages('server', 'AuthError');
        assert.equal(error.authUpdateAttempted, false);
        await client.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 1);
        assert.deepEqual(me.seen.filter(({ subject }) => subject !== t.subject), []);
    }, { on: ['1.24', '1.44'] });

scenario('an admin key is refused, and nothing runs with it',
    'Admin identity is refused with an AuthError unless it is configured.',
    async (t) => {
        const client = t.client();
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === null);
        client.setAdminAuth('a key', { issuer: 'x', subject: 'root' });
        await t.until(() => t.proxy.messages('server', 'AuthError').length > 0, 'the refusal');
        assert.equal(me.seen.every(({ subject }) => subject === null), true);
    }, { on: ['1.44'] });

scenario('cut while the token is under way',
    'A sign-in whose confirmation is lost is confirmed on the next connection, and resolves once.',
    async (t) => {
        t.proxy.on('client', 'Authenticate', 'pass-orphan');
        t.proxy.on('server', ({ type, endVersion }) => type === 'Transition' && endVersion.identity > 0, 'cut');
        const told = [];
        const client = t.client({ auth: t.token(), onAuth: (isSignedIn) => told.push(isSignedIn) });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        await t.until(() => told.length > 0, 'the confirmation');
        assert.deepEqual(told, [true]);
        assert.deepEqual(me.seen, [{ subject: t.subject }]);
    });

scenario('over HTTP a token that is no good is an error, not nobody',
    'A present but invalid token is refused with 401; only a missing one is anonymous.',
    async (t) => {
        assert.deepEqual(await t.http().query('users:me', {}), { subject: null });
        assert.deepEqual(await t.http(t.token()).query('users:me', {}), { subject: t.subject });
        for (const bad of [t.token(t.subject, { forged: true }), t.token(t.subject, { lasts: -600 }), 'nonsense'])
            await assert.rejects(t.http(bad).query('users:me', {}), Error);
    });

scenario('claims that change make another caller; those of the token\'s life do not',
    'The identity is issuer, subject and claims: a changed claim is seen, jti and exp are not.',
    async (t) => {
        let nickname = 'one';
        const auth = async () => t.token(t.subject, { claims: { nickname } });
        const client = t.client({ auth });
        const identity = t.watch(client, 'fixture:identity');
        await identity.shows((value) => value?.nickname === 'one');
        nickname = 'two';
        client.setAuth(auth);
        await identity.shows((value) => value?.nickname === 'two');
        assert.deepEqual(identity.seen.map((value) => value.nickname), ['one', 'two']);
        assert.equal(identity.last().tokenIdentifier, `${identity.last().issuer}|${t.subject}`);
    });
