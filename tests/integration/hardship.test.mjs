// SPDX-License-Identifier: Apache-2.0
// What impatient, slow and hostile clients do to the server, and what it does about it.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { addUser, httpClient, startServer, until, userToken } from './helpers.mjs';
import { RawSession, add, anonymous, authenticate, querySet, remove } from './raw.mjs';

let server;

before(async () => {
    server = await startServer();
});
after(async () => {
    const end = await server?.stop();
    assert.equal(end.code, 0, server.lines.slice(-40).join('\n'));
});

const session = (...messages) => new RawSession(server.url).connect(...messages);

test('tokens said behind one another are taken one after another, though the first one waits', async () => {
    const user = await addUser(server); // never seen by the loop: its first token waits for the writer
    const raw = await new RawSession(server.url).open();
    raw.socket._socket.cork(); // in one piece, so that the rest is there while the first one waits
    raw.send({ type: 'Connect', sessionId: raw.sessionId, connectionCount: 0, lastCloseReason: null },
        authenticate(user.token, 0), authenticate(user.token, 1), anonymous(2),
        authenticate(user.token, 3), querySet(0, add(0, 'credits:getCredits')));
    raw.socket._socket.uncork();
    await raw.reached(1, 4);
    assert.equal((await raw.result(0)).type, 'QueryUpdated');
    assert.deepEqual(raw.others, []);
    raw.end();
});

test('a query set of too many changes closes its socket, and nobody else notices', async () => {
    const bystander = await session(querySet(0, add(0, 'credits:getCredits')));
    const changes = [];
    for (let i = 0; i < 10000; i++)
        changes.push(add(i, 'credits:getCredits'), remove(i));
    const raw = await session(querySet(0, ...changes));
    assert.equal((await raw.closed()).code, 1013);
    await bystander.reached(1);
    bystander.end();
});

test('what the queries of a session hold has an end: the socket is closed, and the server goes on', async () => {
    const bystander = await session(querySet(0, add(0, 'credits:getCredits')));
    const raw = await session();
    const large = 'x'.repeat(12 << 20);
    for (let i = 0; i < 3; i++)
        raw.send(querySet(i, add(i, 'credits:getCredits', { large: `${i}${large}` })));
    assert.equal((await raw.closed(20_000)).code, 1013);
    await bystander.reached(1);
    bystander.send(querySet(1, remove(0), add(1, 'credits:getCredits')));
    await bystander.reached(2);
    bystander.end();
});

test('a job whose provider has left the configuration ends, and its credits come back', async () => {
    const silent = http.createServer((request) => request.resume());
    await new Promise((resolve) => {
        silent.listen(0, '127.0.0.1', resolve);
    });
    const config = `providers:
  - {id: local, kind: openai, baseUrl: "http://127.0.0.1:${silent.address().port}", concurrency: 1,
     timeoutSeconds: 100, allowPrivateAddresses: true}
models:
  - {id: gone, name: Gone, description: d, kind: image, provider: local, price: 3, typicalSeconds: 1,
     maxImages: 1, promptMax: 100, sizes: [{name: "1:1", width: 512, height: 512}]}
`;
    const first = await startServer({ config });
    const user = await addUser(first);
    const asking = httpClient(first.url, user.token);
    for (let i = 0; i < 3; i++) // one is with the provider, the others wait
        await asking.mutation('generations:createGenerationJob', { model: 'gone', prompt: 'a kite' });
    await first.kill();
    silent.closeAllConnections();
    silent.close();

    const second = await startServer({ data: first.data });
    const client = httpClient(second.url, await userToken(second, user.email));
    const jobs = await until(async () => {
        const found = await client.query('generations:listGenerationJobs', {});
        return found.every((job) => job.status === 'failed') && found;
    }, 'all of them to fail', 20_000, 200);
    assert.equal(jobs.length, 3);
    assert.equal(await client.query('credits:getCredits', {}), 100);
    await second.stop();
});
