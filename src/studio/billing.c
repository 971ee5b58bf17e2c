/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/subscriptions.h"

#include "base/planted.h"
#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/users.h"

/* ---- order ---- */

/* Of events of the same second: what ends beats what runs, what changes beats what begins. */
static int64_t rank_of(const struct payment_event *event)
{
    bool is_ended = str_equal(event->subscription.status, STR("canceled")) ||
                    str_equal(event->subscription.status, STR("incomplete_expired"));
    return (is_ended ? 2 : 0) + (event->is_first ? 0 : 1);
}

static bool is_newer(const struct subscription_row *row, const struct payment_event *event)
{
    int64_t rank = rank_of(event);
    instant end = event->subscription.period_end;
    if (row->state_at.us != event->created.us)
        return instant_is_before(row->state_at, event->created);
    if (row->state_rank != rank)
        return row->state_rank < rank;
    if (row->current_period_end.value.us != end.us)
        return row->current_period_end.value.us < end.us;
    return str_compare(row->state_event, event->id) < 0;
}

/* ---- whose it is ---- */

static struct maybe_instant maybe(instant at)
{
    return (struct maybe_instant){at, at.us != 0};
}

static instant later(instant a, instant b)
{
    return instant_is_before(a, b) ? b : a;
}

/* Longer texts than any of Stripe's are cut; absent when empty. */
static str kept(str text)
{
    return text.len == 0 ? (str){0} : utf8_cut(text, 255);
}

static bool is_polar(str processor)
{
    return str_equal(processor, str_of(polar_service.name));
}

/* Where an account keeps what this processor knows it by. */
static str *customer_of(struct billing_account *account, str processor)
{
    return is_polar(processor) ? &account->polar_customer_id : &account->customer_id;
}

static doc_id user_of(struct call *call, str processor, str ours, str customer)
{
    const char *index = is_polar(processor) ? "by_polar_customer" : "by_customer";
    struct user user;
    struct billing_account account;
    doc_id id;
    if (ours.len != 0 && doc_id_read(&user_type, ours, &id) &&
        row_find(call, &user_type, id, &user))
        return id;
    if (customer.len == 0)
        return (doc_id){0};
    row_find(call, &billing_account_type,
             row_first(call, index_of(&billing_account_type, index), KEY(key_text(kept(customer)))),
             &account);
    return account.user_id;
}

/* ---- what follows ---- */

static enum subscription_status status_of(const struct subscription_row *row)
{
    bool runs =
        row->told_status == SUBSCRIPTION_ACTIVE || row->told_status == SUBSCRIPTION_TRIALING;
    instant told_or_paid = later(row->state_at, row->paid_at);
    if (runs && instant_is_before(told_or_paid, row->failed_at))
        return SUBSCRIPTION_PAST_DUE;
    bool is_late = row->told_status == SUBSCRIPTION_PAST_DUE;
    if (is_late && instant_is_before(later(row->state_at, row->failed_at), row->paid_at))
        return SUBSCRIPTION_ACTIVE;
    return row->told_status;
}

static void set_plan(struct call *call, doc_id id)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plan = config->plans.items;
    struct subscription_row current;
    struct user user;
    if (subscription_current(call, id, &current) && subscription_is_entitled(&current) &&
        config_plan(config, current.plan_key) != NULL)
        plan = config_plan(config, current.plan_key);
    if (!row_find(call, &user_type, id, &user) || str_equal(user.plan_key, plan->key))
        return;
    user.plan_key = plan->key;
    user.updated_at = call->now;
    row_put(call, &user_type, &user);
}

/* What of the payment's credits goes back with the money. */
static credits share_of(const struct payment *payment)
{
    int64_t returned = MIN_OF(payment->returned, payment->amount);
    returned = MIN_OF(returned + MIN_OF(payment->disputed, payment->amount), payment->amount);
    if (payment->amount <= 0 || payment->given.n <= 0 || returned <= 0)
        return (credits){0};
    return (credits){(int64_t)((__int128)payment->given.n * returned / payment->amount)};
}

static void take_back(struct call *call, struct payment *payment)
{
    credits target = share_of(payment), missing = {target.n - payment->taken_back.n};
    struct billing_account account = billing_account_of(call, payment->user_id);
    if (missing.n > 0) {
        str key = str_format(call->arena, "back:%.*s:%lld", STR_ARG(payment->external_id),
                             (long long)target.n);
        ledger_adjust(call, payment->user_id, (credits){-missing.n}, TRANSACTION_ADJUSTMENT, key,
                      STR("Payment returned: its credits taken back"));
        if (!PLANTED(sim_taken_back_again))
            payment->taken_back = target;
    }
    bool is_owed = ledger_balance(call, payment->user_id).debt.n > 0;
    if ((payment->is_disputed || (missing.n > 0 && is_owed)) && !account.needs_review) {
        account.needs_review = true;
        billing_account_put(call, &account);
    }
}

static str purchase_key(struct call *call, const struct payment *payment)
{
    if (PLANTED(sim_purchase_each_time))
        return str_format(call->arena, "purchase:%.*s:%lld", STR_ARG(payment->external_id),
                          (long long)call->now.us);
    return str_format(call->arena, "purchase:%.*s", STR_ARG(payment->external_id));
}

static void settle_payment(struct call *call, struct payment *payment)
{
    const struct package_config *package = config_package(catalogue_of(call), payment->package_id);
    struct invoice invoice;
    doc_id of =
        row_first(call, index_of(&invoice_type, "by_external"), KEY(key_text(payment->invoice_id)));
    if (payment->invoice_id.len != 0 && row_find(call, &invoice_type, of, &invoice) &&
        invoice.is_paid) {
        payment->user_id = invoice.user_id;
        payment->given = invoice.given;
        payment->amount = MAX_OF(payment->amount, invoice.amount);
    }
    if (doc_id_is_set(payment->user_id) && payment->is_paid && package != NULL &&
        (payment->given.n == 0 || PLANTED(sim_purchase_each_time))) {
        ledger_grant(call, payment->user_id, package->credits, TRANSACTION_PURCHASE,
                     purchase_key(call, payment),
                     str_format(call->arena, "Bought: %.*s", STR_ARG(package->name)), (instant){0});
        if (!PLANTED(sim_purchase_forgotten))
            payment->given = package->credits;
    }
    if (doc_id_is_set(payment->user_id))
        take_back(call, payment);
    row_put(call, &payment_type, payment);
}

static struct payment payment_of(struct call *call, str external)
{
    struct payment payment;
    external = kept(external);
    doc_id id = row_first(call, index_of(&payment_type, "by_external"), KEY(key_text(external)));
    if (row_find(call, &payment_type, id, &payment))
        return payment;
    payment = (struct payment){.external_id = external, .created_at = call->now};
    row_new(call, &payment_type, &payment);
    return payment;
}

static bool give_period(struct call *call, doc_id user, const struct plan_config *plan,
                        instant start)
{
    instant end = {0};
    if (plan->credits_last_days > 0)
        end = instant_add(start, DAYS(plan->credits_last_days));
    return ledger_grant(
        call, user, plan->credits_monthly, TRANSACTION_SUBSCRIPTION_GRANT,
        ledger_grant_period(call->arena, user, ledger_period(call->arena, start)),
        str_format(call->arena, "%.*s plan: credits of this period", STR_ARG(plan->name)), end);
}

bool subscription_grant_period(struct call *call, const struct subscription_row *row)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), row->plan_key);
    if (plan == NULL || plan->credits_monthly.n <= 0 || !row->current_period_start.is_set)
        return false;
    return give_period(call, row->user_id, plan, row->current_period_start.value);
}

/* The credits of a paid period, once however many invoices and crons say so. */
static void grant_period(struct call *call, struct invoice *invoice, doc_id user)
{
    const struct plan_config *plan = config_plan_of_price(catalogue_of(call), invoice->price_id);
    bool is_period = str_equal(invoice->reason, STR("subscription_create")) ||
                     str_equal(invoice->reason, STR("subscription_cycle"));
    invoice->user_id = user;
    if (!invoice->is_paid || invoice->is_granted || !is_period || plan == NULL ||
        plan->credits_monthly.n <= 0 || !invoice->period_start.is_set)
        return;
    instant start = PLANTED(sim_period_by_arrival) ? call->now : invoice->period_start.value;
    bool is_given = give_period(call, user, plan, start);
    invoice->is_granted = true;
    invoice->given = is_given ? plan->credits_monthly : (credits){0};
}

#define INVOICES_MAX 200

static void settle_invoices(struct call *call, const struct subscription_row *row)
{
    struct invoice *list = arena_array(call->arena, struct invoice, INVOICES_MAX);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&invoice_type, "by_subscription"),
              (struct bounds){.prefix = KEY(key_text(row->external_id))}, ORDER_DOWN, &scan);
    while (count < INVOICES_MAX && scan_next(&scan, &list[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        bool was_granted = list[i].is_granted, was_known = doc_id_is_set(list[i].user_id);
        grant_period(call, &list[i], row->user_id);
        if (was_granted == list[i].is_granted && was_known)
            continue;
        row_put(call, &invoice_type, &list[i]);
        struct payment payment = payment_of(
            call, list[i].payment_id.len != 0 ? list[i].payment_id : list[i].external_id);
        payment.invoice_id = list[i].external_id;
        if (!PLANTED(sim_early_refund_lost))
            settle_payment(call, &payment);
    }
    billing_settle_changes(call, row, list, count);
}

static void settle(struct call *call, struct subscription_row *row)
{
    const struct plan_config *plan = config_plan_of_price(catalogue_of(call), row->price_id);
    row->status = status_of(row);
    if (plan != NULL || row->price_id.len != 0) /* one without a price is told its plan */
        row->plan_key = plan == NULL ? (str){0} : plan->key;
    row->updated_at = call->now;
    row_put(call, &subscription_type, row);
    if (!doc_id_is_set(row->user_id) || call_failed(call))
        return;
    struct billing_account account = billing_account_of(call, row->user_id);
    bool is_trial = row->trial_start.is_set && !account.had_trial;
    str *customer = customer_of(&account, row->processor);
    bool has_customer = row->customer_id.len != 0 && customer->len == 0;
    account.had_trial |= is_trial;
    if (has_customer)
        *customer = row->customer_id;
    if (is_trial || has_customer)
        billing_account_put(call, &account);
    settle_invoices(call, row);
    set_plan(call, row->user_id);
}

void subscription_settle(struct call *call, struct subscription_row *row)
{
    settle(call, row);
}

/* ---- events ---- */

static void row_of(struct call *call, const char *processor, str external,
                   struct subscription_row *row)
{
    external = kept(external);
    doc_id id =
        row_first(call, index_of(&subscription_type, "by_external"), KEY(key_text(external)));
    if (row_find(call, &subscription_type, id, row))
        return;
    *row = (struct subscription_row){.processor = str_of(processor),
                                     .external_id = external,
                                     .status = SUBSCRIPTION_INCOMPLETE,
                                     .told_status = SUBSCRIPTION_INCOMPLETE,
                                     .created_at = call->now,
                                     .state_event = STR("")};
    row_new(call, &subscription_type, row);
}

static void link_user(struct call *call, struct subscription_row *row, str ours, str customer)
{
    if (customer.len != 0 && row->customer_id.len == 0)
        row->customer_id = kept(customer);
    if (!doc_id_is_set(row->user_id))
        row->user_id = user_of(call, row->processor, ours, customer);
}

static enum subscription_status read_status(str name)
{
    for (size_t i = 1; i < SUBSCRIPTION_STATUSES; i++)
        if (str_equal(name, str_of(subscription_status_names[i])))
            return (enum subscription_status)i;
    return SUBSCRIPTION_INCOMPLETE;
}

static void take_subscription(struct call *call, const struct payment_event *event)
{
    const struct payment_subscription *told = &event->subscription;
    struct subscription_row row;
    if (told->id.len == 0)
        return;
    row_of(call, event->processor, told->id, &row);
    link_user(call, &row, told->user, told->customer);
    if (is_newer(&row, event)) {
        row.told_status = read_status(told->status);
        row.price_id = kept(told->price);
        row.item_id = kept(told->item);
        row.current_period_start = maybe(told->period_start);
        row.current_period_end = maybe(told->period_end);
        row.cancel_at_period_end = told->cancels_at_end;
        row.cancel_at = maybe(told->cancel_at);
        row.canceled_at = maybe(told->canceled_at);
        row.ended_at = maybe(told->ended_at);
        row.trial_start = maybe(told->trial_start);
        row.trial_end = maybe(told->trial_end);
        if (!PLANTED(sim_state_undated))
            row.state_at = event->created;
        if (!PLANTED(sim_state_unranked))
            row.state_rank = rank_of(event);
        row.state_event = event->id;
    }
    settle(call, &row);
}

/* Paid stays paid; of two events that say the same, the later. */
static bool tells_more(const struct invoice *row, const struct payment_event *event, bool is_paid)
{
    if (row->is_paid != is_paid)
        return is_paid;
    if (row->told_at.us != event->created.us)
        return instant_is_before(row->told_at, event->created);
    return str_compare(row->told_by, event->id) < 0;
}

static void keep_invoice(struct call *call, const struct payment_event *event, bool is_paid)
{
    const struct payment_invoice *told = &event->invoice;
    struct invoice row;
    doc_id id =
        row_first(call, index_of(&invoice_type, "by_external"), KEY(key_text(kept(told->id))));
    bool is_known = row_find(call, &invoice_type, id, &row);
    if (!is_known) {
        row = (struct invoice){.external_id = kept(told->id), .created_at = event->created};
        row_new(call, &invoice_type, &row);
    }
    if (is_known && !tells_more(&row, event, is_paid) && !PLANTED(sim_invoice_last_told))
        return;
    row.subscription_id = kept(told->subscription);
    row.number = kept(told->number);
    row.price_id = kept(told->price);
    row.reason = kept(told->reason);
    row.currency = kept(told->currency);
    row.url = told->url.len == 0 ? (str){0} : utf8_cut(told->url, 2000);
    row.payment_id = kept(told->payment);
    row.amount = told->amount;
    row.is_paid = is_paid;
    row.period_start = maybe(told->period_start);
    row.period_end = maybe(told->period_end);
    row.told_at = event->created;
    row.told_by = event->id;
    row_put(call, &invoice_type, &row);
}

static void take_invoice(struct call *call, const struct payment_event *event)
{
    const struct payment_invoice *told = &event->invoice;
    bool is_paid = event->kind == PAYMENT_INVOICE_PAID;
    struct subscription_row row;
    if (told->id.len == 0 || told->subscription.len == 0)
        return;
    keep_invoice(call, event, is_paid);
    row_of(call, event->processor, told->subscription, &row);
    link_user(call, &row, told->user, told->customer);
    instant *at = is_paid ? &row.paid_at : &row.failed_at;
    *at = PLANTED(sim_paid_on_arrival) ? call->now : later(*at, event->created);
    settle(call, &row);
}

#define LINKED_MAX 100

/* The customer's subscriptions that nobody's name was on. */
static void adopt(struct call *call, str customer, doc_id user)
{
    struct subscription_row *list = arena_array(call->arena, struct subscription_row, LINKED_MAX);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&subscription_type, "by_customer"),
              (struct bounds){.prefix = KEY(key_text(customer))}, ORDER_UP, &scan);
    while (count < LINKED_MAX && scan_next(&scan, &list[count]))
        count += !doc_id_is_set(list[count].user_id);
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        list[i].user_id = user;
        settle(call, &list[i]);
    }
}

static void take_checkout(struct call *call, const struct payment_event *event)
{
    const struct payment_charge *told = &event->charge;
    str customer = kept(told->customer), processor = str_of(event->processor);
    doc_id user = user_of(call, processor, told->user, customer);
    if (doc_id_is_set(user) && customer.len != 0) {
        struct billing_account account = billing_account_of(call, user);
        str *known = customer_of(&account, processor);
        if (known->len == 0) {
            *known = customer;
            billing_account_put(call, &account);
        }
        adopt(call, customer, user);
    }
    if (!told->is_for_package || told->payment.len == 0 || call_failed(call))
        return;
    struct payment payment = payment_of(call, told->payment);
    payment.user_id = user;
    payment.package_id = kept(told->package);
    payment.amount = MAX_OF(payment.amount, told->amount);
    payment.is_paid = true;
    settle_payment(call, &payment);
}

static void take_return(struct call *call, const struct payment_event *event)
{
    const struct payment_charge *told = &event->charge;
    str name = told->payment.len != 0 ? told->payment : told->invoice;
    if (name.len == 0)
        return;
    struct payment payment = payment_of(call, name);
    if (told->invoice.len != 0)
        payment.invoice_id = kept(told->invoice);
    payment.amount = MAX_OF(payment.amount, told->amount);
    /* What is refunded is told as a sum, and a dispute is about what is not. */
    int64_t *part = event->kind == PAYMENT_DISPUTE ? &payment.disputed : &payment.returned;
    *part = MAX_OF(*part, told->returned + (PLANTED(sim_returns_summed) ? *part : 0));
    payment.is_disputed |= event->kind == PAYMENT_DISPUTE;
    settle_payment(call, &payment);
}

void billing_apply(struct call *call, const struct payment_event *event)
{
    if (call_failed(call))
        return;
    switch (event->kind) {
    case PAYMENT_SUBSCRIPTION:
        take_subscription(call, event);
        break;
    case PAYMENT_INVOICE_PAID:
    case PAYMENT_INVOICE_FAILED:
        take_invoice(call, event);
        break;
    case PAYMENT_CHECKOUT:
        take_checkout(call, event);
        break;
    case PAYMENT_REFUND:
    case PAYMENT_DISPUTE:
        take_return(call, event);
        break;
    default:
        break;
    }
}
