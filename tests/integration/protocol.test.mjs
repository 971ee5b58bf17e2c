// SPDX-License-Identifier: Apache-2.0
// The invariants of the sync protocol's checklist (convex-protocol.md, section 16), numbered as
// there, spoken by hand. Chaining, timestamps, logLines and values (3, 10, 11, 16, 17) are checked
// on every message by raw.mjs.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { addUser, httpClient, sleep, startServer, until, userToken } from './helpers.mjs';
import {
    RawSession, ZERO, action, add, anonymous, authenticate, mutation, querySet, remove, tsRead,
} from './raw.mjs';

const PICTURE = { model: 'sketch', prompt: 'a red kite', width: 256, height: 256, steps: 10 };
const CREATE = 'generations:createGenerationJob';

let server;
let alice;
let bob;

before(async () => {
    server = await startServer();
    [alice, bob] = [await addUser(server), await addUser(server)];
});
after(async () => {
    await server?.stop();
});

const session = (...messages) => new RawSession(server.url).connect(...messages);
const signedIn = (user, ...messages) => session(authenticate(user.token), ...messages);

// What the server answers to an upgrade, by its head alone.
function upgrade(path, headers = {}) {
    return new Promise((resolve, reject) => {
        const request = http.get(server.url + path, {
            headers: {
                connection: 'Upgrade',
                upgrade: 'websocket',
                'sec-websocket-version': '13',
                'sec-websocket-key': Buffer.from(randomUUID().slice(0, 16)).toString('base64'),
                ...headers,
            },
        });
        request.on('upgrade', (response, socket) => {
            socket.destroy();
            resolve(response);
        });
        request.on('response', (response) => {
            response.resume();
            resolve(response);
        });
        request.on('error', reject);
    });
}

test('1: any version in the path opens a socket, and no subprotocol is ever selected', async () => {
    for (const path of ['/api/1.48.0/sync', '/api/0.0.1/sync', '/api/sync', '//api/1.44.0/sync', '/api/next-2/sync']) {
        const response = await upgrade(path, { 'sec-websocket-protocol': 'convex, chat' });
        assert.equal(response.statusCode, 101, path);
        assert.equal(response.headers['sec-websocket-protocol'], undefined, path);
    }
    assert.notEqual((await upgrade('/api/1.48.0/elsewhere')).statusCode, 101);
});

test('2: messages sent at once take effect one after another', async () => {
    const raw = await session(
        authenticate(alice.token),
        querySet(0, add(0, 'users:getCurrentUser'), add(1, 'credits:getCredits')),
        mutation(0, CREATE, PICTURE),
        querySet(1, remove(1), add(2, 'credits:getCredits')),
        anonymous(1),
        mutation(1, CREATE, PICTURE),
    );
    assert.equal((await raw.settled(0)).success, true, 'with the identity before it');
    assert.equal((await raw.settled(1)).success, false, 'anonymous by then');
    await raw.reached(2, 2);
    await raw.result(0, (found) => found.value === null);
    await raw.result(2, (found) => found.value === null);
    assert.equal(raw.results.has(1), false);
    raw.end();
});

test('3: the first transition of a connection starts at zero, also the second time', async () => {
    const raw = await signedIn(alice, querySet(0, add(0, 'credits:getCredits')));
    await raw.reached(1, 1);
    assert.deepEqual(raw.transitions[0].startVersion, { querySet: 0, identity: 0, ts: ZERO });
    raw.socket.terminate();
    await raw.closed();
    await raw.connect(authenticate(alice.token), querySet(0, add(0, 'credits:getCredits')));
    await raw.reached(1, 1);
    assert.deepEqual(raw.transitions[0].startVersion, { querySet: 0, identity: 0, ts: ZERO });
    raw.end();
});

test('4: each query set and each identity gets its transition, though nothing changed', async () => {
    const raw = await session(querySet(0));
    await raw.reached(1);
    raw.send(authenticate(alice.token, 0));
    await raw.reached(1, 1);
    raw.send(authenticate(alice.token, 1)); // the same token again
    await raw.reached(1, 2);
    raw.send(anonymous(2));
    await raw.reached(1, 3);
    raw.send(querySet(1));
    await raw.reached(2, 3);
    for (const { modifications } of raw.transitions)
        assert.deepEqual(modifications, []);
    raw.end();
});

test('4: asked again as somebody else, only what differs is told', async () => {
    const raw = await session(querySet(0, add(0, 'models:getActiveModels'), add(1, 'credits:getCredits'),
        add(2, 'generations:getGenerationJob', { jobId: 'nonsense' })));
    await raw.reached(1);
    raw.send(authenticate(alice.token, 0));
    await raw.reached(1, 1);
    assert.deepEqual(raw.transitions.at(-1).modifications.map((change) => change.queryId).sort(), [1, 2]);
    raw.send(anonymous(1));
    await raw.reached(1, 2);
    assert.deepEqual(raw.transitions.at(-1).modifications.map((change) => change.queryId).sort(), [1, 2]);
    raw.end();
});

test('5: each query gets a first result, and one that fails fails alone', async () => {
    const raw = await signedIn(alice, querySet(0,
        add(0, 'credits:getCredits'),
        add(1, 'nowhere:nothing'),
        add(2, 'generations:listGenerationJobs', { limit: 'many' }),
        add(3, 'users:getCurrentUser'),
        add(4, 'generations:getGenerationJob', { jobId: 'nonsense' })));
    await raw.reached(1, 1);
    assert.equal((await raw.result(0)).type, 'QueryUpdated');
    assert.equal((await raw.result(1)).type, 'QueryFailed');
    assert.equal((await raw.result(2)).type, 'QueryFailed');
    assert.equal((await raw.result(3)).type, 'QueryUpdated');
    assert.equal((await raw.result(4)).type, 'QueryFailed');
    assert.equal(raw.transitions.filter((t) => t.endVersion.querySet === 1)[0].modifications.length, 5);
    raw.end();
});

test('5: a query added and removed at once is only removed', async () => {
    const raw = await session(querySet(0, add(0, 'credits:getCredits')), querySet(1, remove(0), add(1, 'credits:getCredits')));
    await raw.reached(2);
    await raw.result(1);
    assert.equal(raw.results.has(0), false);
    raw.end();
});

test('6: after every transition all results are of one moment', async () => {
    const user = await addUser(server);
    const raw = await signedIn(user, querySet(0,
        add(0, 'credits:getCredits'),
        add(1, 'generations:listGenerationJobs', { limit: 100 }),
        add(2, 'credits:getCreditHistory')));
    await raw.reached(1, 1);

    // The newest result of each query after each transition, in the order they came.
    const moments = [];
    const take = raw.takeTransition.bind(raw);
    raw.takeTransition = (message) => {
        take(message);
        moments.push([0, 1, 2].map((id) => raw.results.get(id).value));
    };
    const other = httpClient(server.url, user.token);
    const writes = [];
    for (let i = 0; i < 12; i++) {
        raw.send(mutation(i, CREATE, { ...PICTURE, numImages: 1 + i % 2 }));
        writes.push(other.mutation(CREATE, PICTURE));
    }
    const created = await Promise.all(writes);
    await Promise.all(created.slice(0, 6).map(({ jobId }) => other.mutation('generations:cancelGenerationJob', { jobId }).catch(() => null)));
    for (let i = 0; i < 12; i++)
        await raw.settled(i);
    await raw.result(1, ({ value }) => value.length === 24
        && value.every(({ status }) => ['completed', 'failed', 'canceled'].includes(status)), 60_000);

    assert.ok(moments.length > 5, `${moments.length} transitions`);
    for (const [balance, jobs, history] of moments) {
        const paid = jobs.reduce((sum, job) => sum + job.creditsUsed, 0);
        assert.equal(balance, 100 - paid, 'credits and jobs agree');
        assert.equal(balance, history.reduce((sum, row) => sum + row.amount, 0), 'credits and history agree');
    }
    raw.end();
});

test('7: a mutation is answered first, then shown, also where nobody looks', async () => {
    const user = await addUser(server);
    const raw = await signedIn(user, mutation(0, CREATE, PICTURE));
    const { jobId } = (await raw.settled(0)).result;
    // One that writes nothing.
    raw.send(mutation(1, 'generations:cancelGenerationJob', { jobId }));
    await raw.settled(1);
    raw.send(mutation(2, 'generations:cancelGenerationJob', { jobId }));
    await raw.settled(2);

    raw.send(querySet(0, add(0, 'credits:getCredits')));
    const balance = (await raw.result(0)).value;
    raw.send(mutation(3, CREATE, PICTURE));
    await raw.settled(3);
    assert.equal((await raw.result(0)).value, balance - 1, 'the transition that settles it shows it');
    const order = raw.all.map(({ message }) => message);
    const answered = order.findIndex((message) => message.type === 'MutationResponse' && message.requestId === 3);
    const shown = order.findIndex((message) => message.type === 'Transition'
        && message.modifications.some((change) => change.queryId === 0 && change.value === balance - 1));
    assert.ok(answered < shown, 'response before transition');
    raw.end();
});

test('8: a replayed mutation runs once and has its first answer, on a new connection and after kill -9', async () => {
    const own = await startServer();
    const user = await addUser(own);
    const raw = new RawSession(own.url);
    await raw.connect(authenticate(user.token), mutation(0, CREATE, PICTURE), mutation(0, CREATE, PICTURE));
    const first = await raw.settled(0);
    assert.equal(first.success, true);
    raw.socket.terminate();
    await raw.closed();

    await raw.connect(authenticate(user.token), querySet(0), mutation(0, CREATE, PICTURE));
    assert.deepEqual(await raw.settled(0), first);
    await own.kill();

    const again = await startServer({ data: own.data });
    raw.url = raw.url.replace(/\/\/[^/]+/, `//${again.url.slice('http://'.length)}`);
    const token = await userToken(again, user.email);
    await raw.connect(authenticate(token), querySet(0), mutation(0, CREATE, PICTURE), mutation(1, CREATE, PICTURE));
    assert.deepEqual(await raw.settled(0), first);
    const second = await raw.settled(1);
    assert.notEqual(second.result.jobId, first.result.jobId);
    assert.ok(tsRead(second.ts) > tsRead(first.ts), '17: timestamps grow across restarts');
    const jobs = await httpClient(again.url, token).query('generations:listGenerationJobs', {});
    assert.equal(jobs.length, 2);
    raw.end();
    await again.stop();
});

test('8: a copy sent while the first is under way runs once', async () => {
    const user = await addUser(server);
    const raw = new RawSession(server.url);
    const twin = new RawSession(server.url, { sessionId: raw.sessionId });
    await Promise.all([raw.connect(authenticate(user.token)), twin.connect(authenticate(user.token))]);
    raw.send(mutation(0, CREATE, PICTURE));
    twin.send(mutation(0, CREATE, PICTURE));
    const [one, two] = await Promise.all([raw.settled(0), twin.settled(0)]);
    assert.deepEqual(one, two);
    assert.equal((await httpClient(server.url, user.token).query('generations:listGenerationJobs', {})).length, 1);
    raw.end();
    twin.end();
});

test('8: a failed mutation may run again', async () => {
    const raw = await signedIn(alice, mutation(0, CREATE, { ...PICTURE, numImages: 99 }));
    assert.equal((await raw.settled(0)).success, false);
    raw.send(mutation(0, CREATE, PICTURE));
    await until(() => raw.responses.get(0).success, 'the second run');
    raw.end();
});

test('11: only what the application says carries errorData', async () => {
    const user = await addUser(server);
    const raw = await signedIn(user, mutation(0, CREATE, { ...PICTURE, prompt: 7 }));
    const argument = await raw.settled(0);
    assert.equal('errorData' in argument, false);
    assert.match(argument.result, /ArgumentValidationError/);
    assert.match(argument.result, /\.prompt/);
    for (let i = 1; i <= 26; i++)
        raw.send(mutation(i, CREATE, { ...PICTURE, numImages: 4 }));
    const broke = await raw.settled(26, 20_000);
    assert.equal(broke.success, false);
    assert.equal(broke.errorData.code, 'NO_CREDITS');
    assert.equal(typeof broke.errorData.message, 'string');
    raw.end();
});

test('12: a page keeps its ends by its journal while rows come in front', async () => {
    const user = await addUser(server);
    const client = httpClient(server.url, user.token);
    for (let i = 0; i < 5; i++)
        await client.mutation(CREATE, PICTURE);
    const page = (cursor, numItems = 3) => ({ paginationOpts: { numItems, cursor, id: 1 } });
    const raw = await signedIn(user, querySet(0, add(0, 'credits:getCreditHistory', page(null))));
    const first = await raw.result(0);
    assert.equal(first.value.page.length, 3);
    assert.equal(first.value.isDone, false);
    assert.equal(typeof first.value.continueCursor, 'string');
    assert.equal(typeof first.journal, 'string');
    raw.send(querySet(1, add(1, 'credits:getCreditHistory', page(first.value.continueCursor, 100))));
    const last = await raw.result(1);
    assert.equal(last.value.isDone, true);
    assert.equal(typeof last.value.continueCursor, 'string', 'also when it is done');

    await client.mutation(CREATE, PICTURE);
    const grown = await raw.result(0, ({ value }) => value.page.length === 4);
    assert.equal(grown.value.continueCursor, first.value.continueCursor);
    const journal = grown.journal ?? first.journal;
    const ids = [...grown.value.page, ...(await raw.result(1)).value.page].map((row) => row._id);
    assert.equal(new Set(ids).size, ids.length, 'no row twice');

    raw.socket.terminate();
    await raw.closed();
    await raw.connect(authenticate(user.token), querySet(0,
        add(0, 'credits:getCreditHistory', page(null), { journal }),
        add(1, 'credits:getCreditHistory', page(null), { journal: 'rubbish' }),
        add(2, 'credits:getCreditHistory', { paginationOpts: { numItems: 0, cursor: null } }),
        add(3, 'credits:getCreditHistory', page('rubbish'))));
    const honoured = (await raw.result(0)).value.page;
    assert.ok(honoured.length >= 4, 'the journal is honoured after a reconnect');
    assert.equal((await raw.result(1)).value.page.length, 3, 'one that does not decode counts as none');
    assert.equal((await raw.result(2)).type, 'QueryFailed');
    const invalid = await raw.result(3);
    assert.equal(invalid.type, 'QueryFailed');
    assert.match(invalid.errorMessage + JSON.stringify(invalid.errorData), /InvalidCursor/);
    raw.end();
});

test('13: a silent socket is pinged within 15 s', { concurrency: true }, async () => {
    const raw = await session(querySet(0));
    await raw.reached(1);
    const begun = Date.now();
    const ping = await until(() => raw.all.find(({ message, at }) => message.type === 'Ping' && at >= begun), 'a Ping', 20_000, 100);
    assert.ok(ping.at - begun < 16_500, `${ping.at - begun} ms`);
    raw.end();
});

test('14: a forged token gets an AuthError and a closed socket; the identity does not advance', async () => {
    const forged = `${alice.token.slice(0, -6)}AAAAAA`;
    const raw = await session(querySet(0, add(0, 'credits:getCredits')), authenticate(forged));
    await raw.closed();
    assert.equal(raw.others.length, 1);
    const [error] = raw.others;
    assert.equal(error.type, 'AuthError');
    assert.equal(error.baseVersion, 0);
    assert.equal(error.authUpdateAttempted, true);
    assert.equal(typeof error.error, 'string');
    assert.equal(raw.version.identity, 0);

    const second = await signedIn(alice, querySet(0));
    await second.reached(1, 1);
    second.send(authenticate('not a token', 1));
    await second.closed();
    assert.equal(second.others[0].type, 'AuthError');
    assert.equal(second.others[0].baseVersion, 1);
});

test('14: admin tokens are refused', async () => {
    const raw = await session({ type: 'Authenticate', tokenType: 'Admin', value: 'key', baseVersion: 0 });
    await raw.closed();
    assert.equal(raw.others[0].type, 'AuthError');
});

test('15: what breaks the protocol is fatal and closes; the others go on', async () => {
    const bystander = await signedIn(bob, querySet(0, add(0, 'credits:getCredits')));
    await bystander.reached(1, 1);
    const breaks = [
        'this is no JSON',
        '{"type":"Mutation"',
        '[]',
        { type: 'Nonsense' },
        { type: 'ModifyQuerySet', baseVersion: 7, newVersion: 8, modifications: [] },
        { type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1, modifications: [add(0, 'a:b'), add(0, 'a:b')] },
        { type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1, modifications: [remove(9)] },
        { type: 'ModifyQuerySet', baseVersion: 0, newVersion: 0, modifications: [] },
        { type: 'Authenticate', tokenType: 'None', baseVersion: 3 },
        { type: 'Mutation', requestId: 'one', udfPath: 'a:b', args: [{}] },
    ];
    for (const message of breaks) {
        const raw = await session(message);
        await raw.closed();
        assert.deepEqual(raw.others.map(({ type }) => type), ['FatalError'], JSON.stringify(message));
        assert.equal(typeof raw.others[0].error, 'string');
    }
    bystander.send(querySet(1));
    await bystander.reached(2, 1);
    bystander.end();
});

test('17: what a client has observed is never ahead of the server, also after a restart', async () => {
    const own = await startServer();
    const user = await addUser(own);
    const raw = new RawSession(own.url);
    await raw.connect(authenticate(user.token), querySet(0, add(0, 'credits:getCredits')), mutation(0, CREATE, PICTURE));
    await raw.settled(0);
    await own.kill();
    const again = await startServer({ data: own.data });
    raw.url = raw.url.replace(/\/\/[^/]+/, `//${again.url.slice('http://'.length)}`);
    await raw.connect(querySet(0)); // raw.mjs refuses a ts behind the last one
    await raw.reached(1);
    raw.end();
    await again.stop();
});

const post = (path, body, headers = {}) => fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
});
const bearer = (user) => ({ authorization: `Bearer ${user.token}` });

test('18: over HTTP a function that fails is 200 and status error; other failures are not 2xx', async () => {
    const good = await post('/api/query', { path: 'credits:getCredits', args: [{}], format: 'convex_encoded_json' }, bearer(alice));
    assert.equal(good.status, 200);
    const body = await good.json();
    assert.equal(body.status, 'success');
    assert.equal(typeof body.value, 'number');

    const failed = await post('/api/mutation', { path: CREATE, args: [{ ...PICTURE, model: 'none' }] }, bearer(alice));
    assert.equal(failed.status, 200);
    const failure = await failed.json();
    assert.equal(failure.status, 'error');
    assert.equal(typeof failure.errorMessage, 'string');

    const refused = [
        [await post('/api/query', '{'), 400],
        [await post('/api/query', '[]'), 400],
        [await post('/api/query', { path: '', args: {} }), 400],
        [await post('/api/query', { path: 'credits:getCredits', args: {}, format: 'xml' }), 400],
        [await post('/api/query', { path: 'credits:getCredits', args: {} }, { authorization: 'Bearer nonsense' }), 401],
        [await post('/api/query', { path: 'credits:getCredits', args: {} }, { authorization: 'Basic eDp5' }), 401],
        [await post('/api/function', { path: 'credits:getCredits', args: {} }), 403],
    ];
    for (const [response, status] of refused) {
        const text = await response.text();
        assert.equal(response.status, status, text);
        const said = JSON.parse(text);
        assert.equal(typeof said.code, 'string');
        assert.equal(typeof said.message, 'string');
    }
});

test('18: every answer of the API may be read by other origins', async () => {
    const origin = 'https://studio.example';
    const answers = [
        await post('/api/query', { path: 'credits:getCredits', args: {} }, { origin }),
        await post('/api/query', '{', { origin }),
        await post('/api/query', { path: 'credits:getCredits', args: {} }, { origin, authorization: 'Bearer x' }),
        await fetch(`${server.url}/api/query`, {
            method: 'OPTIONS',
            headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,convex-client' },
        }),
    ];
    for (const answer of answers) {
        assert.equal(answer.headers.get('access-control-allow-origin'), origin, String(answer.status));
        assert.match(answer.headers.get('vary') ?? '', /origin/i);
        await answer.text();
    }
    const preflight = answers[3];
    assert.ok(preflight.ok);
    assert.match(preflight.headers.get('access-control-allow-headers'), /convex-client/);
    assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
});

test('19: arguments come bare or in an array, and function names in any spelling', async () => {
    for (const path of ['credits:getCredits', 'credits.js:getCredits'])
        for (const args of [{}, [{}]]) {
            const body = await (await post('/api/query', { path, args }, bearer(alice))).json();
            assert.equal(body.status, 'success', `${path} ${JSON.stringify(args)}: ${body.errorMessage}`);
        }
    const raw = await signedIn(alice, querySet(0,
        add(0, 'credits.js:getCredits'),
        { type: 'Add', queryId: 1, udfPath: 'credits:getCredits', args: {} }));
    assert.equal((await raw.result(0)).type, 'QueryUpdated');
    assert.equal((await raw.result(1)).type, 'QueryUpdated');
    raw.end();
    const get = await fetch(`${server.url}/api/query?path=credits:getCredits&args=${encodeURIComponent('{}')}`, { headers: bearer(alice) });
    assert.equal((await get.json()).status, 'success');
    const run = await (await post('/api/run/credits/getCredits', { args: {} }, bearer(alice))).json();
    assert.equal(run.status, 'success');
});

test('20: an unknown function, one of the wrong kind and bad arguments are ordinary failures', async () => {
    const raw = await signedIn(alice,
        mutation(0, 'nowhere:nothing'),
        mutation(1, 'credits:getCredits'),
        action(2, CREATE, PICTURE),
        mutation(3, CREATE, { ...PICTURE, colour: 'red' }),
        mutation(4, CREATE, {}),
        querySet(0, add(0, CREATE, PICTURE), add(1, 'credits:getCredits')));
    assert.match((await raw.response(0)).result, /Could not find public function for 'nowhere:nothing'/);
    assert.match((await raw.response(1)).result, /Trying to execute credits:getCredits as Mutation, but it is defined as Query/);
    assert.match((await raw.response(2)).result, /as Action, but it is defined as Mutation/);
    assert.match((await raw.response(3)).result, /extra field `colour`/);
    assert.match((await raw.response(4)).result, /missing the required field `/);
    assert.match((await raw.result(0)).errorMessage, /as Query, but it is defined as Mutation/);
    assert.equal((await raw.result(1)).type, 'QueryUpdated');
    assert.equal(raw.ended, null);
    raw.end();
});

test('20: a text with U+0000 fails the call or query that it is in, and nothing else', async () => {
    const raw = await signedIn(alice,
        mutation(0, CREATE, { ...PICTURE, prompt: 'a\u0000b' }),
        querySet(0, add(0, 'videos:getVideo', { videoId: 'a\u0000b' }), add(1, 'credits:getCredits'), add(2, 'credits\u0000:getCredits')));
    assert.match((await raw.response(0)).result, /U\+0000 is not allowed/);
    assert.match((await raw.result(0)).errorMessage, /U\+0000 is not allowed/);
    assert.equal((await raw.result(1)).type, 'QueryUpdated');
    assert.equal((await raw.result(2)).type, 'QueryFailed');
    assert.equal(raw.ended, null);
    raw.end();
});

test('20: an internal function looks like a missing one', async () => {
    const answer = await (await post('/api/mutation', { path: 'crons:anything', args: {} })).json();
    assert.match(answer.errorMessage, /Could not find public function for 'crons:anything'/);
});

test('21: events, unknown fields and unknown event types are ignored', async () => {
    const raw = await session(
        { type: 'Event', eventType: 'ClientConnect', event: [{ name: 'x', startTime: 1 }] },
        { type: 'Event', eventType: 'Whatever', event: null },
        { ...querySet(0), colour: 'red' });
    await raw.reached(1);
    assert.deepEqual(raw.others, []);
    raw.end();
});

test('query_ts says the newest timestamp', async () => {
    const { ts } = await (await post('/api/query_ts', '')).json();
    const raw = await session(querySet(0));
    await raw.reached(1);
    assert.ok(raw.lastTs >= tsRead(ts));
    raw.end();
});

test('a slow reader does not hold up the others', async () => {
    const slow = await signedIn(bob, querySet(0, add(0, 'generations:listGenerationJobs', { limit: 100 })));
    await slow.reached(1, 1);
    slow.socket.pause();
    const quick = await signedIn(bob, querySet(0, add(0, 'credits:getCredits')));
    await quick.reached(1, 1);
    for (let i = 0; i < 10; i++) {
        quick.send(mutation(i, CREATE, PICTURE));
        await quick.settled(i);
    }
    slow.socket.resume();
    await slow.result(0, ({ value }) => value.length >= 10);
    await sleep(50);
    slow.end();
    quick.end();
});
