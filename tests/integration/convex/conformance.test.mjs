// SPDX-License-Identifier: Apache-2.0
// Every scenario of scenarios/, see harness.mjs.
import { readdirSync } from 'node:fs';

import { runScenarios } from './harness.mjs';

const folder = new URL('./scenarios/', import.meta.url);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort())
    await import(new URL(file, folder));
runScenarios();
