// SPDX-License-Identifier: Apache-2.0
// `codegen` writes what a convex/react frontend needs to type-check in strict mode. Each program has
// a sample frontend here; its files are written anew, then compiled. What a frontend must not be
// able to write stands in it below "@ts-expect-error CODE: reason": the comment alone would accept
// any error, so the files are compiled once more without it and the errors compared by line and code.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { getFunctionName } from 'convex/server';
import ts from 'typescript';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = process.env.ATELIER_ROOT ?? path.join(here, '../..');
const programs = process.env.ATELIER_BIN ? path.dirname(process.env.ATELIER_BIN) : path.join(root, 'build');
const frontends = { product: 'atelier', fixture: 'atelier-fixture' };
const generated = (frontend) => path.join(here, frontend, 'convex/_generated');
const load = (frontend, name) => import(pathToFileURL(path.join(generated(frontend), name)).href);

before(() => {
    for (const [frontend, program] of Object.entries(frontends)) {
        rmSync(generated(frontend), { recursive: true, force: true });
        mkdirSync(path.dirname(generated(frontend)), { recursive: true });
        execFileSync(path.join(programs, program), ['codegen', '--out', generated(frontend)]);
    }
});

/* "file:line code" of each error when the files are read through `change`, with that client. */
function errorsOf(change, client = 'convex') {
    const settings = path.join(here, 'tsconfig.json');
    const { fileNames, options } = ts.parseJsonConfigFileContent(
        ts.readConfigFile(settings, ts.sys.readFile).config, ts.sys, here);
    options.paths = { 'convex/*': [path.join(here, 'node_modules', client, 'dist/esm-types/*')] };
    const host = ts.createCompilerHost(options);
    const read = host.getSourceFile;
    host.getSourceFile = (name, ...rest) => {
        const text = fileNames.includes(name) && change(readFileSync(name, 'utf8'), name);
        return text ? ts.createSourceFile(name, text, ...rest) : read(name, ...rest);
    };
    return ts.getPreEmitDiagnostics(ts.createProgram(fileNames, options, host)).map((error) => {
        if (!error.file)
            return `TS${error.code} ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`;
        const { line } = error.file.getLineAndCharacterOfPosition(error.start);
        return `${path.relative(here, error.file.fileName)}:${line + 1} TS${error.code}`;
    });
}

test('codegen writes all files that frontends import', () => {
    for (const frontend of Object.keys(frontends))
        assert.deepEqual(readdirSync(generated(frontend)).sort(),
            ['api.d.ts', 'api.js', 'dataModel.d.ts', 'server.d.ts', 'server.js']);
});

test('the sample frontends type-check in strict mode', () => {
    const tsc = path.join(here, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', here], { encoding: 'utf8' });
    assert.equal(stdout, '');
    assert.equal(status, 0);
});

for (const client of ['convex-oldest', 'convex-newest'])
    test(`they do so with ${client} as well`, () => {
        /* The oldest one's own files are not quite right to a newer compiler. */
        const errors = errorsOf((text) => text, client).filter((at) => !at.startsWith('node_modules/'));
        assert.deepEqual(errors, []);
    });

test('what a frontend must not write is refused, each for its own reason', () => {
    const expected = [];
    const found = errorsOf((text, name) => {
        text.split('\n').forEach((line, i) => {
            const code = /@ts-expect-error (TS\d+):/.exec(line)?.[1];
            if (code)
                expected.push(`${path.relative(here, name)}:${i + 2} ${code}`);
        });
        return text.replaceAll('@ts-expect-error', 'refused');
    });
    assert.ok(expected.length >= 20, `only ${expected.length} cases`);
    assert.deepEqual(found.sort(), expected.sort());
});

test('nothing of the product is of type any but what is anybody\'s own to fill', () => {
    // What a studio keeps beside a work, what another service said, and parts of the configuration.
    const free = /\b(metadata|priceData|changes|body)\??: any\b/g;
    const names = readFileSync(path.join(generated('product'), 'api.d.ts'), 'utf8').split('\n')
        .filter((line) => /\bany\b/.test(line.replace(/\/\*\*.*\*\//, '').replaceAll(free, '')));
    assert.deepEqual(names, []);
});

test('the scripts load, and references carry the names that the programs know', async () => {
    const { api, internal, components } = await load('fixture', 'api.js');
    assert.equal(getFunctionName(api.items.page), 'items:page');
    /* The client leaves ":default" out; the server knows both. */
    assert.equal(getFunctionName(api.fixtures.deep.folder.default), 'fixtures/deep/folder');
    assert.equal(getFunctionName(internal.users.see), 'users:see');
    assert.ok(components);
    const server = await load('product', 'server.js');
    assert.deepEqual(Object.keys(server).sort(), ['action', 'env', 'httpAction', 'internalAction',
        'internalMutation', 'internalQuery', 'mutation', 'query']);
    assert.equal(server.query(() => 1).isQuery, true);
});
