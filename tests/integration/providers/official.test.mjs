// SPDX-License-Identifier: Apache-2.0
// The pretend services are worth what the official packages make of them: each is driven by its
// own client here, and the postings are verified by the code that their owners publish.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { createFalClient } from '@fal-ai/client';
import Replicate, { validateWebhook } from 'replicate';
import { Webhook } from 'svix';

import * as falFake from './fake-fal.mjs';
import * as replicateFake from './fake-replicate.mjs';
import { sleep, until } from '../helpers.mjs';

describe('the pretend Replicate and the package replicate', () => {
    let fake;
    let replicate;
    before(async () => {
        fake = await replicateFake.startFakeReplicate();
        replicate = new Replicate({ auth: replicateFake.KEY, baseUrl: `${fake.url}/v1`, useFileOutput: false });
    });
    after(() => fake?.stop());

    test('runs a model, and shows how far it is', async () => {
        const parts = [];
        const output = await replicate.run('black-forest-labs/flux-dev',
            { input: { prompt: 'slow kite', num_outputs: 2, aspect_ratio: '16:9' }, wait: { mode: 'poll', interval: 50 } },
            (prediction) => parts.push(prediction.status));
        assert.equal(output.length, 2);
        assert.ok(parts.includes('processing') && parts.at(-1) === 'succeeded', parts.join());
        assert.equal((await fetch(output[0])).headers.get('content-type'), 'image/png');
    });

    test('runs a version', async () => {
        const output = await replicate.run(replicateFake.SDXL, { input: { prompt: 'kite', width: 256, height: 256 }, wait: { mode: 'poll', interval: 50 } });
        assert.equal(output.length, 1);
    });

    test('cancels', async () => {
        const { id } = await replicate.predictions.create({ model: 'google/veo-3', input: { prompt: 'endless sea' } });
        assert.equal((await replicate.predictions.cancel(id)).status, 'canceled');
        assert.equal((await replicate.predictions.get(id)).status, 'canceled');
    });

    test('tells what failed, and refuses what the model does not have', async () => {
        await assert.rejects(replicate.run('black-forest-labs/flux-dev', { input: { prompt: 'nsfw' }, wait: { mode: 'poll', interval: 50 } }), /NSFW/);
        await assert.rejects(replicate.predictions.create({ model: 'google/veo-3', input: { prompt: 'a', width: 5 } }), /422/);
        await assert.rejects(new Replicate({ auth: 'wrong', baseUrl: `${fake.url}/v1` }).predictions.get('x'), /401/);
    });

    test('its postings are verified by the package and by svix', async () => {
        let came;
        fake.post = () => 'http://127.0.0.1:1/'; // nobody; what was posted is noted
        await replicate.predictions.create({ model: 'google/veo-3', input: { prompt: 'sea' }, webhook: 'https://a.example/', webhook_events_filter: ['completed'] });
        await until(() => (came = fake.posted.at(-1)), 'posted');
        const { key } = await replicate.webhooks.default.secret.get();
        assert.equal(await validateWebhook({ headers: came.headers, body: came.body }, key), true);
        assert.equal(await validateWebhook({ headers: came.headers, body: `${came.body} ` }, key), false);
        assert.equal(new Webhook(key).verify(came.body, came.headers).status, 'succeeded');
    });
});

describe('the pretend queue and the package @fal-ai/client', () => {
    let fake;
    let fal;
    before(async () => {
        fake = await falFake.startFakeFal();
        const redirect = (url, init) => fetch(String(url).replace('https://queue.fal.run', fake.url), init);
        fal = createFalClient({ credentials: falFake.KEY, fetch: redirect, retry: { maxRetries: 0 } });
    });
    after(() => fake?.stop());

    test('subscribes to a result', async () => {
        const seen = [];
        const { data, requestId } = await fal.subscribe('fal-ai/flux/dev', {
            input: { prompt: 'slow kite', num_images: 2 }, pollInterval: 50, onQueueUpdate: ({ status }) => seen.push(status) });
        assert.equal(data.images.length, 2);
        assert.match(requestId, /^[0-9a-f-]{36}$/);
        assert.deepEqual([...new Set(seen)], ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
    });

    test('a film is under its app alone', async () => {
        const { request_id: requestId } = await fal.queue.submit('fal-ai/veo3/fast', { input: { prompt: 'sea' }, webhookUrl: 'https://a.example/?x=1' });
        await sleep(200);
        assert.equal((await fal.queue.status('fal-ai/veo3/fast', { requestId })).status, 'COMPLETED');
        assert.match((await fal.queue.result('fal-ai/veo3/fast', { requestId })).data.video.url, /mp4$/);
        assert.equal(fake.asked.at(-1).webhook, 'https://a.example/?x=1');
    });

    test('cancels', async () => {
        const { request_id: requestId } = await fal.queue.submit('fal-ai/flux/dev', { input: { prompt: 'endless' } });
        await fal.queue.cancel('fal-ai/flux/dev', { requestId });
        assert.deepEqual(fake.canceled, [requestId]);
    });

    test('tells why there is no result', async () => {
        const failing = fal.subscribe('fal-ai/flux/dev', { input: { prompt: 'policy' }, pollInterval: 50 });
        await assert.rejects(failing, ({ name, fieldErrors }) => name === 'ValidationError' && fieldErrors[0].type === 'content_policy_violation');
        await assert.rejects(fal.queue.submit('fal-ai/flux/dev', { input: { prompt: 'odd' } }), { status: 422 });
        const stranger = createFalClient({ credentials: 'wrong', fetch: (url, init) => fetch(String(url).replace('https://queue.fal.run', fake.url), init) });
        await assert.rejects(stranger.queue.status('fal-ai/flux', { requestId: 'x' }), { status: 401 });
    });
});
