// SPDX-License-Identifier: Apache-2.0
// A list in pages as an application shows it: usePaginatedQuery of the client's version, rendered
// without a page. What it returned at each rendering is kept.
//
//   const pages = await showPages(t, client, 'items:page', {}, 3);
//   await pages.shows(({ results }) => results.length === 3);
//   pages.now.loadMore(3);
import { createElement } from 'react';
import TestRenderer from 'react-test-renderer';

// The renderer says at each start that it will not be developed further.
const { error } = console;
console.error = (text, ...more) => /react-test-renderer is deprecated/.test(text) || error(text, ...more);

export function showPages(t, client, name, args, initialNumItems) {
    const { ConvexProvider, usePaginatedQuery } = t.convex.react;
    const pages = { seen: [], now: null };
    function Probe() {
        pages.now = usePaginatedQuery(name, args, { initialNumItems });
        pages.seen.push(pages.now);
        return null;
    }
    const tree = TestRenderer.create(createElement(ConvexProvider, { client }, createElement(Probe)));
    t.atEnd(() => tree.unmount());
    pages.stop = () => tree.unmount();
    pages.texts = () => (pages.now?.results ?? []).map(({ text }) => text);
    pages.shows = (test, what, ms) => t.until(() => pages.now !== null && test(pages.now),
        what ?? `the pages to show it, not ${pages.now?.status} ${pages.texts().join()}`, ms);
    return pages;
}
