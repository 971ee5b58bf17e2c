// SPDX-License-Identifier: Apache-2.0
// SIGHUP reads the configuration again: prices, models and providers are others at once, for who
// watches too, also on top of what an administrator changed; a broken file changes nothing.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { fakeConfig, fakeEnv, startFakeImages } from './fake-images.mjs';
import { addUser, socketClient, startServer, tempFolder, until, userToken, watch } from './helpers.mjs';

async function person(server, email, role) {
    await addUser(server, email, { role });
    return socketClient(server.url, await userToken(server, email));
}

const told = (server, event) => () => server.lines.some((line) => line.includes(`"${event}"`));

test('SIGHUP reads the configuration again', async (t) => {
    const fake = await startFakeImages({ hold: 700 });
    const late = await startFakeImages();
    const config = path.join(tempFolder('config'), 'atelier.yaml');
    const first = fakeConfig(fake, { concurrency: 1 });
    writeFileSync(config, first);
    const server = await startServer({ args: ['--config', config], env: fakeEnv });
    t.after(async () => {
        await server.stop();
        await fake.stop();
        await late.stop();
    });
    const again = (text, event) => {
        writeFileSync(config, text);
        process.kill(server.pid, 'SIGHUP');
        return until(told(server, event), event);
    };
    const artist = await person(server, 'artist@example.org');
    const admin = await person(server, 'admin@example.org', 'admin');
    const price = watch(artist, 'models:getModelById', { modelId: 'fake' });
    await price.next((model) => model.credits === 2, 'the first price');
    const ask = async (prompt, model = 'fake') => artist.mutation('generations:createGenerationJob',
        { prompt, model, width: 256, height: 256 });
    const done = async (job, ms) => watch(artist, 'generations:getGenerationJob', { jobId: job.jobId })
        .next((row) => row?.status === 'completed', 'the picture', ms);

    await t.test('a mistake in it is told, and nothing is changed', async () => {
        await again(first.replace('price: 2', 'prize: 2'), 'config_not_reloaded');
        const line = server.lines.find((text) => text.includes('config_not_reloaded'));
        assert.match(line, /prize/);
        assert.equal(price.last().credits, 2);
        await done(await ask('as before'));
    });

    const second = first.replace('price: 2', 'price: 5').replace('concurrency: 1,', 'concurrency: 8,')
        .replace('\nmodels:', `\n  - {id: late, kind: openai, baseUrl: "${late.url}/v1", concurrency: 1, timeoutSeconds: 9, allowPrivateAddresses: true, key: {env: FAKE_IMAGES_KEY}}\nmodels:`)
        + `  - {id: newcomer, name: Newcomer, description: Came later., kind: image, provider: late, price: 3, typicalSeconds: 1, maxImages: 1, promptMax: 99, sizes: [{name: Square, width: 256, height: 256}]}\n`;

    await t.test('a new price is seen by who watches, and holds for what is asked from then on', async () => {
        const before = await ask('slow, at the old price');
        await again(second, 'config_reloaded');
        await price.next((model) => model.credits === 5, 'the new price');
        assert.equal((await ask('at the new price')).creditsUsed, 5);
        assert.equal((await done(before)).creditsUsed, 2);
    });

    await t.test('a provider that is new makes pictures, with its own key', async () => {
        await done(await ask('hello', 'newcomer'));
        assert.equal(late.asked.length, 1);
        assert.equal(late.asked[0].authorization, `Bearer ${fakeEnv.FAKE_IMAGES_KEY}`);
    });

    await t.test('a provider may have more jobs at once than before', async () => {
        const start = Date.now();
        const jobs = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(`slow ${i}`)));
        await Promise.all(jobs.map((job) => done(job)));
        // One after another they would take 8 x 700 ms.
        assert.ok(Date.now() - start < 4500, `${Date.now() - start} ms`);
    });

    await t.test('what an administrator changed stays on top', async () => {
        await admin.mutation('models:updateModel', { modelId: 'fake', changes: { name: 'Ours' } });
        await price.next((model) => model.name === 'Ours' && model.credits === 5, 'both');
        writeFileSync(config, readFileSync(config, 'utf8').replace('price: 5', 'price: 6'));
        process.kill(server.pid, 'SIGHUP');
        await price.next((model) => model.name === 'Ours' && model.credits === 6, 'both again');
        await admin.mutation('models:deleteModel', { modelId: 'fake' });
        await price.next((model) => model.name === 'Fake' && model.credits === 6, 'the file alone');
    });
    await artist.close();
    await admin.close();
});
