/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include "base/clock.h"
#include "base/encode.h"
#include "call/writer.h"
#include "cli/settings.h"
#include "net/outside.h"
#include "serve/data.h"
#include "studio/studio.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>

/* ---- by HTTP ---- */

static bool read_answer(struct arena *arena, struct outside_result *answer, str *value,
                        struct fault *fault)
{
    struct json body;
    str text = str_copy(arena, shared_text(answer->body));
    if (answer->error != OUTSIDE_OK)
        return fault_set(fault, FAULT_TRANSIENT, "the running server does not answer: %s",
                         answer->text);
    if (!json_read(arena, text, 0, &body, fault))
        return false;
    if (!str_equal(json_text(json_get(&body, "status")), STR("success"))) {
        str data = json_text(json_get(json_get(&body, "errorData"), "message"));
        str message = json_text(json_get(&body, "errorMessage"));
        str plain = json_text(json_get(&body, "message"));
        str why = data.len != 0 ? data : message.len != 0 ? message : plain;
        return fault_set(fault, FAULT_INPUT, "%.*s", STR_ARG(why));
    }
    AUTO(buffer_done) struct buffer canonical = buffer_with_max(CALL_RESULT_MAX);
    json_write_canonical(&canonical, json_get(&body, "value"));
    *value = str_copy(arena, buffer_text(&canonical));
    return true;
}

static bool ask(struct arena *arena, const struct outside_request *request, struct queue *answers,
                str *value, struct fault *fault)
{
    /* Whoever holds the folder's lock listens there, and its certificate names the public address.
     */
    struct outside *outside = outside_new(&(struct outside_options){.trusts_anyone = true}, fault);
    void *item = NULL;
    if (outside == NULL)
        return false;
    bool is_sent = outside_send(outside, request);
    while (is_sent && queue_take(answers, &item, 1) == 0) {
        struct pollfd fd = {.fd = queue_fd(answers), .events = POLLIN};
        poll(&fd, 1, 1000);
    }
    bool is_well = is_sent && read_answer(arena, item, value, fault);
    outside_result_free(item);
    outside_free(outside);
    return is_well;
}

static bool call_server(struct arena *arena, const char *data_dir, str address, const char *path,
                        str args, str *value, struct fault *fault)
{
    uint8_t key[16];
    if (!data_key(data_dir, "admin.key", key, sizeof(key), fault))
        return false;
    struct queue *answers = queue_new(4, fault);
    if (answers == NULL)
        return false;
    str hex = hex_write(arena, (bytes){key, sizeof(key)});
    struct outside_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Authorization"), str_format(arena, "Convex %.*s", STR_ARG(hex))},
    };
    str body =
        str_format(arena, "{\"path\":\"%s\",\"format\":\"convex_encoded_json\",\"args\":%.*s}",
                   path, STR_ARG(args));
    struct outside_request request = {
        .id = 1,
        .method = STR("POST"),
        .url = str_format(arena, "%.*s/api/function", STR_ARG(address)),
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = shared_copy(body),
        .file = -1,
        .allow_private = true,
        .deliver_to = answers,
    };
    bool is_well = ask(arena, &request, answers, value, fault);
    queue_free(answers);
    return is_well;
}

/* ---- here ---- */

struct here {
    struct program program;
    struct catalogue *catalogue;
    struct settings settings;
    struct commit_log *log;
    struct store *store;
    struct writer *writer;
    int lock;
};

static void ignore(void *context)
{
}

static void keep_reply(void *owner, struct mutation *mutation)
{
    *(struct mutation **)owner = mutation;
}

static void mutate(struct here *here, struct arena *arena, const char *path, str args,
                   struct call_reply *reply)
{
    struct mutation *mutation = mutation_new(), *done = NULL;
    struct commit_entry entry;
    mutation->request =
        (struct call_request){.path = str_of(path), .args = args, .is_internal = true};
    mutation->from = commit_log_follow(here->log, ignore, NULL);
    mutation->done = keep_reply;
    mutation->owner = &done;
    struct follower *follower = mutation->from;
    if (!writer_put(here->writer, mutation))
        return;
    writer_step(here->writer, clock_now());
    while (follower_next(follower, store_newest(here->store), &entry))
        for (size_t i = 0; i < entry.mutation_count; i++)
            entry.mutations[i]->done(entry.mutations[i]->owner, entry.mutations[i]);
    if (done == NULL)
        return;
    *reply = done->reply;
    reply->value = str_copy(arena, reply->value);
    reply->error_text = str_copy(arena, reply->error_text);
    reply->error_data = str_copy(arena, reply->error_data);
    mutation_free(done);
}

static bool open_here(struct here *here, struct arena *arena, const char *data_dir,
                      struct fault *fault)
{
    char path[PATH_MAX];
    uint8_t ids[16];
    struct settings_options defaults = {0};
    snprintf(path, sizeof(path), "%s/atelier.db", data_dir);
    here->lock = -1;
    if (!settings_load(arena, &defaults, &here->settings, fault) ||
        !data_prepare(data_dir, fault) || !data_lock(data_dir, &here->lock, fault) ||
        !data_key(data_dir, "ids.key", ids, sizeof(ids), fault))
        return false;
    doc_id_set_key(ids);
    here->catalogue = catalogue_new(&here->settings.studio);
    studio_program(&here->program, here->catalogue, NULL, 0);
    here->program.public_url = "";
    here->log = commit_log_new();
    struct store_options options = {
        .engine = STORE_SQLITE,
        .path = path,
        .schema = &studio_schema,
        .now = clock_now(),
        .before_commit = commit_log_before_commit,
        .context = here->log,
    };
    struct writer_options writer = {.program = &here->program, .log = here->log};
    if (!store_open(&options, &here->store, fault))
        return false;
    writer.store = here->store;
    here->writer = writer_new(&writer, fault);
    return here->writer != NULL;
}

static void close_here(struct here *here)
{
    writer_free(here->writer);
    store_close(here->store);
    commit_log_free(here->log);
    program_done(&here->program);
    catalogue_free(here->catalogue);
    fd_close(&here->lock);
}

static bool call_here(struct arena *arena, const char *data_dir, enum function_kind kind,
                      const char *path, str args, str *value, struct fault *fault)
{
    struct here here = {0};
    struct call_reply reply = {.error = INTERNAL_ERROR};
    struct view view;
    bool is_open = open_here(&here, arena, data_dir, fault);
    if (is_open && kind == FUNCTION_MUTATION) {
        mutate(&here, arena, path, args, &reply);
    } else if (is_open && view_begin(here.store, arena, &view, fault)) {
        struct call_request request = {.path = str_of(path), .args = args, .is_internal = true};
        execute_query(&here.program, &request, kind, &view, arena, clock_now(), &reply);
        view_end(&view);
    }
    close_here(&here);
    if (is_open && reply.error != ERROR_NONE) {
        struct json data = {0};
        bool has_message = json_read(arena, reply.error_data, 0, &data, NULL);
        str message = has_message ? json_text(json_get(&data, "message")) : reply.error_text;
        return fault_set(fault, FAULT_INPUT, "%.*s", STR_ARG(message));
    }
    *value = reply.value;
    return is_open;
}

bool local_call(struct arena *arena, const char *data_dir, enum function_kind kind,
                const char *path, str args, str *value, struct fault *fault)
{
    struct data_holder holder = data_holder(data_dir, arena);
    if (holder.is_held && holder.address.len == 0)
        return fault_set(fault, FAULT_TRANSIENT,
                         "%s is in use by another command, or its server is just starting: try "
                         "again in a moment",
                         data_dir);
    if (holder.is_held)
        return call_server(arena, data_dir, holder.address, path, args, value, fault);
    return call_here(arena, data_dir, kind, path, args, value, fault);
}
