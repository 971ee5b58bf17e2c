// SPDX-License-Identifier: Apache-2.0
// Services that answer at once, and ComfyUI: the pretend ones are driven by the official package
// where there is one (openai, which OpenRouter tells people to use, too), and then by the product.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import OpenAI, { toFile } from 'openai';

import { makePng } from '../fake-images.mjs';
import { addUser, httpClient, startServer, until } from '../helpers.mjs';
import { KEY, startFakeDirect } from './fake-direct.mjs';

const isPng = (b64) => Buffer.from(b64, 'base64').subarray(1, 4).toString() === 'PNG';

let fake;
before(async () => {
    fake = await startFakeDirect();
});
after(() => fake?.stop());

describe('the pretend services and the package openai', () => {
    let client;
    before(() => {
        client = new OpenAI({ apiKey: KEY, baseURL: `${fake.url}/v1`, maxRetries: 0 });
    });

    test('makes pictures', async () => {
        const { data } = await client.images.generate({ model: 'dall-e-2', prompt: 'kite', n: 2, size: '256x256', response_format: 'b64_json' });
        assert.equal(data.length, 2);
        assert.ok(isPng(data[0].b64_json));
    });

    test('edits and varies a picture', async () => {
        const image = await toFile(makePng(64, 64), 'a.png', { type: 'image/png' });
        assert.ok(isPng((await client.images.edit({ model: 'gpt-image-1', image, prompt: 'bluer' })).data[0].b64_json));
        assert.ok(isPng((await client.images.createVariation({ model: 'dall-e-2', image, response_format: 'b64_json' })).data[0].b64_json));
    });

    test('tells what is wrong', async () => {
        await assert.rejects(client.images.generate({ model: 'dall-e-2', prompt: 'refuse' }), { status: 400, code: 'moderation_blocked' });
        await assert.rejects(new OpenAI({ apiKey: 'wrong', baseURL: `${fake.url}/v1`, maxRetries: 0 }).images.generate({ model: 'a', prompt: 'b' }), { status: 401 });
    });

    test('judges words', async () => {
        const { results } = await client.moderations.create({ input: ['a kite', 'great harm'], model: 'omni-moderation-latest' });
        assert.deepEqual(results.map(({ flagged }) => flagged), [false, true]);
        assert.equal(results[1].categories.violence, true);
        await assert.rejects(client.moderations.create({ input: '' }), { status: 400 });
        fake.judge = 503;
        await assert.rejects(client.moderations.create({ input: 'a' }), { status: 503 });
        fake.judge = undefined;
    });

    test('draws by chat, as OpenRouter does', async () => {
        const { choices, usage } = await client.chat.completions.create({ model: 'google/gemini-2.5-flash-image', messages: [{ role: 'user', content: 'kite' }], modalities: ['image', 'text'], usage: { include: true } });
        assert.match(choices[0].message.images[0].image_url.url, /^data:image\/png;base64,/);
        assert.equal(usage.cost, 0.0387);
        await assert.rejects(client.chat.completions.create({ model: 'a', messages: [{ role: 'user', content: 'refuse' }], modalities: ['image'] }), { status: 403 });
    });
});

describe('the product with them', () => {
    const model = (id, provider, name, more = '') => `
  - {id: ${id}, name: ${id}, description: A pretend model., kind: image, provider: ${provider}, providerModel: "${name}", price: 2, typicalSeconds: 2,
     maxImages: 4, promptMax: 500, takesSeed: true, sizes: [{name: Square, width: 256, height: 256}]${more}}`;
    const configOf = (url) => `
providers:
  - {id: openai, kind: openai, baseUrl: "${url}", concurrency: 8, timeoutSeconds: 10, allowPrivateAddresses: true, key: {env: DIRECT_KEY}}
  - {id: openrouter, kind: openrouter, baseUrl: "${url}/v1", concurrency: 8, timeoutSeconds: 10, allowPrivateAddresses: true, key: {env: DIRECT_KEY}}
  - {id: home, kind: automatic1111, baseUrl: "${url}/", concurrency: 8, timeoutSeconds: 10, allowPrivateAddresses: true, key: {env: HOME_KEY}}
  - {id: comfy, kind: comfyui, baseUrl: "${url}/", concurrency: 8, timeoutSeconds: 10, pollSeconds: 1, allowPrivateAddresses: true}
models:${[
        model('dalle', 'openai', 'dall-e-2', ', isDefault: true, takesImage: optional, qualities: [{name: standard}, {name: hd, multiplier: 2}]'),
        model('gpt', 'openai', 'gpt-image-1', ', takesImage: required'),
        model('gemini', 'openrouter', 'google/gemini-2.5-flash-image', ', takesImage: optional'),
        model('flux', 'openrouter', 'black-forest-labs/flux.2-pro'),
        model('xl', 'home', 'sd_xl', ', takesImage: optional, takesStrength: true, steps: {min: 1, max: 50, default: 20, step: 1}'),
        model('comfy', 'comfy', 'here.safetensors', ', takesImage: optional, takesStrength: true'),
        model('own', 'comfy', 'here.safetensors', `, workflow: "${workflow}"`),
        model('comfy-lost', 'comfy', 'missing.safetensors'),
    ].join('')}
`;
    const folder = mkdtempSync(path.join(os.tmpdir(), 'atelier-workflow-'));
    const workflow = path.join(folder, 'own.json');
    writeFileSync(workflow, JSON.stringify({
        1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: '{model}' } },
        2: { class_type: 'EmptyLatentImage', inputs: { width: '{width}', height: '{height}', batch_size: '{count}' } },
        3: { class_type: 'CLIPTextEncode', inputs: { text: 'in oil, {prompt}', clip: ['1', 1] } },
        4: { class_type: 'KSampler', inputs: { seed: '{seed}', steps: 4, cfg: 1, denoise: 1, sampler_name: 'lcm', model: ['1', 0], positive: ['3', 0], negative: ['3', 0], latent_image: ['2', 0] } },
    }));
    after(() => rmSync(folder, { recursive: true }));
    let server;
    let people = 0;
    const newcomer = async () => httpClient(server.url, (await addUser(server, `direct-${++people}@example.com`)).token);
    const balance = async (client) => (await client.query('users:getCurrentUser', {})).credits;
    const asked = (prompt) => fake.asked.filter(({ wish }) => JSON.stringify(wish).includes(prompt));
    async function make(prompt, id, more = {}, client = undefined) {
        client ??= await newcomer();
        const { jobId } = await client.mutation('generations:createGenerationJob', { prompt, model: id, ...more });
        const job = await until(async () => {
            const found = await client.query('generations:getGenerationJob', { jobId });
            return ['completed', 'failed', 'canceled'].includes(found.status) && found;
        }, `${prompt} ends`, 60_000, 100);
        return { client, job };
    }
    async function paid({ client, job }, credits, pictures = 1) {
        assert.equal(job.status, 'completed', job.error);
        assert.equal(job.imageIds.length, pictures);
        assert.equal(await balance(client), 100 - credits);
    }

    before(async () => {
        server = await startServer({ config: configOf(fake.url), env: { DIRECT_KEY: KEY, HOME_KEY: 'user:pass' } });
    });
    after(() => server?.stop());

    test('OpenAI: pictures of a quality, and one that starts from another', async () => {
        const first = await make('openai kite', 'dalle', { numImages: 2, quality: 'hd' });
        await paid(first, 8, 2);
        assert.equal(asked('openai kite')[0].wish.quality, 'hd');
        const imageId = first.job.imageIds[0];
        const second = await make('openai bluer', 'gpt', { imageId }, first.client);
        assert.equal(second.job.status, 'completed', second.job.error);
        const [{ pathname, wish, picture }] = asked('openai bluer');
        assert.equal(pathname, '/v1/images/edits');
        assert.equal(wish.model, 'gpt-image-1');
        assert.equal(picture.subarray(1, 4).toString(), 'PNG');
        assert.equal(second.job.imageId, imageId);
    });

    test('OpenRouter: one picture a request, each with a seed of its own, and its bill is kept', async () => {
        await paid(await make('router kite', 'gemini', { numImages: 3, seed: 40 }), 6, 3);
        assert.deepEqual(asked('router kite').map(({ wish }) => wish.seed), [40, 41, 42]);
        const admin = httpClient(server.url, (await addUser(server, 'direct-admin@example.com', { role: 'admin' })).token);
        const health = await admin.query('admin:listProviderHealth', {});
        assert.equal(health.find(({ model: id }) => id === 'gemini').costMicros, 3 * 38700);
        await paid(await make('router flux', 'flux'), 2);
    });

    test('OpenRouter: what is busy is asked again, what is refused or only talked about costs nothing', async () => {
        await paid(await make('router busy', 'gemini'), 2);
        const refused = await make('router refuse', 'gemini');
        assert.match(refused.job.error, /refuses this prompt/);
        assert.equal(asked('router refuse').length, 1);
        const talked = await make('router talk', 'gemini');
        assert.match(talked.job.error, /answered in words/);
        for (const { client, job } of [refused, talked]) {
            assert.equal(job.status, 'failed');
            assert.equal(await balance(client), 100);
        }
    });

    test('Automatic1111: a batch without its sheet, and a picture from a picture', async () => {
        const first = await make('home kite', 'xl', { numImages: 2 });
        await paid(first, 4, 2);
        const second = await make('home bluer', 'xl', { imageId: first.job.imageIds[1], strength: 0.4 }, first.client);
        assert.equal(second.job.status, 'completed', second.job.error);
        const [{ pathname, wish }] = asked('home bluer');
        assert.equal(pathname, '/sdapi/v1/img2img');
        assert.equal(wish.denoising_strength, 0.4);
        assert.equal(wish.override_settings.sd_model_checkpoint, 'sd_xl');
    });

    test('ComfyUI: polled, and its pictures fetched from below its own address', async () => {
        await paid(await make('comfy kite', 'comfy', { numImages: 2 }), 4, 2);
    });

    test('ComfyUI: a picture is uploaded and started from', async () => {
        const first = await make('comfy first', 'comfy');
        const second = await make('comfy bluer', 'comfy', { imageId: first.job.imageIds[0], strength: 0.4, numImages: 2 }, first.client);
        assert.equal(second.job.status, 'completed', second.job.error);
        assert.equal(second.job.imageIds.length, 2);
        const { start, sampler } = [...fake.jobs.values()].find(({ prompt }) => prompt === 'comfy bluer');
        assert.equal(sampler.denoise, 0.4);
        assert.equal(fake.uploads.get(start).subarray(1, 4).toString(), 'PNG');
        fake.refuseUploads = true;
        const refused = await make('comfy refused', 'comfy', { imageId: first.job.imageIds[0] }, first.client);
        fake.refuseUploads = false;
        assert.equal(refused.job.status, 'failed');
        assert.ok(![...fake.jobs.values()].some(({ prompt }) => prompt === 'comfy refused'), 'it was not asked for');
    });

    test('ComfyUI: a workflow of one\'s own', async () => {
        await paid(await make('comfy own', 'own', { numImages: 2, seed: 77 }), 4, 2);
        const { sampler } = [...fake.jobs.values()].find(({ prompt }) => prompt === 'in oil, comfy own');
        assert.equal(sampler.seed, 77);
        assert.equal(sampler.sampler_name, 'lcm');
    });

    test('ComfyUI: a checkpoint that is not there is refused, and who cancels is heard', async () => {
        const lost = await make('comfy lost', 'comfy-lost');
        assert.equal(lost.job.status, 'failed');
        assert.equal(await balance(lost.client), 100);
        const client = await newcomer();
        const { jobId } = await client.mutation('generations:createGenerationJob', { prompt: 'comfy endless', model: 'comfy' });
        const id = await until(() => [...fake.jobs].find(([, { prompt }]) => prompt === 'comfy endless')?.[0], 'it is asked');
        await until(() => fake.asked.some(({ pathname }) => pathname.endsWith(id)), 'it is polled');
        await client.mutation('generations:cancelGenerationJob', { jobId });
        await until(() => fake.interrupted.includes(id), 'it is interrupted');
        assert.equal(await balance(client), 100);
    });
});

describe('the product with a service that judges prompts', () => {
    const configOf = (failOpen) => `
moderation:
  endpoint: {baseUrl: "${fake.url}/v1", key: {env: DIRECT_KEY}, model: omni-moderation-latest, timeoutSeconds: 1, failOpen: ${failOpen}, allowPrivateAddresses: true}
`;
    const servers = [];
    const start = async (failOpen) => {
        const server = await startServer({ config: configOf(failOpen), env: { DIRECT_KEY: KEY } });
        servers.push(server);
        return httpClient(server.url, (await addUser(server, 'judged@example.com')).token);
    };
    after(() => Promise.all(servers.map((server) => server.stop())));
    async function make(client, prompt) {
        const { jobId } = await client.mutation('generations:createGenerationJob', { prompt, model: 'sketch' });
        return until(async () => {
            const job = await client.query('generations:getGenerationJob', { jobId });
            return ['completed', 'failed'].includes(job.status) && job;
        }, `${prompt} ends`, 60_000, 50);
    }

    test('asks before the model, and gives everything back to who is refused', async () => {
        const client = await start(false);
        assert.equal((await make(client, 'judged kite')).status, 'completed');
        assert.deepEqual(fake.asked.at(-1), { pathname: '/v1/moderations', wish: { input: 'judged kite', model: 'omni-moderation-latest' }, picture: undefined });
        const refused = await make(client, 'judged harm');
        assert.equal(refused.status, 'failed');
        assert.equal(refused.errorKind, 'policy');
        assert.equal((await client.query('users:getCurrentUser', {})).credits, 99);
    });

    test('gives up what nobody can judge, or makes it, as the operator chose', async () => {
        for (const [judge, failOpen, status] of [[503, false, 'failed'], ['silent', true, 'completed'], [401, false, 'failed']]) {
            const client = await start(failOpen);
            fake.judge = judge;
            const job = await make(client, `unjudged ${judge}`);
            assert.equal(job.status, status);
            assert.equal(job.errorKind, undefined);
            assert.equal((await client.query('users:getCurrentUser', {})).credits, status === 'failed' ? 100 : 99);
            fake.judge = undefined;
        }
    });
});
