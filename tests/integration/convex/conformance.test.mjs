// SPDX-License-Identifier: Apache-2.0
// Every scenario of scenarios/, see harness.mjs.
import { runScenarios } from './harness.mjs';
import './scenarios/exactly_once.mjs';

runScenarios();
