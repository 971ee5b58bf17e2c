// SPDX-License-Identifier: Apache-2.0
// A pretend Replicate: predictions by model or version, cancel, signed webhooks, files that expire.
// Inputs are checked as strictly as there: a parameter that the model does not have is refused.
// official.test.mjs holds it against the `replicate` package. By the words of a prompt:
//   "slow"     takes `hold` ms           "endless"  until it is canceled
//   "flaky"    fails the first time      "nsfw"     fails, flagged
//   "doomed"   fails each time
//   "odd"      422 at once               "busy"     429 with Retry-After the first time
//   "expired"  its file is gone          "cut"      its file breaks off the first time
//   "torn"     its file breaks off each time, and goes on where it is asked to
//   "blind"    500 when first polled     "single"   one address, not a list
import http from 'node:http';

import { Webhook } from 'svix';

import { makePng } from '../fake-images.mjs';

export const KEY = 'r8_pretend_41f09c';
export const SECRET = `whsec_${Buffer.from('a key of the pretend Replicate').toString('base64')}`;

const schemas = {
    'stability-ai/sdxl': ['prompt', 'negative_prompt', 'image', 'mask', 'width', 'height', 'num_outputs', 'scheduler',
        'num_inference_steps', 'guidance_scale', 'prompt_strength', 'seed'],
    'black-forest-labs/flux-dev': ['prompt', 'aspect_ratio', 'image', 'prompt_strength', 'num_outputs',
        'num_inference_steps', 'guidance', 'seed', 'output_format', 'output_quality', 'megapixels', 'go_fast'],
    'stability-ai/stable-diffusion-3.5-large': ['prompt', 'negative_prompt', 'aspect_ratio', 'cfg', 'image', 'prompt_strength',
        'steps', 'seed', 'output_format', 'output_quality'],
    'google/veo-3': ['prompt', 'negative_prompt', 'image', 'seed', 'aspect_ratio', 'duration', 'resolution', 'generate_audio'],
};
const ratios = ['1:1', '16:9', '21:9', '3:2', '2:3', '4:5', '5:4', '3:4', '4:3', '9:16', '9:21'];
const versions = { '7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc': 'stability-ai/sdxl' };
export const SDXL = `stability-ai/sdxl:${Object.keys(versions)[0]}`;

const png = makePng(256, 256, 7);
const DONE = ['succeeded', 'failed', 'canceled', 'aborted'];

/*
 * Answers { url, asked, polls, canceled, film, post, hold, stop() }. film: the bytes of a film. post(url):
 * where a webhook's address leads in this test; null for nowhere.
 */
export async function startFakeReplicate({ hold = 500, post = () => null } = {}) {
    const fake = { asked: [], polls: 0, canceled: [], posted: [], ranges: [], film: png, hold, post, predictions: new Map() };
    const seen = new Map();
    let number = 0;

    const times = (key) => {
        const before = seen.get(key) ?? 0;
        seen.set(key, before + 1);
        return before;
    };
    const answer = (response, status, value, headers = {}) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(value));
    };
    const refuse = (response, status, title, detail, headers) =>
        answer(response, status, { title, detail, status }, headers);

    function shown(prediction) {
        const { ends, prompt, first, timer, ...shape } = prediction;
        if (shape.status === 'processing')
            shape.logs = `Using seed: 5\n  0%|          | 0/20 [00:00<?, ?it/s]\n 45%|####      | 9/20 [00:01<00:01]\n`;
        return shape;
    }

    function outputs(prediction) {
        const isFilm = prediction.model === 'google/veo-3';
        const name = prediction.prompt.includes('expired') ? 'expired' : ['cut', 'torn'].find((word) => prediction.prompt.includes(word)) ?? 'whole';
        const file = (i) => `${fake.url}/files/${name}/${prediction.id}-${i}.${isFilm ? 'mp4' : 'png'}`;
        if (isFilm || prediction.prompt.includes('single'))
            return file(0);
        return Array.from({ length: prediction.input.num_outputs ?? 1 }, (_, i) => file(i));
    }

    async function finish(prediction, status, more) {
        if (DONE.includes(prediction.status))
            return;
        Object.assign(prediction, { status, completed_at: new Date().toISOString(), ...more });
        const url = prediction.webhook && fake.post(prediction.webhook);
        if (!url)
            return;
        const body = JSON.stringify(shown(prediction));
        const at = new Date();
        const id = `msg_${prediction.id}`;
        const headers = {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
            'webhook-signature': new Webhook(SECRET).sign(id, at, body),
        };
        const came = await fetch(url, { method: 'POST', headers, body }).catch(() => ({ status: 0 }));
        fake.posted.push({ status: came.status, body, headers });
    }

    function work(prediction) {
        const { prompt, first } = prediction;
        if (prompt.includes('endless'))
            return;
        prediction.timer = setTimeout(() => {
            const metrics = { predict_time: 2.5, total_time: 3 };
            if (prompt.includes('nsfw'))
                finish(prediction, 'failed', { error: 'NSFW content detected. Try running it again, or try a different prompt.' });
            else if (prompt.includes('doomed') || (prompt.includes('flaky') && first))
                finish(prediction, 'failed', { error: 'Prediction interrupted; please retry (code: PA)' });
            else
                finish(prediction, 'succeeded', { output: outputs(prediction), metrics });
        }, prompt.includes('slow') ? fake.hold : 50);
    }

    function create(response, model, { input, webhook, webhook_events_filter, ...rest }, version) {
        const schema = schemas[model];
        if (!schema)
            return refuse(response, 404, 'Not found', 'The requested resource could not be found.');
        const strange = Object.keys(input ?? {}).filter((key) => !schema.includes(key));
        if (typeof input?.prompt !== 'string' || strange.length > 0)
            return refuse(response, 422, 'Input validation failed', `- input: Additional property ${strange} is not allowed\n`);
        if (input.aspect_ratio !== undefined && !ratios.includes(input.aspect_ratio))
            return refuse(response, 422, 'Input validation failed', '- input.aspect_ratio: must be one of the following\n');
        if (webhook !== undefined && !webhook.startsWith('https://'))
            return refuse(response, 422, 'Input validation failed', '- webhook: must be an HTTPS address\n');
        const first = times(input.prompt) === 0;
        fake.asked.push({ model, version, input, webhook, webhook_events_filter, rest });
        if (input.prompt.includes('odd'))
            return refuse(response, 422, 'Input validation failed', '- input.seed: expected integer');
        if (input.prompt.includes('busy') && first)
            return refuse(response, 429, 'Too many requests', 'Request was throttled.', { 'retry-after': '2' });
        const id = `pre${(++number).toString(36)}d3fxnrma0ct`;
        const prediction = {
            id, model, version: version ?? 'hidden', input, logs: '', output: null, data_removed: false, error: null,
            source: 'api', status: 'starting', created_at: new Date().toISOString(), webhook, webhook_events_filter, metrics: {},
            urls: { get: `${fake.url}/v1/predictions/${id}`, cancel: `${fake.url}/v1/predictions/${id}/cancel` },
            prompt: input.prompt, first,
        };
        fake.predictions.set(id, prediction);
        work(prediction);
        answer(response, 201, shown(prediction));
    }

    function get(response, prediction) {
        fake.polls++;
        if (prediction.prompt.includes('blind') && times(`${prediction.id} polled`) === 0)
            return answer(response, 500, {});
        if (prediction.status === 'starting')
            prediction.status = 'processing';
        answer(response, 200, shown(prediction));
    }

    function cancel(response, prediction) {
        clearTimeout(prediction.timer);
        fake.canceled.push(prediction.id);
        if (!DONE.includes(prediction.status))
            prediction.status = 'canceled';
        answer(response, 200, shown(prediction));
    }

    // Breaks off after a quarter each time; knows ranges of the same file.
    function torn(request, response, path, bytes) {
        const etag = `"${path}"`;
        const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
        const from = request.headers['if-range'] === etag ? Number(asked ?? 0) : 0;
        fake.ranges.push({ path, from });
        response.writeHead(from ? 206 : 200, {
            'content-type': 'image/png', etag, 'content-length': bytes.length - from,
            ...(from && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
        });
        const part = bytes.subarray(from, from + Math.ceil(bytes.length / 4));
        if (from + part.length === bytes.length)
            return response.end(part);
        response.write(part, () => setTimeout(() => response.destroy(), 5));
    }

    function file(request, response, path) {
        const bytes = path.endsWith('.mp4') ? fake.film : png;
        const isCut = path.includes('/cut/') && times(path) === 0;
        if (path.includes('/expired/'))
            return refuse(response, 404, 'Not found', 'The file has expired.');
        if (path.includes('/torn/'))
            return torn(request, response, path, bytes);
        response.writeHead(200, { 'content-type': path.endsWith('.mp4') ? 'video/mp4' : 'image/png', 'content-length': bytes.length });
        if (!isCut)
            return response.end(bytes);
        response.write(bytes.subarray(0, bytes.length >> 1), () => setTimeout(() => response.destroy(), 20));
    }

    async function handle(request, response) {
        let text = '';
        for await (const part of request)
            text += part;
        const { pathname } = new URL(request.url, 'http://x');
        if (pathname.startsWith('/files/'))
            return file(request, response, pathname);
        if (request.headers.authorization !== `Bearer ${KEY}`)
            return refuse(response, 401, 'Unauthenticated', 'You did not pass a valid authentication token');
        const wish = text === '' ? {} : JSON.parse(text);
        const model = /^\/v1\/models\/([^/]+\/[^/]+)\/predictions$/.exec(pathname)?.[1];
        const [, id, verb] = /^\/v1\/predictions\/(\w+)(\/cancel)?$/.exec(pathname) ?? [];
        if (request.method === 'POST' && model)
            return create(response, model, wish);
        if (request.method === 'POST' && pathname === '/v1/predictions')
            return create(response, versions[wish.version], wish, wish.version);
        if (request.method === 'GET' && pathname === '/v1/webhooks/default/secret')
            return answer(response, 200, { key: SECRET });
        if (!fake.predictions.has(id))
            return refuse(response, 404, 'Not found', 'The requested resource could not be found.');
        (verb ? cancel : get)(response, fake.predictions.get(id));
    }

    const server = http.createServer((request, response) => {
        response.on('error', () => {});
        handle(request, response).catch(() => response.destroy());
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${server.address().port}`;
    fake.stop = () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    };
    return fake;
}
