// SPDX-License-Identifier: Apache-2.0
// The official clients, unmodified, two versions of them, against the product: queries,
// subscriptions, mutations, accounts and pages. The studio's own functions are what is called.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import React from 'react';
import TestRenderer, { act } from 'react-test-renderer';
import WebSocket from 'ws';

import { addUser, signUp, sleep, startServer, until } from './helpers.mjs';

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
// The renderer without a page says at each start that it will not be developed further.
const { error } = console;
console.error = (text, ...more) => /react-test-renderer is deprecated/.test(text) || error(text, ...more);

const PICTURE = { model: 'sketch', prompt: 'a red kite', width: 256, height: 256, steps: 10 };
const ENDED = ['completed', 'failed', 'canceled'];
const quiet = { logVerbose() {}, log() {}, warn() {}, error() {} };

let server;
before(async () => {
    server = await startServer();
});
after(async () => {
    await server?.stop();
});

for (const version of ['convex', 'convex-newest']) {
    const { ConvexClient, ConvexHttpClient } = await import(`${version}/browser`);
    const react = await import(`${version}/react`);
    const { ConvexError } = await import(`${version}/values`);
    const { anyApi: api } = await import(`${version}/server`);
    const claim = (name, run) => test(`${version}: ${name}`, run);

    const http = (token) => {
        const client = new ConvexHttpClient(server.url, { logger: false });
        if (token)
            client.setAuth(token);
        return client;
    };
    const socket = (fetchToken, url = server.url) => {
        const client = new ConvexClient(url, { webSocketConstructor: WebSocket, logger: quiet });
        if (fetchToken)
            client.setAuth(fetchToken);
        return client;
    };
    const follow = (client, name, args = {}) => {
        const seen = [];
        const failures = [];
        client.onUpdate(name, args, (value) => seen.push(value), (error) => failures.push(error));
        const shows = (check, what, ms) => until(() => seen.length > 0 && check(seen.at(-1)) && { value: seen.at(-1) }, what, ms)
            .then(({ value }) => value);
        return { seen, failures, shows };
    };

    // ---- ConvexHttpClient ----

    claim('a query, a mutation and their failures over HTTP', async () => {
        const user = await addUser(server);
        const client = http(user.token);
        assert.equal(await client.query(api.credits.getCredits, {}), 100);
        const { jobId, creditsUsed, creditsRemaining } = await client.mutation(api.generations.createGenerationJob, PICTURE);
        assert.equal(typeof jobId, 'string');
        assert.equal(creditsUsed, 1);
        assert.equal(creditsRemaining, 99);
        await assert.rejects(client.query('nowhere:nothing', {}), /Could not find public function/);
        await assert.rejects(client.mutation(api.generations.createGenerationJob, { ...PICTURE, seed: 'x' }), /ArgumentValidationError/);
        await assert.rejects(http('nonsense').query(api.credits.getCredits, {}), Error);
        assert.equal(await http().query(api.users.getCurrentUser, {}), null);
    });

    claim('a failure of the application is a ConvexError with its data', async () => {
        const user = await addUser(server);
        const client = http(user.token);
        for (let i = 0; i < 25; i++)
            await client.mutation(api.generations.createGenerationJob, { ...PICTURE, numImages: 4 });
        const error = await client.mutation(api.generations.createGenerationJob, PICTURE).catch((caught) => caught);
        assert.ok(error instanceof ConvexError);
        assert.equal(error.data.code, 'NO_CREDITS');
        const jobs = await client.query(api.generations.listGenerationJobs, { limit: 100 });
        for (const job of jobs.filter(({ status }) => !ENDED.includes(status)))
            await client.mutation(api.generations.cancelGenerationJob, { jobId: job._id }).catch(() => null);
    });

    // ---- ConvexClient ----

    claim('a job is followed live from creation to the picture, in every tab', async () => {
        const user = await addUser(server);
        const [one, two] = [socket(async () => user.token), socket(async () => user.token)];
        const credits = follow(two, api.credits.getCredits);
        const jobs = follow(two, api.generations.listGenerationJobs);
        const assets = follow(two, api.assets.getAssets, { paginationOpts: { numItems: 20, cursor: null } });
        await credits.shows((value) => value === 100, 'the first credits');

        const { jobId } = await one.mutation(api.generations.createGenerationJob, PICTURE);
        const job = await jobs.shows((list) => list?.[0]?._id === jobId && list[0].status === 'completed', 'a completed job', 30_000);
        const statuses = new Set(jobs.seen.flat().filter(Boolean).map(({ status }) => status));
        assert.ok(statuses.has('pending') || statuses.has('processing'), [...statuses].join());
        assert.equal(job[0].imageIds.length, 1);
        const shown = await assets.shows((value) => value.page.length === 1, 'the picture');
        assert.equal(shown.page[0]._id, job[0].imageIds[0]);
        await credits.shows((value) => value === 99, 'the new credits');

        const picture = await fetch(new URL(shown.page[0].url, server.url));
        assert.equal(picture.status, 200);
        assert.equal(picture.headers.get('content-type'), shown.page[0].mimeType);
        assert.equal((await picture.arrayBuffer()).byteLength, shown.page[0].sizeBytes);
        await one.close();
        await two.close();
    });

    claim('a subscription is silent when nothing it read has changed', async () => {
        const [user, other] = [await addUser(server), await addUser(server)];
        const client = socket(async () => user.token);
        const credits = follow(client, api.credits.getCredits);
        await credits.shows((value) => value === 100, 'the first credits');
        const before = credits.seen.length;
        await http(other.token).mutation(api.generations.createGenerationJob, PICTURE);
        await client.query(api.users.getCurrentUser, {});
        assert.equal(credits.seen.length, before);
        await client.close();
    });

    claim('a query that fails tells its subscriber and leaves the others alone', async () => {
        const client = socket();
        const wrong = follow(client, 'nowhere:nothing');
        const right = follow(client, api.users.getCurrentUser);
        await until(() => wrong.failures.length > 0, 'the failure');
        assert.match(wrong.failures[0].message, /Could not find public function/);
        await right.shows((value) => value === null, 'nobody');
        await client.close();
    });

    claim('signing in and out changes what a live query sees', async () => {
        const user = await signUp(server.url);
        const client = socket();
        const me = follow(client, api.users.getCurrentUser);
        await me.shows((value) => value === null, 'nobody');
        client.setAuth(async () => user.token);
        const row = await me.shows((value) => value !== null, 'somebody');
        assert.equal(row.email, user.email);
        assert.equal(row.credits, 100);
        await client.close();
    });

    claim('a server that is killed and comes back is the same to a client', async () => {
        const own = await startServer();
        const port = new URL(own.url).port;
        const user = await addUser(own);
        const client = socket(async () => user.token, own.url);
        const jobs = follow(client, api.generations.listGenerationJobs);
        await jobs.shows((list) => Array.isArray(list) && list.length === 0, 'no jobs');
        await client.mutation(api.generations.createGenerationJob, PICTURE);
        await own.kill();
        const pending = client.mutation(api.generations.createGenerationJob, PICTURE); // while it is away
        await sleep(200);
        const again = await startServer({ data: own.data, listen: `127.0.0.1:${port}` });
        await pending;
        await jobs.shows((list) => list.length === 2 && list.every(({ status }) => status === 'completed'), 'both jobs, once each', 60_000);
        await client.close();
        await again.stop();
    });

    // ---- ConvexReactClient ----

    claim('hooks: a query, a mutation, and pages that grow by loadMore and stay gapless', async () => {
        const user = await addUser(server);
        const client = new react.ConvexReactClient(server.url, { webSocketConstructor: WebSocket, logger: quiet });
        client.setAuth(async () => user.token);
        for (let i = 0; i < 7; i++)
            await http(user.token).mutation(api.generations.createGenerationJob, PICTURE);

        const now = {};
        function Probe() {
            now.credits = react.useQuery(api.credits.getCredits, {});
            now.create = react.useMutation(api.generations.createGenerationJob);
            now.history = react.usePaginatedQuery(api.credits.getCreditHistory, {}, { initialNumItems: 3 });
            return null;
        }
        let tree;
        await act(async () => {
            tree = TestRenderer.create(React.createElement(react.ConvexProvider, { client }, React.createElement(Probe)));
        });
        const shows = (check, what) => until(async () => {
            await act(async () => sleep(10));
            return check();
        }, what, 10_000, 0);
        await shows(() => now.credits === 93, 'the credits');
        await shows(() => now.history.status === 'CanLoadMore', 'the first page');
        assert.equal(now.history.results.length, 3);
        await act(async () => now.history.loadMore(3));
        await shows(() => now.history.results.length === 6, 'two pages');
        await act(async () => now.create(PICTURE));
        await shows(() => now.credits === 92 && now.history.results.length === 7, 'a row in front');
        await act(async () => now.history.loadMore(100));
        await shows(() => now.history.status === 'Exhausted', 'the end');
        const ids = now.history.results.map((row) => row._id);
        assert.equal(new Set(ids).size, 9, 'the grant and eight jobs, once each');
        assert.equal(ids.length, 9);
        const amounts = now.history.results.map(({ amount }) => amount);
        assert.equal(amounts.reduce((a, b) => a + b, 0), 92);
        await act(async () => tree.unmount());
        await client.close();
    });

    claim('clearAuth makes a signed-in client anonymous', async () => {
        const user = await addUser(server);
        const client = new react.ConvexReactClient(server.url, { webSocketConstructor: WebSocket, logger: quiet });
        client.setAuth(async () => user.token);
        const query = client.watchQuery(api.users.getCurrentUser, {});
        const stop = query.onUpdate(() => {});
        await until(() => query.localQueryResult()?.email === user.email, 'the user');
        client.clearAuth();
        await until(() => query.localQueryResult() === null, 'nobody');
        stop();
        await client.close();
    });

    claim('an optimistic change is replaced by the truth, and undone when the mutation fails', async () => {
        const user = await addUser(server);
        const client = new react.ConvexReactClient(server.url, { webSocketConstructor: WebSocket, logger: quiet });
        client.setAuth(async () => user.token);
        const query = client.watchQuery(api.credits.getCredits, {});
        const seen = [];
        const stop = query.onUpdate(() => seen.push(query.localQueryResult()));
        await until(() => query.localQueryResult() === 100, 'the credits');
        const optimisticUpdate = (local) => local.setQuery(api.credits.getCredits, {}, 50);
        await client.mutation(api.generations.createGenerationJob, PICTURE, { optimisticUpdate });
        assert.equal(query.localQueryResult(), 99, 'resolved only when the truth is shown');
        await assert.rejects(client.mutation(api.generations.createGenerationJob, { ...PICTURE, numImages: 77 }, { optimisticUpdate }));
        await until(() => query.localQueryResult() === 99, 'undone');
        assert.deepEqual(seen.filter((value) => ![100, 50, 99].includes(value)), [], 'nothing in between');
        stop();
        await client.close();
    });
}
