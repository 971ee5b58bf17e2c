// SPDX-License-Identifier: Apache-2.0
// A graph of "came before", and the search for a cycle in it. Nodes are numbers 0, 1, 2 …; an edge
// says why the one came before the other:
//
//   ww  it appended to a list right before the other did
//   wr  the other read its value
//   rw  it did not read the value that the other appended next
//   so  the same session asked for it first
//   rt  it was answered before the other was asked for
//
// What happened one after another has an order, so a cycle says that no order explains the history.
// Its kind (G0, G1c, G-single, G2) is named as in the literature on isolation: docs/history.md.

export const KINDS = ['ww', 'wr', 'rw', 'so', 'rt'];

// Edges by the node that they start from: of node n those at first[n] … first[n + 1] - 1.
class Rows {
    constructor(count, from, to, kind, keep) {
        this.first = new Uint32Array(count + 1);
        for (let i = 0; i < from.length; i++)
            if (keep(i))
                this.first[from[i] + 1]++;
        for (let n = 0; n < count; n++)
            this.first[n + 1] += this.first[n];
        const at = this.first.slice();
        this.to = new Uint32Array(this.first[count]);
        this.kind = new Uint8Array(this.first[count]);
        for (let i = 0; i < from.length; i++) {
            if (!keep(i))
                continue;
            this.to[at[from[i]]] = to[i];
            this.kind[at[from[i]]++] = kind[i];
        }
    }
}

// Tarjan's algorithm with a stack of its own: histories are longer than the call stack is deep.
// Answers the groups of nodes that all reach one another, of two or more.
function groupsOf(count, rows) {
    const order = new Uint32Array(count); // 1, 2, 3 … as they are met; 0: not yet
    const low = new Uint32Array(count);
    const next = rows.first.slice(0, count);
    const isOpen = new Uint8Array(count);
    const open = [];
    const groups = [];
    let met = 0;
    for (let root = 0; root < count; root++) {
        if (order[root] !== 0)
            continue;
        const path = [root];
        while (path.length > 0) {
            const node = path[path.length - 1];
            if (order[node] === 0) {
                order[node] = low[node] = ++met;
                isOpen[node] = 1;
                open.push(node);
            }
            if (next[node] < rows.first[node + 1]) {
                const to = rows.to[next[node]++];
                if (order[to] === 0)
                    path.push(to);
                else if (isOpen[to])
                    low[node] = Math.min(low[node], order[to]);
                continue;
            }
            path.pop();
            if (path.length > 0)
                low[path[path.length - 1]] = Math.min(low[path[path.length - 1]], low[node]);
            if (low[node] !== order[node])
                continue;
            const group = [];
            let member;
            do {
                member = open.pop();
                isOpen[member] = 0;
                group.push(member);
            } while (member !== node);
            if (group.length > 1)
                groups.push(group);
        }
    }
    return groups;
}

// The shortest way from one node to another, as edges { from, to, kind }; null when there is none.
function wayBetween(rows, from, to) {
    const cameBy = new Map([[from, null]]);
    let ring = [from];
    while (ring.length > 0 && !cameBy.has(to)) {
        const nextRing = [];
        for (const node of ring)
            for (let i = rows.first[node]; i < rows.first[node + 1]; i++)
                if (!cameBy.has(rows.to[i])) {
                    cameBy.set(rows.to[i], { from: node, to: rows.to[i], kind: KINDS[rows.kind[i]] });
                    nextRing.push(rows.to[i]);
                }
        ring = nextRing;
    }
    if (!cameBy.has(to))
        return null;
    const way = [];
    for (let edge = cameBy.get(to); edge !== null; edge = cameBy.get(edge.from))
        way.unshift(edge);
    return way;
}

// Worst first. "closing" edges: a cycle of this kind has exactly one of them.
const ANOMALIES = [
    { name: 'G0', within: ['ww'] },
    { name: 'G1c', within: ['ww', 'wr'] },
    { name: 'G-single', within: ['ww', 'wr'], closing: 'rw' },
    { name: 'G2', within: ['ww', 'wr', 'rw'] },
];
const TRIES = 2000;

export class Graph {
    constructor() {
        this.count = 0;
        this.from = [];
        this.to = [];
        this.kind = [];
    }

    node() {
        return this.count++;
    }

    edge(from, to, kind) {
        if (from === to)
            return;
        this.from.push(from);
        this.to.push(to);
        this.kind.push(KINDS.indexOf(kind));
    }

    rows(kinds, members) {
        const wanted = KINDS.map((kind) => kinds.includes(kind));
        return new Rows(this.count, this.from, this.to, this.kind,
            (i) => wanted[this.kind[i]] && (members === undefined || (members.has(this.from[i]) && members.has(this.to[i]))));
    }

    // One cycle of each group of nodes that has any: { name, edges }. name ends in "-realtime" or
    // "-session" when only the order in which things were asked for closes it.
    cycles() {
        const groups = groupsOf(this.count, this.rows(KINDS));
        return groups.slice(0, 20).map((group) => this.worstOf(new Set(group)));
    }

    worstOf(members) {
        for (const [order, suffix] of [[[], ''], [['so'], '-session'], [['so', 'rt'], '-realtime']])
            for (const { name, within, closing } of ANOMALIES) {
                const edges = this.find(members, [...within, ...order], closing);
                if (edges !== null)
                    return { name: name + suffix, edges };
            }
        return { name: 'unnamed', edges: [] };
    }

    find(members, within, closing) {
        const rows = this.rows(within, members);
        if (closing === undefined) {
            const [group] = groupsOf(this.count, rows);
            if (group === undefined)
                return null;
            return this.shortest(rows, group);
        }
        const closers = this.rows([closing], members);
        let tries = TRIES;
        for (const from of members)
            for (let i = closers.first[from]; i < closers.first[from + 1] && tries-- > 0; i++) {
                const way = wayBetween(rows, closers.to[i], from);
                if (way !== null)
                    return [{ from, to: closers.to[i], kind: closing }, ...way];
            }
        return null;
    }

    // The shortest cycle through one of the group's first nodes.
    shortest(rows, group) {
        let best = null;
        for (const node of group.slice(0, 50))
            for (let i = rows.first[node]; i < rows.first[node + 1]; i++) {
                const way = wayBetween(rows, rows.to[i], node);
                if (way !== null && (best === null || way.length + 1 < best.length))
                    best = [{ from: node, to: rows.to[i], kind: KINDS[rows.kind[i]] }, ...way];
            }
        return best;
    }
}
