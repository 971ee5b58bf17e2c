/* SPDX-License-Identifier: Apache-2.0 */
/* Turns what a call threw into a sentence for the person who made it. */
import { ConvexError } from "convex/values";
import { words } from "../words";

export interface FaultData {
  code?: string;
  message?: string;
  retryAfter?: number;
  retryAfterMs?: number;
  limit?: number;
}

export function dataOf(fault: unknown): FaultData {
  if (!(fault instanceof ConvexError)) return {};
  const data: unknown = fault.data;
  if (typeof data === "string") return { message: data };
  return (data ?? {}) as FaultData;
}

/* Plain errors carry a technical head: "[CONVEX M(x:y)] Server Error\nArgumentValidationError: …". */
function plain(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const told = lines.find((line) => /Error: /.test(line) && !/^\[CONVEX/.test(line)) ?? lines.find((line) => /Error: ./.test(line));
  return told?.replace(/^.*?Error: /, "") ?? words.fault.server;
}

export function messageOf(fault: unknown): string {
  const data = dataOf(fault);
  if (data.code === "RATE_LIMIT" && (data.retryAfter ?? data.retryAfterMs)) {
    return words.fault.rate(data.retryAfter ?? (data.retryAfterMs ?? 0) / 1000);
  }
  if (data.message) return data.message;
  if (fault instanceof Error) return plain(fault.message);
  return words.fault.server;
}
