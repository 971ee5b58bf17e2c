// SPDX-License-Identifier: Apache-2.0
// The product with services that take their time, Replicate and FAL: jobs are polled, postings make
// us look sooner, whoever cancels is heard there, and whatever goes wrong is charged once or not at
// all. The services are pretend ones that official.test.mjs holds against the official packages. The
// words of a prompt choose the fault; each claim has a person of its own, and all of them run at once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Webhook } from 'svix';

import * as falFake from './fake-fal.mjs';
import * as replicateFake from './fake-replicate.mjs';
import { addUser, httpClient, sleep, startServer, until } from '../helpers.mjs';

const START = 100;
const ENDED = ['completed', 'failed', 'canceled'];
const PUBLIC = 'https://studio.example';

const models = [
    ['replicate', 'flux', 'black-forest-labs/flux-dev', 'takesImage: optional, takesStrength: true, steps: {min: 1, max: 50, default: 28, step: 1}, guidance: {min: 0, max: 10, default: 3, step: 0.5}, costMicros: 0, costMicrosPerRunSecond: 1000'],
    ['replicate', 'sdxl', replicateFake.SDXL, 'takesNegativePrompt: true'],
    ['replicate', 'sd3', 'stability-ai/stable-diffusion-3.5-large', 'takesNegativePrompt: true'],
    ['replicate', 'veo', 'google/veo-3', 'durations: [4, 8], takesImage: optional'],
    ['replicate-hook', 'flux-hook', 'black-forest-labs/flux-dev', ''],
    ['fal', 'fal-flux', 'fal-ai/flux/dev/image-to-image', 'takesImage: optional, takesStrength: true'],
    ['fal', 'fal-veo', 'fal-ai/veo3/fast/image-to-video', 'durations: [4, 8], takesImage: optional'],
    ['fal-hook', 'fal-flux-hook', 'fal-ai/flux/dev', ''],
].map(([provider, id, name, more]) => `
  - {id: ${id}, name: ${id}, description: A pretend model., provider: ${provider}, providerModel: "${name}", price: 2,
     kind: ${id.includes('veo') ? 'video' : 'image'}, typicalSeconds: 2, maxImages: 4, promptMax: 500, takesSeed: true,
     isDefault: ${id === 'flux'}, sizes: [${id.includes('veo') ? '{name: Wide, width: 1280, height: 720}' : '{name: Square, width: 256, height: 256}, {name: Wide, width: 1024, height: 576}'}]${more && `, ${more}`}}`).join('');

const configOf = ({ replicate, fal }) => `
server: {publicUrl: "${PUBLIC}"}
providers:
  - {id: sketch, kind: sketch, concurrency: 2, timeoutSeconds: 60}
  - {id: replicate, kind: replicate, baseUrl: "${replicate.url}", concurrency: 64, timeoutSeconds: 5, pollSeconds: 1, allowPrivateAddresses: true, key: {env: REPLICATE_KEY}}
  - {id: replicate-hook, kind: replicate, baseUrl: "${replicate.url}/v1", concurrency: 64, timeoutSeconds: 5, pollSeconds: 600, allowPrivateAddresses: true, key: {env: REPLICATE_KEY}, webhookSecret: {env: REPLICATE_SECRET}}
  - {id: fal, kind: fal, baseUrl: "${fal.url}", concurrency: 64, timeoutSeconds: 5, pollSeconds: 1, allowPrivateAddresses: true, key: {env: FAL_KEY}}
  - {id: fal-hook, kind: fal, baseUrl: "${fal.url}", concurrency: 64, timeoutSeconds: 5, pollSeconds: 600, allowPrivateAddresses: true, key: {env: FAL_KEY}, webhookSecret: {env: FAL_PUBLIC_KEY}}
models:
  - {id: film, name: Film, description: The sketcher., kind: video, provider: sketch, price: 1, typicalSeconds: 2, maxImages: 1, promptMax: 100, sizes: [{name: Small, width: 320, height: 192}], durations: [4]}${models}
`;
const env = {
    REPLICATE_KEY: replicateFake.KEY, REPLICATE_SECRET: replicateFake.SECRET,
    FAL_KEY: falFake.KEY, FAL_PUBLIC_KEY: falFake.PUBLIC_KEY,
};

let server;
let replicate;
let fal;
let admin;

before(async () => {
    const post = (url) => (url.includes('-hook') ? url.replace(PUBLIC, server.url) : null);
    replicate = await replicateFake.startFakeReplicate({ hold: 2500, post });
    fal = await falFake.startFakeFal({ hold: 2500, post });
    server = await startServer({ config: configOf({ replicate, fal }), env });
    const { token } = await addUser(server, 'admin@example.com', { role: 'admin' });
    admin = httpClient(server.url, token);

    const author = await newcomer();
    const film = await ended(author, await author.mutation('videos:createVideo', { prompt: 'waves', model: 'film', duration: '4' }));
    const { videoUrl } = await author.query('videos:getVideo', { videoId: film._id });
    assert.equal(film.status, 'completed', film.error);
    const { pathname, search } = new URL(videoUrl, PUBLIC);
    replicate.film = fal.film = Buffer.from(await (await fetch(server.url + pathname + search)).arrayBuffer());
});
after(async () => {
    await server?.stop();
    await replicate?.stop();
    await fal?.stop();
});

// ---- asking ----

let people = 0;
async function newcomer() {
    const { token } = await addUser(server, `polled-${++people}@example.com`);
    return httpClient(server.url, token);
}

const ended = (client, jobId, ms = 60_000) => until(async () => {
    const found = await client.query('generations:getGenerationJob', { jobId });
    return ENDED.includes(found.status) && found;
}, `${jobId} ends`, ms, 100);

async function ask(prompt, { model = 'flux', ...more } = {}) {
    const client = await newcomer();
    const { jobId } = await client.mutation('generations:createGenerationJob', { model, prompt, width: 256, height: 256, numImages: 1, ...more });
    return { client, jobId };
}

async function make(prompt, options) {
    const { client, jobId } = await ask(prompt, options);
    return { client, job: await ended(client, jobId) };
}

const balance = async (client) => (await client.query('users:getCurrentUser', {})).credits;
const asked = (fake, prompt) => fake.asked.filter(({ input }) => input.prompt === prompt);

async function paid({ client, job }, price, pictures = job.imageIds?.length) {
    assert.equal(job.status, 'completed', job.error);
    assert.equal(job.imageIds.length, pictures);
    assert.equal(await balance(client), START - price);
}

async function free({ client, job }, says) {
    assert.equal(job.status, 'failed');
    assert.match(job.error, says);
    assert.equal(await balance(client), START, 'the credits are back');
}

// ---- both ----

for (const [name, fake, plain, hooked] of [['Replicate', () => replicate, 'flux', 'flux-hook'], ['FAL', () => fal, 'fal-flux', 'fal-flux-hook']])
    describe(name, { concurrency: true }, () => {
        test('pictures are made, polled for, and paid', async () => {
            const came = await make(`slow ${name} kite`, { model: plain, numImages: 2 });
            await paid(came, 4, 2);
            assert.equal(asked(fake(), `slow ${name} kite`).length, 1);
        });

        test('a posting makes us look at once', async () => {
            const start = Date.now();
            const came = await make(`slow hooked ${name}`, { model: hooked });
            await paid(came, 2, 1);
            assert.ok(Date.now() - start < 20_000, 'long before the next look');
            assert.ok(fake().posted.some(({ status }) => status === 200), 'and it was taken');
        });

        test('whoever cancels is heard there, and pays nothing', async () => {
            const { client, jobId } = await ask(`endless ${name}`, { model: plain });
            await until(() => asked(fake(), `endless ${name}`).length === 1, 'asked');
            await until(async () => fake().polls > 0, 'polled');
            await client.mutation('generations:cancelGenerationJob', { jobId });
            await until(() => fake().canceled.length >= 1, 'canceled there');
            assert.equal((await ended(client, jobId)).status, 'canceled');
            assert.equal(await balance(client), START);
        });

        test('a job that failed there is made again, and paid once', async () => {
            const came = await make(`flaky ${name}`, { model: plain });
            await paid(came, 2, 1);
            assert.equal(asked(fake(), `flaky ${name}`).length, 2);
        });

        test('a request that it will never take is not tried again', async () => {
            await free(await make(`odd ${name}`, { model: plain }), /refused this request/);
            assert.equal(asked(fake(), `odd ${name}`).length, 1);
        });

        test('a picture whose address has expired costs nothing', async () => {
            await free(await make(`expired ${name}`, { model: plain }), /could not be fetched/);
            assert.equal(asked(fake(), `expired ${name}`).length, 1);
        });

        test('a picture that breaks off is fetched again', async () => {
            await paid(await make(`cut ${name}`, { model: plain }), 2, 1);
            assert.equal(asked(fake(), `cut ${name}`).length, 1);
        });

        test('the sizes and numbers that were chosen arrive', async () => {
            await paid(await make(`exact ${name}`, { model: plain, width: 1024, height: 576, seed: 12345 }), 2, 1);
            const [{ input }] = asked(fake(), `exact ${name}`);
            assert.equal(input.seed, 12345);
            assert.deepEqual(input.image_size ?? input.aspect_ratio, name === 'FAL' ? { width: 1024, height: 576 } : '16:9');
        });

        test('a picture of theirs is what the next one starts from, and a film', async () => {
            const first = await make(`first ${name}`, { model: plain });
            const { client, job } = first;
            const [imageId] = job.imageIds;
            const { jobId } = await client.mutation('generations:createGenerationJob', { model: plain, prompt: `next ${name}`, width: 256, height: 256, imageId, strength: 0.5 });
            const videoId = await client.mutation('videos:createVideo', { prompt: `moving ${name}`, model: name === 'FAL' ? 'fal-veo' : 'veo', duration: '4', imageId });
            for (const id of [jobId, videoId])
                assert.equal((await ended(client, id)).status, 'completed');
            for (const [{ input }] of [asked(fake(), `next ${name}`), asked(fake(), `moving ${name}`)])
                assert.match(input.image ?? input.image_url, /^data:image\/png;base64,iVBOR/);
            const [{ input }] = asked(fake(), `next ${name}`);
            assert.equal(input.prompt_strength ?? input.strength, 0.5);
            assert.equal(await balance(client), START - 6);
        });

        test('a film is made', async () => {
            const client = await newcomer();
            const videoId = await client.mutation('videos:createVideo', { prompt: `waves of ${name}`, model: name === 'FAL' ? 'fal-veo' : 'veo', duration: '8' });
            const job = await ended(client, videoId);
            assert.equal(job.status, 'completed', job.error);
            const [{ input }] = asked(fake(), `waves of ${name}`);
            assert.deepEqual([input.duration, input.resolution, input.aspect_ratio], [name === 'FAL' ? '8s' : 8, '720p', '16:9']);
            assert.equal(await balance(client), START - 2);
        });
    });

// ---- Replicate alone ----

describe('Replicate\'s own ways', { concurrency: true }, () => {
    test('a picture that breaks off again and again goes on where it stopped', async () => {
        const { client, job } = await make('torn kite');
        await paid({ client, job }, 2, 1);
        const image = await client.query('generations:getImage', { imageId: job.imageIds[0] });
        const { pathname } = new URL(image.url);
        const kept = Buffer.from(await (await fetch(server.url + pathname)).arrayBuffer());
        const from = replicate.ranges.map((range) => range.from);
        assert.equal(from.length, 4, from.join());
        assert.ok(from.every((at, i) => i === 0 || at > from[i - 1]), from.join());
        assert.equal(kept.length, image.fileSizeBytes);
        assert.equal(kept.subarray(1, 4).toString(), 'PNG');
    });

    test('a prompt against the rules is refunded at once', async () => {
        await free(await make('nsfw kite'), /refuses this prompt. Change the words/);
        assert.equal(asked(replicate, 'nsfw kite').length, 1);
    });

    test('a job that fails each time is begun four times and no more', async () => {
        await free(await make('doomed kite'), /failed while making this/);
        assert.equal(asked(replicate, 'doomed kite').length, 4);
    });

    test('a busy service is asked again when it said so', async () => {
        await paid(await make('busy kite'), 2, 1);
        assert.equal(asked(replicate, 'busy kite').length, 2);
    });

    test('a job that cannot be looked at just now goes on', async () => {
        await paid(await make('slow blind kite'), 2, 1);
        assert.equal(asked(replicate, 'slow blind kite').length, 1, 'it is not begun again');
    });

    test('one address is as good as a list', async () => {
        await paid(await make('single kite'), 2, 1);
    });

    for (const model of ['sdxl', 'sd3'])
        test(`${model} gets the parameters it has`, async () => {
            await paid(await make(`the ${model} kite`, { model, negativePrompt: 'blur' }), 2, 1);
            const [{ input, version }] = asked(replicate, `the ${model} kite`);
            assert.equal(input.negative_prompt, 'blur');
            assert.equal(version !== undefined, model === 'sdxl');
        });

    test('it is told where to post, and that only the end interests us', async () => {
        await make('told where');
        const [request] = asked(replicate, 'told where');
        assert.equal(request.webhook, `${PUBLIC}/api/webhooks/provider/replicate`);
        assert.deepEqual(request.webhook_events_filter, ['completed']);
    });
});

// ---- FAL alone ----

describe('FAL\'s own ways', { concurrency: true }, () => {
    test('a prompt against the rules is refunded at once', async () => {
        await free(await make('policy kite', { model: 'fal-flux' }), /refuses this prompt. Change the words/);
        assert.equal(asked(fal, 'policy kite').length, 1);
    });

    test('what was blackened is given back', async () => {
        await paid(await make('black kite', { model: 'fal-flux', numImages: 2 }), 2, 1);
        await free(await make('all black kite', { model: 'fal-flux' }), /refuses this prompt/);
    });

    test('an answer that names another host does not lead there', async () => {
        await paid(await make('astray kite', { model: 'fal-flux' }), 2, 1);
        assert.equal(fal.strayed, 0);
    });
});

// ---- postings ----

describe('postings', () => {
    const post = (id, body, headers) => fetch(`${server.url}/api/webhooks/provider/${id}`, { method: 'POST', body, headers });
    const signed = (body, at = new Date(), secret = replicateFake.SECRET, word = 'webhook') => ({
        'content-type': 'application/json', [`${word}-id`]: 'msg_1', [`${word}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
        [`${word}-signature`]: new Webhook(secret).sign('msg_1', at, body) });
    const body = JSON.stringify({ id: 'nobody', status: 'succeeded' });

    test('what svix signs is taken, by the headers of either name', async () => {
        assert.equal((await post('replicate-hook', body, signed(body))).status, 200);
        assert.equal((await post('replicate-hook', body, signed(body, new Date(), replicateFake.SECRET, 'svix'))).status, 200);
    });

    test('what nobody signed, or another, or long ago, or another text, is refused', async () => {
        const late = new Date(Date.now() - 6 * 60_000);
        for (const headers of [{}, signed(`${body} `), signed(body, late), signed(body, new Date(), `whsec_${Buffer.from('another').toString('base64')}`)])
            assert.equal((await post('replicate-hook', body, headers)).status, 400);
        const [{ body: told, headers }] = fal.posted;
        assert.equal((await post('fal-hook', told, headers)).status, 200, 'as it was sent');
        assert.equal((await post('fal-hook', told.replace('OK', 'KO'), headers)).status, 400);
        assert.equal((await post('fal-hook', told, { ...headers, 'x-fal-webhook-timestamp': '1' })).status, 400);
    });

    test('what is claimed there is not believed: the service is asked', async () => {
        const { client, jobId } = await ask('endless claim');
        const { id } = await until(() => [...replicate.predictions.values()].find(({ prompt }) => prompt === 'endless claim'), 'asked');
        const lie = JSON.stringify({ id, status: 'succeeded', output: ['http://127.0.0.1:1/evil.png'] });
        assert.equal((await post('replicate', lie, { 'content-type': 'application/json' })).status, 200);
        await sleep(1500);
        assert.equal((await client.query('generations:getGenerationJob', { jobId })).status, 'processing');
        await client.mutation('generations:cancelGenerationJob', { jobId });
    });
});

// ---- afterwards ----

test('a job outlives the server that asked for it', async () => {
    const data = server.data;
    const { client, jobId } = await ask('slow survivor');
    await until(() => asked(replicate, 'slow survivor').length === 1, 'asked');
    await sleep(700);
    await server.kill();
    server = await startServer({ config: configOf({ replicate, fal }), env, data });
    const again = httpClient(server.url, client.auth);
    const job = await ended(again, jobId);
    assert.equal(job.status, 'completed', job.error);
    assert.equal(asked(replicate, 'slow survivor').length, 1, 'begun once');
    assert.equal(await balance(again), START - 2);
});

test('what they cost us, and how they did, is counted; no key is in the log', async () => {
    const { token } = await addUser(server, 'second-admin@example.com', { role: 'admin' });
    const health = await httpClient(server.url, token).query('admin:listProviderHealth', {});
    const flux = health.find(({ model }) => model === 'flux');
    assert.ok(flux.done >= 5 && flux.failed >= 3, JSON.stringify(flux));
    assert.equal(flux.costMicros % 2500, 0, 'two and a half seconds each, by its own measure');
    assert.ok(flux.costMicros >= 2500 * 5);
    assert.doesNotMatch(server.lines.join('\n'), new RegExp(`${replicateFake.KEY}|pretend-secret|whsec_`));
});
