// SPDX-License-Identifier: Apache-2.0
// One pretend server for services that answer at once, and ComfyUI: OpenAI's images (generations,
// edits, variations) and moderations, OpenRouter's chat completions, Automatic1111, ComfyUI. Each refuses what the
// real one would: an unknown key, fields it does not know, a form that cannot be read. Faults by the
// words of the prompt:
//   "refuse" content rules   "busy" 429 the first time   "talk" words, no picture   "fail" it breaks
//   "endless" ComfyUI never finishes it
import http from 'node:http';

import { makePng } from '../fake-images.mjs';

export const KEY = 'sk-direct-7d1f';

const known = (wish, ...names) => Object.keys(wish).filter((name) => !names.includes(name));
const sizeOf = (text = '256x256') => text.split('x').map(Number);

export async function startFakeDirect() {
    const fake = { asked: [], interrupted: [], uploads: new Map(), jobs: new Map() };
    const seen = new Set();
    let made = 0;
    const png = (width, height) => makePng(width, height, made++);

    const answer = (response, status, value) => {
        response.writeHead(status, { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '1' }) });
        response.end(JSON.stringify(value));
    };
    const first = (prompt) => !seen.has(prompt) && seen.add(prompt);

    function openai(response, what, wish, picture) {
        const fail = (status, code, message) => answer(response, status, { error: { code, type: 'invalid_request_error', message, param: null } });
        const odd = known(wish, 'model', 'prompt', 'n', 'size', 'quality', 'response_format', 'image', 'user', 'seed');
        if (odd.length)
            return fail(400, 'unknown_parameter', `Unknown parameter: '${odd[0]}'.`);
        if (wish.model.startsWith('gpt-image') && wish.response_format)
            return fail(400, 'unknown_parameter', "Unknown parameter: 'response_format'.");
        if (what !== 'generations' && !(picture?.length > 50))
            return fail(400, 'missing_required_parameter', "Missing required parameter: 'image'.");
        if (what !== 'variations' && !wish.prompt)
            return fail(400, 'missing_required_parameter', "Missing required parameter: 'prompt'.");
        if (wish.prompt?.includes('refuse'))
            return fail(400, 'moderation_blocked', 'Your request was rejected by the safety system.');
        if (wish.prompt?.includes('busy') && first(wish.prompt))
            return fail(429, 'rate_limit_exceeded', 'Rate limit reached.');
        const data = Array.from({ length: Number(wish.n ?? 1) }, () => ({ b64_json: png(...sizeOf(wish.size)).toString('base64') }));
        answer(response, 200, { created: 1, data });
    }

    function openrouter(response, wish) {
        const fail = (status, message, metadata) => answer(response, status, { error: { code: status, message, metadata } });
        const odd = known(wish, 'model', 'messages', 'modalities', 'image_config', 'seed', 'usage', 'stream');
        const { content } = wish.messages[0];
        const prompt = typeof content === 'string' ? content : content.find(({ type }) => type === 'text').text;
        const images = !wish.model.startsWith('google/');
        if (odd.length)
            return fail(400, `Unrecognized key: ${odd[0]}`);
        if (images && wish.modalities.includes('text'))
            return fail(404, 'No endpoints found that support the requested output modalities: image, text');
        if (prompt.includes('refuse'))
            return fail(403, 'Your chosen model requires moderation and your input was flagged', { reasons: ['violence'], flagged_input: prompt, provider_name: 'Pretend' });
        if (prompt.includes('busy') && first(prompt))
            return fail(429, 'Rate limited upstream');
        const url = `data:image/png;base64,${png(256, 256).toString('base64')}`;
        const message = { role: 'assistant', content: 'Here you are.', ...(!prompt.includes('talk') && { images: [{ type: 'image_url', image_url: { url } }] }) };
        answer(response, 200, {
            id: 'gen-1', object: 'chat.completion', created: 1, model: wish.model,
            choices: [{ index: 0, finish_reason: 'stop', message }],
            usage: { prompt_tokens: 5, completion_tokens: 1290, total_tokens: 1295, ...(wish.usage?.include && { cost: 0.0387 }) },
        });
    }

    function automatic1111(response, what, wish) {
        if (what === 'img2img' && !wish.init_images?.[0]?.startsWith('data:image/png;base64,'))
            return answer(response, 404, { detail: 'Init image not found' });
        if (wish.prompt.includes('fail'))
            return answer(response, 500, { error: 'OutOfMemoryError', detail: '', body: '', errors: 'CUDA out of memory.' });
        const pictures = Array.from({ length: wish.batch_size }, () => png(wish.width, wish.height).toString('base64'));
        const sheet = pictures.length > 1 ? [png(64, 64).toString('base64')] : [];
        answer(response, 200, { images: [...sheet, ...pictures], parameters: wish, info: JSON.stringify({ seed: wish.seed, index_of_first_image: sheet.length }) });
    }

    function comfyui(request, response, pathname, wish, picture, name) {
        if (request.method === 'POST' && pathname === '/prompt') {
            const nodes = Object.values(wish.prompt);
            const of = (type) => nodes.find(({ class_type }) => class_type === type)?.inputs;
            const links = nodes.flatMap(({ inputs }) => Object.values(inputs)).filter(Array.isArray);
            if (links.some(([name]) => !wish.prompt[name]) || of('CheckpointLoaderSimple').ckpt_name !== 'here.safetensors')
                return answer(response, 400, { error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', details: '', extra_info: {} }, node_errors: {} });
            const id = `c0ffee-${fake.jobs.size}`;
            const prompt = wish.prompt[of('KSampler').positive[0]].inputs.text;
            const start = of('LoadImage')?.image;
            if (start !== undefined && !fake.uploads.has(start))
                return answer(response, 400, { error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', details: `Invalid image file: ${start}`, extra_info: {} }, node_errors: {} });
            fake.jobs.set(id, { prompt, batch_size: of('EmptyLatentImage')?.batch_size ?? of('RepeatLatentBatch').amount, sampler: of('KSampler'), start, looks: 0 });
            return answer(response, 200, { prompt_id: id, number: fake.jobs.size, node_errors: {} });
        }
        if (request.method === 'POST' && pathname === '/upload/image') {
            if (!picture?.length || wish.type !== 'input')
                return answer(response, 400, {});
            if (fake.refuseUploads)
                return answer(response, 413, {});
            fake.uploads.set(name, picture);
            return answer(response, 200, { name, subfolder: '', type: 'input' });
        }
        if (pathname === '/interrupt') {
            fake.interrupted.push(wish.prompt_id);
            return answer(response, 200, {});
        }
        if (pathname.startsWith('/history/')) {
            const id = pathname.slice('/history/'.length);
            const job = fake.jobs.get(id);
            if (!job || job.prompt.includes('endless') || job.looks++ === 0)
                return answer(response, 200, {});
            if (job.prompt.includes('fail'))
                return answer(response, 200, { [id]: { prompt: [], outputs: {}, status: { status_str: 'error', completed: false, messages: [['execution_error', { exception_message: 'out of memory' }]] } } });
            const images = Array.from({ length: job.batch_size }, (_, i) => ({ filename: `atelier 0000${i}_.png`, subfolder: '', type: 'output' }));
            return answer(response, 200, { [id]: { prompt: [], outputs: { save: { images } }, status: { status_str: 'success', completed: true, messages: [] } } });
        }
        response.writeHead(404).end();
    }

    // As omni-moderation answers; "harm" is flagged. fake.judge: 503, or "silent".
    function moderations(response, wish) {
        const texts = [wish.input].flat();
        if (known(wish, 'input', 'model').length || !texts.every((text) => typeof text === 'string' && text))
            return answer(response, 400, { error: { code: null, type: 'invalid_request_error', param: 'input', message: "Invalid 'input'." } });
        if (fake.judge === 'silent')
            return undefined;
        if (fake.judge)
            return answer(response, fake.judge, { error: { message: 'The server is overloaded.', type: 'server_error', param: null, code: null } });
        const results = texts.map((text) => {
            const flagged = text.includes('harm');
            return {
                flagged, categories: { harassment: false, violence: flagged, 'self-harm': false },
                category_scores: { harassment: 0.001, violence: flagged ? 0.93 : 0.002, 'self-harm': 0.001 },
                category_applied_input_types: { harassment: ['text'], violence: ['text'], 'self-harm': ['text'] },
            };
        });
        return answer(response, 200, { id: 'modr-1', model: wish.model ?? 'omni-moderation-latest', results });
    }

    async function handle(request, response) {
        const { pathname, searchParams } = new URL(request.url, 'http://fake');
        const parts = [];
        for await (const part of request)
            parts.push(part);
        const type = request.headers['content-type'] ?? '';
        let wish = {};
        let picture;
        let name;
        if (type.startsWith('multipart/form-data')) {
            // Node's own reader of forms, not ours.
            const form = await new Response(Buffer.concat(parts), { headers: { 'content-type': type } }).formData();
            picture = Buffer.from(await form.get('image').arrayBuffer());
            name = form.get('image').name;
            wish = Object.fromEntries([...form].filter(([name]) => name !== 'image'));
        } else if (parts.length) {
            wish = JSON.parse(Buffer.concat(parts));
        }
        fake.asked.push({ pathname, wish, picture });
        const { authorization } = request.headers;
        if (pathname.startsWith('/v1/') && authorization !== `Bearer ${KEY}`)
            return answer(response, 401, { error: { code: 'invalid_api_key', message: 'Incorrect API key provided.' } });
        if (pathname.startsWith('/v1/images/'))
            return openai(response, pathname.split('/')[3], wish, picture);
        if (pathname === '/v1/moderations')
            return moderations(response, wish);
        if (pathname === '/v1/chat/completions')
            return openrouter(response, wish);
        if (pathname.startsWith('/sdapi/'))
            return authorization === `Basic ${Buffer.from('user:pass').toString('base64')}`
                ? automatic1111(response, pathname.split('/')[3], wish)
                : answer(response, 401, { detail: 'Not authenticated' });
        if (pathname === '/view' && searchParams.get('filename')?.startsWith('atelier 0') && searchParams.get('type') === 'output') {
            response.writeHead(200, { 'content-type': 'image/png' });
            return response.end(png(256, 256));
        }
        return comfyui(request, response, pathname, wish, picture, name);
    }

    const server = http.createServer((request, response) => {
        response.on('error', () => {});
        handle(request, response).catch((error) => answer(response, 400, { error: { code: 'unreadable', message: String(error) } }));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${server.address().port}`;
    fake.stop = () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    };
    return fake;
}
