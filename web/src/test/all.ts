/* SPDX-License-Identifier: Apache-2.0 */
import "./draft.test";
import "./faults.test";
import "./format.test";
import "./justify.test";
import "./billing.test";
import "./chunks.test";
import "./zoom.test";
import "./choice.test";
