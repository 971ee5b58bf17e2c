// SPDX-License-Identifier: Apache-2.0
// Is there one order of everything that explains what everybody read? The edges of the graph come
// from the values alone, so nothing that the server says about time is believed here.
import { Graph } from './graph.mjs';
import { nameOf } from './values.mjs';

class Order {
    constructor(history, values) {
        this.values = values;
        this.graph = new Graph();
        this.labels = []; // by node; a moment has none
        this.nodes = new Map(); // call or sight to its node
        this.reads = new Map(); // the same to what it read
        for (const call of history.calls)
            if ((call.kind === 'transact' || call.kind === 'read') && values.isVisible(call))
                this.add(call, nameOf(call), this.readsOf(call));
        for (const sight of history.sights)
            this.add(sight, `sight ${sight.session.slice(0, 4)} ${sight.seq}`, sight.lists.map((read) => (
                { key: read.key, length: values.lengthOf(read, `sight ${sight.session.slice(0, 4)} ${sight.seq}`) })));
    }

    readsOf(call) {
        if (call.outcome !== 'ok')
            return [];
        if (call.kind === 'transact')
            return this.values.readsOf(call);
        return call.lists.map((read) => ({ key: read.key, length: this.values.lengthOf(read, nameOf(call)) }));
    }

    add(what, label, reads) {
        const node = this.graph.node();
        this.labels[node] = label;
        this.nodes.set(what, node);
        this.reads.set(what, reads.filter(({ length }) => length >= 0));
    }

    addData() {
        for (const { calls } of this.values.lists.values())
            for (let i = 1; i < calls.length; i++)
                this.graph.edge(this.nodes.get(calls[i - 1]), this.nodes.get(calls[i]), 'ww');
        for (const [what, reads] of this.reads)
            for (const { key, length } of reads) {
                const calls = this.values.lists.get(key)?.calls ?? [];
                const node = this.nodes.get(what);
                if (length > 0)
                    this.graph.edge(this.nodes.get(calls[length - 1]), node, 'wr');
                if (length < calls.length)
                    this.graph.edge(node, this.nodes.get(calls[length]), 'rw');
            }
    }

    // A session's mutations run in the order of their numbers, its sights come in theirs, and a
    // sight behind an answer shows what was answered.
    addSessions(history) {
        const last = new Map();
        const chain = (name, what) => {
            if (last.has(name))
                this.graph.edge(this.nodes.get(last.get(name)), this.nodes.get(what), 'so');
            last.set(name, what);
        };
        const calls = history.calls.filter((call) => call.session !== null && this.nodes.has(call));
        for (const call of calls.sort((a, b) => a.number - b.number))
            chain(`call ${call.session}`, call);
        for (const sight of history.sights) {
            chain(`sight ${sight.session}`, sight);
            for (const call of sight.after)
                if (this.nodes.has(call))
                    this.graph.edge(this.nodes.get(call), this.nodes.get(sight), 'so');
        }
    }

    // Moments stand between what had ended and what began later, so that edges stay few.
    addTimes() {
        const events = [];
        for (const [what, node] of this.nodes) {
            if (what.sent !== undefined && !what.isPast)
                events.push({ at: what.sent, node, begins: true });
            if (what.answered !== null)
                events.push({ at: what.answered, node, begins: false });
        }
        events.sort((a, b) => a.at - b.at || b.begins - a.begins);
        let moment = -1;
        let ended = [];
        for (const { node, begins } of events) {
            if (!begins) {
                ended.push(node);
                continue;
            }
            if (ended.length > 0) {
                const next = this.graph.node();
                if (moment >= 0)
                    this.graph.edge(moment, next, 'rt');
                ended.forEach((before) => this.graph.edge(before, next, 'rt'));
                [moment, ended] = [next, []];
            }
            if (moment >= 0)
                this.graph.edge(moment, node, 'rt');
        }
    }

    describe({ edges }) {
        const parts = edges.map(({ from, kind }) => (this.labels[from] === undefined ? '' : `${this.labels[from]} -${kind}-> `));
        return `${parts.join('')}and back`;
    }
}

export function checkOrder(history, values, report) {
    const order = new Order(history, values);
    order.addData();
    order.addSessions(history);
    order.addTimes();
    for (const cycle of order.graph.cycles())
        report(cycle.name, order.describe(cycle));
    return { nodes: order.graph.count, edges: order.graph.from.length };
}
