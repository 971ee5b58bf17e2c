// SPDX-License-Identifier: Apache-2.0
// A TCP proxy between client and server that breaks connections at chosen moments. It reads the
// WebSocket frames of both sides, so a moment is a message: "the first MutationResponse".
//
//   const cut = proxy.on('server', 'MutationResponse', 'cut');    // the client never sees it
//   await cut.hit;
//
// What may happen to the frame and its link:
//   pass      goes on (a rule that only watches)
//   drop      is swallowed
//   double    is sent twice
//   cut       is swallowed, and both sockets are cut
//   pass-cut  goes on, then both sockets are closed
//   half-cut  its first half goes on, then both sockets are cut
//   orphan    is swallowed; the client's socket is cut, the server's stays open, half-open for ever
//   pass-orphan  goes on first, then as orphan
//   mute      is swallowed, and from then on nothing passes in either direction, without a FIN
//   hold      waits, and all behind it in its direction, until rule.release()
//
// Frames that are not said in rules go through. delays: { client, server } in ms, by who speaks.
// Compression is not negotiated through the proxy (the offer is taken out), except with opaque; then
// no rule is asked, but budget says after how many bytes of a side everything is cut.
import net from 'node:net';

import { LinkCheck } from './check.mjs';

const HEAD_END = Buffer.from('\r\n\r\n');

// Collects bytes and gives them out by number, without copying what is large more than once.
class Bytes {
    constructor() {
        this.parts = [];
        this.length = 0;
    }

    push(part) {
        this.parts.push(part);
        this.length += part.length;
    }

    peek(count) {
        if (this.parts.length > 1 && this.parts[0].length < count)
            this.parts = [Buffer.concat(this.parts)];
        return this.parts[0];
    }

    take(count) {
        const whole = this.peek(count);
        this.length -= count;
        this.parts[0] = whole.subarray(count);
        if (this.parts[0].length === 0)
            this.parts.shift();
        return whole.subarray(0, count);
    }
}

// The length of a frame's head and payload, or null while the head is not whole.
function measure(bytes) {
    if (bytes.length < 2)
        return null;
    let head = bytes.peek(2);
    const short = head[1] & 127;
    const size = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (head[1] & 128 ? 4 : 0);
    if (bytes.length < size)
        return null;
    head = bytes.peek(size);
    const payload = short === 126 ? head.readUInt16BE(2) : short === 127 ? Number(head.readBigUInt64BE(2)) : short;
    return { size, payload };
}

function unmasked(frame, size) {
    const payload = Buffer.from(frame.subarray(size));
    if (frame[1] & 128) {
        const key = frame.subarray(size - 4, size);
        for (let i = 0; i < payload.length; i++)
            payload[i] ^= key[i & 3];
    }
    return payload;
}

// What a message is, for rules: JSON of a text, or { type: '#close' … } for the rest.
function meaning(opcode, payload) {
    switch (opcode) {
    case 1:
        return JSON.parse(payload.toString('utf8'));
    case 8:
        return {
            type: '#close',
            code: payload.length >= 2 ? payload.readUInt16BE(0) : null,
            reason: payload.subarray(2).toString('utf8'),
        };
    case 9:
        return { type: '#ping' };
    case 10:
        return { type: '#pong' };
    default:
        return { type: '#binary' };
    }
}

// One direction of a link: from.data → frames → rules → to.write.
class Pipe {
    constructor(link, from) {
        this.link = link;
        this.from = from;
        this.bytes = new Bytes();
        this.head = null; // its HTTP head, when it is whole
        this.fragments = [];
        this.queue = [];
        this.held = null;
        this.timer = null;
    }

    feed(part) {
        if (this.link.isMute)
            return;
        this.bytes.push(part);
        if (this.head === null && !this.readHead())
            return;
        if (!this.link.isFramed) {
            if (this.bytes.length > 0)
                this.link.pour(this.from, this.bytes.take(this.bytes.length));
            return;
        }
        for (;;) {
            const size = measure(this.bytes);
            if (size === null || this.bytes.length < size.size + size.payload)
                break;
            this.enqueue(this.bytes.take(size.size + size.payload), size.size);
        }
        this.pump();
    }

    readHead() {
        const end = this.bytes.peek(this.bytes.length).indexOf(HEAD_END);
        if (end < 0)
            return false;
        this.head = this.bytes.take(end + 4).toString('latin1');
        if (this.from === 'client') {
            this.link.isFramed = /^upgrade: *websocket/im.test(this.head) && !this.link.proxy.opaque;
            if (this.link.isFramed)
                this.head = this.head.replace(/^sec-websocket-extensions:.*\r\n/im, '');
        } else if (!/^HTTP\/1.1 101/.test(this.head)) {
            this.link.isFramed = false;
        }
        this.link.write(this.from, Buffer.from(this.head, 'latin1'));
        return true;
    }

    enqueue(raw, size) {
        const payload = unmasked(raw, size);
        const opcode = raw[0] & 15;
        const isControl = opcode >= 8;
        let message = null;
        if (isControl) {
            message = meaning(opcode, payload);
        } else {
            this.fragments.push({ opcode, payload });
            if (raw[0] & 128) {
                message = meaning(this.fragments[0].opcode, Buffer.concat(this.fragments.map((part) => part.payload)));
                this.fragments = [];
            }
        }
        this.queue.push({ raw, message, ready: Date.now() + this.link.proxy.delays[this.from] });
    }

    pump() {
        while (this.queue.length > 0 && this.held === null && this.timer === null) {
            const wait = this.queue[0].ready - Date.now();
            if (wait > 0) {
                this.timer = setTimeout(() => {
                    this.timer = null;
                    this.pump();
                }, wait);
                return;
            }
            this.link.arrive(this.from, this.queue.shift(), this);
        }
    }

    stop() {
        clearTimeout(this.timer);
        this.queue = [];
        this.held = 'for ever';
    }
}

const other = { client: 'server', server: 'client' };

// One connection of a client, and the one to the server that belongs to it.
export class Link {
    constructor(proxy, client) {
        this.proxy = proxy;
        this.number = proxy.links.length;
        this.isFramed = false;
        this.isMute = false;
        this.isOver = false; // nothing more is passed to the client
        this.check = new LinkCheck(proxy.sessions);
        this.sockets = { client, server: net.connect(proxy.target) };
        this.pipes = { client: new Pipe(this, 'client'), server: new Pipe(this, 'server') };
        this.closed = new Promise((resolve) => {
            client.on('close', resolve);
        });
        for (const side of ['client', 'server']) {
            const socket = this.sockets[side];
            socket.setNoDelay(true);
            socket.on('error', () => {});
            socket.on('data', (part) => this.pipes[side].feed(part));
            socket.on('close', () => this.ended(side));
        }
    }

    ended(side) {
        if (this.isMute)
            return;
        if (side === 'client')
            this.isOver = true;
        const target = this.sockets[other[side]];
        if (!(side === 'client' && this.isOrphan))
            target.end();
    }

    write(from, bytes) {
        if (this.isMute || (from === 'server' && this.isOver))
            return;
        const to = this.sockets[other[from]];
        if (!to.destroyed && to.writable)
            to.write(bytes);
    }

    // What is not looked at, up to the byte where it is to be cut.
    pour(from, bytes) {
        const left = this.proxy.budget[from];
        this.proxy.budget[from] -= bytes.length;
        this.write(from, bytes.subarray(0, Math.max(left, 0)));
        if (left < bytes.length) {
            this.proxy.budget[from] = Infinity;
            this.close();
            this.proxy.look();
        }
    }

    arrive(from, frame, pipe) {
        const { message } = frame;
        if (message !== null) {
            this.proxy.log.push({ link: this.number, from, message, at: Date.now() });
            if (from === 'server' && !this.isOver)
                this.check.came(message);
        }
        const rule = message === null || this.isOver ? undefined : this.proxy.ruleFor(from, message, this);
        const does = rule?.take(message, this) ?? 'pass';
        this.apply(does, from, frame, pipe, rule);
        this.proxy.look();
    }

    apply(does, from, { raw, message }, pipe, rule) {
        const passes = { 'pass': 1, 'pass-cut': 1, 'pass-orphan': 1, 'double': 2, 'half-cut': 0.5 }[does] ?? 0;
        if (passes === 0.5)
            this.write(from, raw.subarray(0, Math.ceil(raw.length / 2)));
        const pass = () => {
            if (from === 'client' && message !== null)
                this.check.said(message);
            this.write(from, raw);
        };
        for (let i = 1; i <= passes; i++)
            pass();
        if (does === 'hold') {
            pipe.held = rule;
            rule.onRelease.push(() => {
                pass();
                pipe.held = null;
                pipe.pump();
            });
        } else if (does === 'mute') {
            this.mute();
        } else if (does === 'cut') {
            this.cut();
        } else if (does === 'pass-cut' || does === 'half-cut') {
            this.close();
        } else if (does === 'orphan' || does === 'pass-orphan') {
            this.orphan();
        }
    }

    // A black hole: both sides stay open and hear nothing more.
    mute() {
        this.isMute = true;
        this.pipes.client.stop();
        this.pipes.server.stop();
    }

    // Both sides at once, whatever is under way.
    cut() {
        this.isOver = true;
        this.pipes.client.stop();
        this.sockets.client.destroy();
        this.sockets.server.destroy();
    }

    // Both sides, but what was written still arrives.
    close() {
        this.isOver = true;
        this.pipes.client.stop();
        this.sockets.client.end();
        this.sockets.server.end();
    }

    // The client loses its socket; the server is not told.
    orphan() {
        this.isOver = true;
        this.isOrphan = true;
        this.pipes.client.stop();
        this.sockets.client.end();
    }

    // Until resume(), nothing is read from the server: its socket fills up.
    stall() {
        this.sockets.server.pause();
    }

    resume() {
        this.sockets.server.resume();
    }

    // An unmasked text frame to the client, as if the server had said it.
    sayToClient(message) {
        const payload = Buffer.from(JSON.stringify(message));
        const head = payload.length < 126 ? Buffer.from([0x81, payload.length])
            : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
        this.write('server', Buffer.concat([head, payload]));
    }
}

class Rule {
    constructor(from, match, does, times) {
        Object.assign(this, { from, does, times, hits: [], onRelease: [] });
        this.match = typeof match === 'string' ? (message) => message.type === match : match;
        this.hit = new Promise((resolve) => {
            this.resolve = resolve;
        });
    }

    take(message, link) {
        this.times--;
        this.hits.push({ message, link });
        this.resolve({ message, link });
        return typeof this.does === 'function' ? this.does(message, link) : this.does;
    }

    release() {
        this.onRelease.splice(0).forEach((go) => go());
    }
}

export class Proxy {
    // target: the url of a server. It may be changed later: new links go to the new one.
    static async start(target) {
        const proxy = new Proxy();
        proxy.retarget(target);
        proxy.listener = net.createServer({ allowHalfOpen: false }, (socket) => proxy.accept(socket));
        await new Promise((resolve) => {
            proxy.listener.listen(0, '127.0.0.1', resolve);
        });
        proxy.url = `http://127.0.0.1:${proxy.listener.address().port}`;
        return proxy;
    }

    constructor() {
        this.links = [];
        this.rules = [];
        this.log = []; // { link, from, message, at }
        this.sessions = new Map(); // what the checks know of a session across its links
        this.delays = { client: 0, server: 0 };
        this.opaque = false; // frames are not looked at
        this.budget = { client: Infinity, server: Infinity }; // bytes until a cut, when opaque
        this.isRefusing = false; // new connections are cut at once
        this.isSilent = false; // new connections are taken, and nothing comes of them
        this.waiting = [];
    }

    retarget(url) {
        const { hostname, port } = new URL(url);
        this.target = { host: hostname, port: Number(port) };
    }

    accept(socket) {
        if (this.isRefusing) {
            socket.on('error', () => {});
            socket.destroy();
            return;
        }
        this.links.push(new Link(this, socket));
        if (this.isSilent)
            this.last.mute();
        this.look();
    }

    // from: 'client' or 'server'. match: a message's type, or a function of message and link.
    on(from, match, does = 'pass', { times = 1 } = {}) {
        const rule = new Rule(from, match, does, times);
        this.rules.push(rule);
        return rule;
    }

    ruleFor(from, message, link) {
        return this.rules.find((rule) => rule.from === from && rule.times > 0 && rule.match(message, link));
    }

    // Messages that went through, oldest first.
    messages(from, type) {
        return this.log.filter((entry) => entry.from === from && (type === undefined || entry.message.type === type))
            .map(({ message }) => message);
    }

    get last() {
        return this.links[this.links.length - 1];
    }

    // Resolves at the next event after which ask() is true.
    when(ask) {
        if (ask())
            return Promise.resolve();
        return new Promise((resolve) => {
            this.waiting.push({ ask, resolve });
        });
    }

    look() {
        this.waiting = this.waiting.filter(({ ask, resolve }) => {
            const isSo = ask();
            if (isSo)
                resolve();
            return !isSo;
        });
    }

    // The first rule of the protocol that a message of the server broke.
    problem() {
        return this.links.map((link) => link.check.problem).find((problem) => problem !== null) ?? null;
    }

    // Rejects when a message breaks a rule: nothing is gained by waiting for what it leads to.
    async broken() {
        await this.when(() => this.problem() !== null);
        throw this.problem();
    }

    stop() {
        for (const link of this.links) {
            link.mute();
            link.sockets.client.destroy();
            link.sockets.server.destroy();
        }
        this.listener.close();
    }
}
