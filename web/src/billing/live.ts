/* SPDX-License-Identifier: Apache-2.0 */
/* What the billing page watches, by short names. */
import { useQuery } from "convex/react";
import type { FunctionReference, FunctionReturnType, PaginationOptions, PaginationResult } from "convex/server";
import { api } from "../convex/_generated/api";

export type Wallet = FunctionReturnType<typeof api.billing.getMyWallet>;
export type Plan = FunctionReturnType<typeof api.plans.listPlans>[number];
export type Package = FunctionReturnType<typeof api.creditPackages.getActivePackages>[number];
export type Subscription = NonNullable<FunctionReturnType<typeof api.subscriptions.getSubscription>>;
export type Invoice = FunctionReturnType<typeof api.subscriptions.getInvoices>[number];
export type Quota = NonNullable<FunctionReturnType<typeof api.quotas.getQuotaStatus>>;
export type Day = FunctionReturnType<typeof api.usage.getMyUsage>[number];
export type Row = Extract<FunctionReturnType<typeof api.credits.getCreditHistory>, unknown[]>[number];
export type RowType = Row["type"];

/* The same function, with the names which the client gives to pages. */
type Pages = FunctionReference<"query", "public", { paginationOpts: PaginationOptions; type?: RowType }, PaginationResult<Row>>;
export const historyByPage = api.credits.getCreditHistory as unknown as Pages;

export interface Books {
  wallet: Wallet;
  plans: Plan[];
  packages: Package[];
  subscription: Subscription | null;
  invoices: Invoice[];
  days: Day[];
  quota: Quota | null;
}

/* All of it or nothing, so that the page is drawn once and nothing moves after. */
export function useBooks(): Books | undefined {
  const wallet = useQuery(api.billing.getMyWallet, {});
  const plans = useQuery(api.subscriptionPlans.getActivePlans, {});
  const packages = useQuery(api.creditPackages.getActivePackages, {});
  const subscription = useQuery(api.subscriptions.getSubscription, {});
  const invoices = useQuery(api.subscriptions.getInvoices, {});
  const days = useQuery(api.usage.getMyUsage, { days: 30 });
  const quota = useQuery(api.quotas.getQuotaStatus, {});
  if (quota === undefined) return undefined;
  if (!wallet || !plans || !packages || subscription === undefined || !invoices || !days) return undefined;
  return { wallet, plans, packages, subscription, invoices, days, quota };
}
