/* SPDX-License-Identifier: Apache-2.0 */
#include "holders.h"

#include "base/buffer.h"

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    const struct holders *holders = context;
    buffer_format(to,
                  "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                  "\"to_id\":%u}]",
                  holders->from, holders->to);
}

static void hello(void *context, size_t i, struct buffer *to)
{
    const struct holders *holders = context;
    AUTO(buffer_done) struct buffer text = buffer_with_max(MIB(8));
    buffer_str(&text, STR("{\"type\":\"ModifyQuerySet\",\"baseVersion\":0,\"newVersion\":1,"
                          "\"modifications\":["));
    for (size_t k = 0; k < holders->per_session; k++)
        buffer_format(&text,
                      "%s{\"type\":\"Add\",\"queryId\":%zu,\"udfPath\":\"accounts:get_account\","
                      "\"args\":[{\"id\":%zu}]}",
                      k == 0 ? "" : ",", k, (i * holders->per_session + k) % holders->queries);
    buffer_str(&text, STR("]}"));
    load_frame(to, buffer_text(&text), 0x9abcdef0);
}

bool holders_open(const struct bench *bench, const char *folder, int accounts, size_t sessions,
                  size_t queries, struct holders *holders, struct fault *fault)
{
    *holders = (struct holders){.server.syncs_fd = -1,
                                .queries = queries,
                                .per_session = MAX_OF(queries / sessions, (size_t)1)};
    if (!folder_make(bench, folder, holders->data, fault) ||
        !program_serve(bench, "atelier-fixture", holders->data, &holders->server, fault) ||
        !program_seed(&holders->server, accounts, 1000000, fault))
        return false;
    holders->crowd = crowd_open(holders->server.port, hello, holders);
    struct load_options options = {.kind = LOAD_SYNC,
                                   .port = holders->server.port,
                                   .peers = 1,
                                   .ask = ask_transfer,
                                   .context = holders};
    return crowd_grow(holders->crowd, sessions, fault) &&
           load_open(&options, &holders->load, fault);
}

/* The sessions are read while the server still writes to others, as the raw broadcast's are. */
bool holders_commit(struct holders *holders, unsigned from, unsigned to, size_t wanted, double *us,
                    struct fault *fault)
{
    uint64_t syncs = program_syncs(&holders->server);
    instant start = clock_monotonic();
    holders->from = from;
    holders->to = to;
    if (!load_begin(holders->load, fault))
        return false;
    if (wanted > 0 && !crowd_hear(holders->crowd, wanted, fault))
        return false;
    if (wanted == 0 && !load_end(holders->load, fault))
        return false;
    *us = (double)instant_since(clock_monotonic(), start).us;
    return load_end(holders->load, fault) &&
           (program_syncs(&holders->server) > syncs ||
            fault_set(fault, FAULT_SYSTEM, "a commit without a sync: not durable, so no figure"));
}

double holders_evaluations(const struct holders *holders)
{
    return program_metric(&holders->server, "atelier_live_evaluations_total");
}

void holders_close(struct holders *holders)
{
    load_close(holders->load);
    crowd_close(holders->crowd);
    program_stop(&holders->server);
    if (holders->data[0] != 0)
        folder_remove(holders->data);
    *holders = (struct holders){.server.syncs_fd = -1};
}
