// SPDX-License-Identifier: Apache-2.0
// Our JSON reader against the one in node, on seeded random texts and on the same texts damaged.
// Where ours is stricter, node's tree or the text must show the reason, and then ours must refuse.
import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

const build = process.env.ATELIER_BUILD ?? path.join(process.env.ATELIER_ROOT ?? '../..', 'build');
const program = path.join(build, 'tests/support/json-check');

type Chance = () => number;

// mulberry32: the same seed, the same numbers.
function chance(seed: number): Chance {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

const below = (random: Chance, n: number) => Math.floor(random() * n);
const pick = <T>(random: Chance, from: readonly T[]): T => from[below(random, from.length)] as T;

const letters = ['a', 'b', 'key', 'é', '漢', '😀', '\u2028', ' ', '"', '\\', '/', '\b', '\n', '\u0001', '\u007f'];
const keys = ['a', 'b', 'c', 'id', 'name', 'длинный ключ', '', '0', 'aa', 'toString', 'x y'];

function makeText(random: Chance): string {
    let text = '"';
    for (let n = below(random, 12); n > 0; n--) {
        const letter = pick(random, letters);
        if (random() < 0.2)
            for (let i = 0; i < letter.length; i++)
                text += '\\u' + letter.charCodeAt(i).toString(16).padStart(4, '0');
        else
            text += JSON.stringify(letter).slice(1, -1);
    }
    if (random() < 0.01) text += pick(random, ['\\ud800', '\\udfff', '\\u0000', '\\ude00\\ud83d']);
    return text + '"';
}

const bits = new DataView(new ArrayBuffer(8));

function makeNumber(random: Chance): string {
    switch (below(random, 6)) {
        case 0:
            return String(below(random, 2000) - 1000);
        case 1: // any double there is
            bits.setUint32(0, below(random, 2 ** 32));
            bits.setUint32(4, below(random, 2 ** 32));
            return Number.isFinite(bits.getFloat64(0)) ? String(bits.getFloat64(0)) : '-0';
        case 2: // about as large as an int64
            return (random() < 0.5 ? '-' : '') + String(1 + below(random, 9)) + digits(random, 15 + below(random, 8));
        case 3:
            return `${below(random, 100)}.${digits(random, 1 + below(random, 22))}`;
        case 4:
            return `${below(random, 10)}.${digits(random, 3)}${pick(random, ['e', 'E'])}${pick(random, ['', '+', '-'])}${below(random, 340)}`;
        default:
            return String((1.7e12 + below(random, 2 ** 31)) + below(random, 1024) / 1024);
    }
}

function digits(random: Chance, count: number): string {
    let text = '';
    for (let i = 0; i < count; i++) text += String(below(random, 10));
    return text;
}

const space = (random: Chance) => (random() < 0.9 ? '' : pick(random, [' ', '\n', '\t', '\r', '  ']));

function makeValue(random: Chance, depth: number): string {
    const kind = below(random, depth > 5 ? 4 : 7);
    if (kind === 0) return pick(random, ['null', 'true', 'false']);
    if (kind <= 2) return makeNumber(random);
    if (kind === 3) return makeText(random);
    const items: string[] = [];
    const taken = new Set<string>();
    for (let n = below(random, 6); n > 0; n--) {
        const value = space(random) + makeValue(random, depth + 1) + space(random);
        const key = pick(random, keys);
        if (kind === 4) items.push(value);
        else if (!taken.has(key) || random() < 0.005) items.push(`${space(random)}${JSON.stringify(key)}${space(random)}:${value}`);
        taken.add(key);
    }
    return kind === 4 ? `[${items.join(',')}]` : `{${items.join(',')}}`;
}

const scraps = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '+', 'null', 'tru', '\\u', '\\ud83d', ' ', '\0', '\x1f', '\xff', '\xc3', '\xed\xa0\x80', '[[[[[[[[[[', '1e999'];

function damage(random: Chance, text: Buffer): Buffer {
    let out = text;
    for (let n = 1 + below(random, 3); n > 0; n--) {
        const at = below(random, out.length + 1);
        const to = Math.min(out.length, at + below(random, 4));
        const scrap = random() < 0.4 ? Buffer.alloc(0) : Buffer.from(pick(random, scraps), 'latin1');
        const rest = random() < 0.1 ? out.subarray(below(random, out.length + 1)) : out.subarray(to);
        out = Buffer.concat([out.subarray(0, at), scrap, rest]);
    }
    return out;
}

// What node makes of the bytes, or undefined where it refuses them.
function nodeReads(bytes: Buffer): { value: unknown; text: string } | undefined {
    try {
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
        return { value: JSON.parse(text), text };
    } catch {
        return undefined;
    }
}

// Brackets and colons outside texts.
function outline(text: string): { depth: number; members: number } {
    let depth = 0, deepest = 0, members = 0;
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:]/gs)) {
        if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
        if (token === ']' || token === '}') depth--;
        if (token === ':') members++;
    }
    return { depth: deepest, members };
}

interface Facts { members: number; isIllFormed: boolean; isInfinite: boolean }

function look(value: unknown, facts: Facts): void {
    if (typeof value === 'number' && !Number.isFinite(value)) facts.isInfinite = true;
    if (typeof value === 'string') facts.isIllFormed ||= /\p{Surrogate}|\0/u.test(value);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
        if (!Array.isArray(value)) facts.members++;
        look(key, facts);
        look(item, facts);
    }
}

// Where we refuse what node takes: keys twice, half surrogates, U+0000, nesting, infinite numbers.
function isTakenByUs(value: unknown, text: string): boolean {
    const facts: Facts = { members: 0, isIllFormed: false, isInfinite: false };
    const { depth, members } = outline(text);
    look(value, facts);
    return depth <= 64 && members === facts.members && !facts.isIllFormed && !facts.isInfinite;
}

function canonicalNumber(n: number): string {
    if (Object.is(n, -0)) return '-0';
    if (Number.isInteger(n) && Math.abs(n) < 2 ** 63) return BigInt(n).toString();
    const shortest = n.toString().replace('e+', 'e');
    const size = Math.abs(n);
    if (size >= 1e-5 || size === 0) return size < 2 ** 63 ? shortest : exponential(n);
    return exponential(n);
}

const exponential = (n: number) => n.toExponential().replace('e+', 'e');

function canonical(value: unknown): string {
    if (typeof value === 'number') return canonicalNumber(value);
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}

async function weAnswer(texts: Buffer[]): Promise<string[]> {
    const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    child.stdin.end(texts.map((text) => text.toString('base64') + '\n').join(''));
    assert.equal(await ended, 0);
    const lines = Buffer.concat(chunks).toString().split('\n');
    assert.equal(lines.pop(), '');
    assert.equal(lines.length, texts.length);
    return lines;
}

// Whole numbers beyond 2^53 we keep and node rounds: then the rounded values must be one.
function isSame(ours: string, value: unknown): boolean {
    if (ours === canonical(value)) return true;
    return /\d{16}/.test(ours) && canonical(JSON.parse(ours)) === canonical(value);
}

function compare(texts: Buffer[], answers: string[]): { taken: number; stricter: number; refused: number } {
    const counts = { taken: 0, stricter: 0, refused: 0 };
    texts.forEach((bytes, i) => {
        const ours = answers[i] as string;
        const theirs = nodeReads(bytes);
        const about = `${JSON.stringify(bytes.toString('latin1'))} gave ${ours}`;
        if (theirs === undefined) {
            assert.ok(ours.startsWith('!'), `node refuses it: ${about}`);
            counts.refused++;
        } else if (!isTakenByUs(theirs.value, theirs.text)) {
            assert.ok(ours.startsWith('!'), `we should refuse it: ${about}`);
            counts.stricter++;
        } else {
            assert.ok(!ours.startsWith('!') && isSame(ours, theirs.value), `node takes it as ${canonical(theirs.value)}: ${about}`);
            counts.taken++;
        }
    });
    return counts;
}

test('the reader agrees with node on 120,000 texts, sound and damaged', async () => {
    const random = chance(20261120);
    const texts: Buffer[] = [];
    while (texts.length < 120_000) {
        const sound = Buffer.from(makeValue(random, 0));
        texts.push(sound, damage(random, sound));
    }
    const counts = compare(texts, await weAnswer(texts));
    // Else the texts would not show much.
    assert.ok(counts.taken > 50_000 && counts.refused > 20_000 && counts.stricter > 500, JSON.stringify(counts));
});

test('whole numbers that fit 64 bits are kept to the last digit', async () => {
    const random = chance(7);
    const wanted: string[] = ['9223372036854775807', '-9223372036854775808', '9007199254740993'];
    for (let i = 0; i < 5000; i++)
        wanted.push(BigInt.asIntN(64, (BigInt(below(random, 2 ** 32)) << 32n) | BigInt(below(random, 2 ** 32))).toString());
    assert.deepEqual(await weAnswer(wanted.map((text) => Buffer.from(text))), wanted);
});

test('every double is written by its shortest text', async () => {
    const random = chance(11);
    const doubles: number[] = [5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1e-5, 1e-6, 9.5e-6, 1e21, 0.1, 1 / 3];
    for (let i = 0; i < 50_000; i++) {
        bits.setUint32(0, below(random, 2 ** 32));
        bits.setUint32(4, below(random, 2 ** 32));
        // Half of them of everyday size.
        if (i % 2 === 0) bits.setUint16(0, (bits.getUint16(0) & 0x800f) | ((1023 + below(random, 60) - 20) << 4));
        if (Number.isFinite(bits.getFloat64(0))) doubles.push(bits.getFloat64(0));
    }
    const answers = await weAnswer(doubles.map((n) => Buffer.from(n.toExponential())));
    doubles.forEach((n, i) => assert.equal(answers[i], canonicalNumber(n)));
});
