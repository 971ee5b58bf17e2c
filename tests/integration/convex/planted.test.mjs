// SPDX-License-Identifier: Apache-2.0
// The suite notices: each fault of planted.md turns the scenarios red that its row names, which are
// green without a fault; and the product holds none of them. Needs build-planted/, which tools/test
// makes:  meson setup build-planted -Dplanted_faults=true && ninja -C build-planted atelier-fixture atelier-media atelier-media-full
//
// Environment: ATELIER_PLANTED_BUILD (build-planted), PLANTED (a regular expression for faults),
// PLANTED_SUITE=1 (a fault meets the whole suite, to find out who notices it; the rows are printed).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { build } from '../helpers.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../../..');
const planted = process.env.ATELIER_PLANTED_BUILD ?? path.join(root, 'build-planted');
const wanted = new RegExp(process.env.PLANTED ?? '');
const isSearch = process.env.PLANTED_SUITE !== undefined;

// Children at once, most of which wait for what does not come.
const AT_ONCE = isSearch ? 1 : 8;
const CHILD_MS = isSearch ? 600_000 : 60_000;

// | name | what is wrong | the invariant | where | noticed by |
const rows = readFileSync(path.join(here, 'planted.md'), 'utf8').split('\n')
    .filter((line) => /^\| [a-z0-9_]+ \|/.test(line) && !line.startsWith('| name |'))
    .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
    .map(([name, wrong, invariant, where, by = '']) => ({
        name, wrong, invariant, where: where.split(', '), by: by === '' ? [] : by.split('; '),
    }));

// "group: name (version)"
function parts(scenario) {
    const found = /^(.*) \((\d+\.\d+)\)$/.exec(scenario);
    assert.ok(found, `${scenario}: the client version in brackets is missing`);
    return { title: found[1], version: found[2] };
}

const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// A run of the suite in a group of its own, so that its servers end with it when it has to be killed.
function child(env) {
    return new Promise((resolve) => {
        const suite = spawn(process.execPath, ['--test-reporter=tap', path.join(here, 'conformance.test.mjs')],
            { env, cwd: path.join(here, '..'), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
        let said = '';
        let isKilled = false;
        for (const stream of [suite.stdout, suite.stderr])
            stream.setEncoding('utf8').on('data', (text) => {
                said += text;
            });
        const timer = setTimeout(() => {
            isKilled = true;
            process.kill(-suite.pid, 'SIGKILL');
        }, CHILD_MS);
        suite.on('close', () => {
            clearTimeout(timer);
            resolve({ said, isKilled });
        });
    });
}

// Runs scenarios against the planted server; answers a map of "group: name (version)" to whether it
// was green, and what was said.
async function run(scenarios, fault = '') {
    const env = { ...process.env, ATELIER_BUILD: planted, ATELIER_PLANTED_FAULT: fault };
    delete env.NODE_TEST_CONTEXT; // a test runner of its own
    delete env.NODE_OPTIONS;
    if (scenarios !== null) {
        const all = scenarios.map(parts);
        env.SCENARIOS = `^(${[...new Set(all.map(({ title }) => literally(title)))].join('|')})$`;
        env.VERSIONS = `^(${[...new Set(all.map(({ version }) => literally(version)))].join('|')})$`;
        env.LANES = fault === '' ? '3' : '1';
    }
    let { said, isKilled } = await child(env);
    if (isKilled) // a machine that stood still says nothing of the server
        ({ said, isKilled } = await child(env));
    assert.equal(isKilled, false, `the suite did not end\n${said.slice(-3000)}`);
    const results = new Map([...said.matchAll(/^\s+(ok|not ok) \d+ - (.*: .* \(\d+\.\d+\))/gm)]
        .map(([, verdict, name]) => [name.replace(/\\(.)/g, '$1'), verdict === 'ok']));
    return { results, said };
}

function sources() {
    const files = readdirSync(path.join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
        .flatMap(({ name }) => readdirSync(path.join(root, 'src', name)).map((file) => `${name}/${file}`));
    return files.filter((file) => file.endsWith('.c'))
        .map((file) => ({ file, text: readFileSync(path.join(root, 'src', file), 'utf8') }));
}

describe('planted faults', { concurrency: AT_ONCE }, () => {
    it('the list and the sources name the same faults, in the same files', () => {
        const said = rows.flatMap(({ name, where }) => where.map((file) => `${name} in ${file}`));
        const there = sources().flatMap(({ file, text }) =>
            [...text.matchAll(/PLANTED\((?!sim_)(\w+)\)/g)].map(([, name]) => `${name} in ${file}`));
        assert.deepEqual(said.sort(), [...new Set(there)].sort());
        assert.ok(rows.length >= 25);
    });

    it('those for the simulation are listed with it, and all that are listed are there', () => {
        const lists = ['docs/simulation.md', 'docs/simulation-faults.tmp.md'].map((file) => path.join(root, file))
            .filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8')).join('\n');
        const said = [...lists.matchAll(/^\| `?(sim_\w+)`? \|/gm)].map(([, name]) => name);
        const there = sources().flatMap(({ text }) => [...text.matchAll(/PLANTED\((sim_\w+)\)/g)].map(([, name]) => name));
        assert.deepEqual([...new Set(said)].sort(), [...new Set(there)].sort());
        assert.ok(new Set(there).size >= 26);
    });

    it('the product holds no trace of them', () => {
        const holds = (program, text) => readFileSync(program).includes(text);
        for (const { name } of rows)
            assert.ok(holds(path.join(planted, 'atelier-fixture'), `planted:${name}\0`), `${name} is not in the planted build`);
        for (const program of ['atelier', 'atelier-fixture', 'atelier-media', 'atelier-media-full'])
            for (const text of ['planted:', 'planted_is', 'ATELIER_PLANTED'])
                assert.equal(holds(path.join(build, program), text), false, `${program} holds ${text}`);
    });

    it('without a fault the scenarios that notice them are green', async () => {
        assert.ok(existsSync(path.join(planted, 'atelier-fixture')), `${planted} is not built`);
        const named = [...new Set(rows.flatMap(({ by }) => by))];
        const { results, said } = await run(named);
        for (const scenario of named)
            assert.equal(results.get(scenario), true, `${scenario} is ${results.has(scenario) ? 'red' : 'not there'}\n${said.slice(-6000)}`);
    });

    for (const { name, wrong, by } of rows.filter((row) => wanted.test(row.name)))
        it(`${name}: ${wrong}`, async () => {
            assert.ok(isSearch || by.length > 0, 'no scenario is known to notice it');
            let results = new Map();
            let said = '';
            let red = [];
            // Some faults are races: what does not show at once shows when it is tried again.
            for (let tries = 0; tries < 4 && red.length === 0; tries++) {
                ({ results, said } = await run(isSearch ? null : by, name));
                red = [...results].filter(([, isGreen]) => !isGreen).map(([scenario]) => scenario);
            }
            if (isSearch)
                console.error(`${name}: ${red.length} of ${results.size}\n${red.map((each) => `    ${each}`).join('\n')}`);
            assert.doesNotMatch(said, /the server did not start/, said.slice(-6000));
            assert.ok(red.length > 0, `nobody noticed it\n${said.slice(-3000)}`);
        });
});
