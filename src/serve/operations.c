/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/operations.h"

#include "base/clock.h"
#include "serve/route.h"

#include <stdio.h>

FUNCTIONS_HANDLER(operations_health)
{
    answer_text(exchange, 200, STR("ok\n"));
}

FUNCTIONS_HANDLER(operations_ready)
{
    if (front->is_draining)
        answer_text(exchange, 503, STR("stopping\n"));
    else
        answer_text(exchange, 200, STR("ready\n"));
}

FUNCTIONS_HANDLER(operations_version)
{
    struct arena *arena = exchange_arena(exchange);
    if (str_equal(request->path, STR("/api/version")))
        answer_json(exchange, 200,
                    str_format(arena, "{\"version\":\"%s\"}", front->options.version));
    else
        answer_text(exchange, 200, str_of(front->options.version));
}

FUNCTIONS_HANDLER(operations_name)
{
    answer_text(exchange, 200, STR("atelier"));
}

FUNCTIONS_HANDLER(operations_debug_event)
{
    answer_json(exchange, 200, STR("null"));
}

static void add_metric(struct buffer *to, const char *name, const char *kind, const char *help,
                       double value)
{
    buffer_format(to, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, kind, name,
                  value);
}

/* One value of each budget, under one name. */
static void add_budgets(struct buffer *to, const struct budgets *budgets, const char *name,
                        const char *kind, const char *help,
                        double (*value_of)(const struct budget *budget))
{
    const struct budget *const all[] = {&budgets->live, &budgets->unsent, &budgets->calls,
                                        &budgets->connections};
    buffer_format(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buffer_format(to, "%s{budget=\"%s\"} %.17g\n", name, all[i]->name, value_of(all[i]));
}

static double used_of(const struct budget *budget)
{
    return (double)budget->used;
}

static double strangers_of(const struct budget *budget)
{
    return (double)budget->strangers;
}

static double max_of(const struct budget *budget)
{
    return (double)budget->max;
}

static double shed_of(const struct budget *budget)
{
    return (double)budget->shed;
}

static void add_memory(struct buffer *to, const struct front *front)
{
    const struct budgets *budgets = front->options.budgets;
    add_metric(to, "atelier_base_memory_limit_bytes", "gauge", "Memory that may be used.",
               (double)budgets->limit);
    add_metric(to, "atelier_serve_memory_short", "gauge",
               "1: strangers are refused for want of memory; 2: everybody is.",
               (double)front->shortage);
    add_metric(to, "atelier_serve_reads_refused_total", "counter",
               "Large reads refused to who had more than half of the readers' time.",
               (double)front->reads_refused);
    add_budgets(to, budgets, "atelier_base_budget_used_bytes", "gauge",
                "Memory taken of each budget.", used_of);
    add_budgets(to, budgets, "atelier_base_budget_strangers_bytes", "gauge",
                "Of that, by who is not signed in; at most half of the budget.", strangers_of);
    add_budgets(to, budgets, "atelier_base_budget_max_bytes", "gauge",
                "Memory that there is for each budget.", max_of);
    add_budgets(to, budgets, "atelier_base_shed_total", "counter",
                "What was refused or closed because a budget was used up.", shed_of);
}

FUNCTIONS_HANDLER(operations_metrics)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(64));
    struct http_counts http = http_counts(front->http);
    struct writer_counts writer = writer_counts(front->options.writer);
    struct live_counts live = live_counts(front->live);

    add_metric(&text, "atelier_net_connections", "gauge", "Connections open now.",
               (double)http_connections(front->http));
    add_metric(&text, "atelier_net_sockets", "gauge", "WebSockets open now.", (double)http.sockets);
    add_metric(&text, "atelier_net_requests_total", "counter", "HTTP requests taken.",
               (double)http.requests);
    add_metric(&text, "atelier_net_refused_total", "counter", "HTTP requests refused.",
               (double)http.refused);
    add_metric(&text, "atelier_call_mutations_total", "counter", "Mutations run.",
               (double)writer.mutations);
    add_metric(&text, "atelier_call_failed_total", "counter", "Mutations that failed.",
               (double)writer.failed);
    add_metric(&text, "atelier_call_replayed_total", "counter",
               "Mutations answered from an earlier run.", (double)writer.replayed);
    add_metric(&text, "atelier_store_batches_total", "counter", "Batches of the writer.",
               (double)writer.batches);
    add_metric(&text, "atelier_store_commits_total", "counter",
               "Batches that wrote something, durable.", (double)writer.commits);
    add_metric(&text, "atelier_live_queries", "gauge", "Live queries.", (double)live.queries);
    add_metric(&text, "atelier_live_subscriptions", "gauge", "Subscriptions to them.",
               (double)live.subscriptions);
    add_metric(&text, "atelier_live_evaluations_total", "counter", "Evaluations of live queries.",
               (double)live.evaluations);
    add_metric(&text, "atelier_live_abandoned_total", "counter",
               "Evaluations that were too large for the loop and went to a reader.",
               (double)live.abandoned);
    add_metric(&text, "atelier_call_large_queries_total", "counter",
               "Requests that went to a reader.", (double)front->large_queries);
    add_metric(&text, "atelier_call_readings_waiting", "gauge", "What waits for a reader.",
               (double)readers_waiting(front->options.readers));
    add_metric(&text, "atelier_serve_transitions_total", "counter", "Transitions sent.",
               (double)front->transitions);
    add_metric(&text, "atelier_base_resident_bytes", "gauge", "Memory in use.",
               (double)memory_resident());
    if (front->options.budgets != NULL)
        add_memory(&text, front);
    add_metric(&text, "atelier_base_cpu_seconds_total", "counter", "Processor time used.",
               (double)clock_cpu().us / 1e6);
    struct http_header headers[] = {
        {STR("Content-Type"), STR("text/plain; version=0.0.4; charset=utf-8")}};
    http_answer(exchange, 200, headers, 1, buffer_text(&text));
}
