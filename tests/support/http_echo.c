/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny server on src/net alone, for tests and measurements: /echo answers what it understood of
 * the request as JSON, /ws echoes messages, /file sends a file, all else answers "ok".
 * Prints its port. Arguments: [--port N] [--temp FOLDER] [--head-ms N] [--body-ms N] [--idle-ms N]
 */
#include "net/ws.h"

#include "base/encode.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

static struct loop *loop;

struct session {
    struct socket *socket;
    struct session *next;
};

static struct session *sessions;

static void on_text(void *context, str message)
{
    struct session *session = context;
    if (str_equal(message, STR("broadcast"))) {
        struct shared *body = shared_new(300);
        memset(body->at, 'x', body->len);
        for (struct session *each = sessions; each != NULL; each = each->next) {
            struct shared *part = shared_keep(body);
            ws_send(each->socket, &part, 1);
        }
        shared_drop(body);
        return;
    }
    if (str_equal(message, STR("close"))) {
        ws_close(session->socket, 4000, "asked to");
        return;
    }
    struct shared *part = shared_copy(message);
    ws_send(session->socket, &part, 1);
}

static void on_closed(void *context)
{
    struct session *session = context;
    struct session **at = &sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    free(session);
}

static const struct ws_handlers handlers = {.on_text = on_text, .on_closed = on_closed};

static void serve_socket(struct exchange *exchange)
{
    struct session *session = memory_zeroed(sizeof(*session));
    session->socket = http_upgrade(exchange, &handlers, session);
    if (session->socket == NULL) {
        free(session);
        return;
    }
    session->next = sessions;
    sessions = session;
}

static void add_base64(struct buffer *to, const char *name, str value)
{
    buffer_format(to, "\"%s\":\"", name);
    base64_append(to, bytes_of(value));
    buffer_str(to, STR("\","));
}

static str read_body(struct arena *arena, const struct http_request *request)
{
    if (request->body_fd < 0)
        return request->body;
    char *at = arena_alloc(arena, (size_t)request->body_len);
    ssize_t got = pread(request->body_fd, at, (size_t)request->body_len, 0);
    return (str){at, got < 0 ? 0 : (size_t)got};
}

/* Everything as base64, so that the test sees bytes and not our escaping. */
static void serve_echo(struct exchange *exchange, const struct http_request *request)
{
    static const struct http_header json[] = {{{"Content-Type", 12}, {"application/json", 16}}};
    AUTO(buffer_done) struct buffer out = {0};
    buffer_char(&out, '{');
    add_base64(&out, "method", request->method_text);
    add_base64(&out, "target", request->target);
    add_base64(&out, "path", request->path);
    add_base64(&out, "query", request->query);
    add_base64(&out, "body", read_body(exchange_arena(exchange), request));
    buffer_format(&out, "\"in_file\":%s,\"headers\":[", request->body_fd >= 0 ? "true" : "false");
    for (size_t i = 0; i < request->header_count; i++) {
        buffer_str(&out, i == 0 ? STR("{") : STR(",{"));
        add_base64(&out, "name", request->headers[i].name);
        add_base64(&out, "value", request->headers[i].value);
        buffer_str(&out, STR("\"end\":0}"));
    }
    buffer_str(&out, STR("]}\n"));
    http_answer(exchange, 200, json, ARRAY_LEN(json), buffer_text(&out));
}

static void serve_file(struct exchange *exchange)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    http_answer_file(exchange, 200, NULL, 0, fd, 0, lseek(fd, 0, SEEK_END));
}

/* An answer that comes later than the request, as the writer's do. */
struct later {
    struct loop_timer timer;
    struct exchange *exchange;
};

static void answer_later(void *context, instant now)
{
    struct later *later = context;
    struct exchange *exchange = later->exchange;
    free(later);
    http_answer(exchange, 200, NULL, 0, STR("late\n"));
}

static void serve_later(struct exchange *exchange, int64_t ms)
{
    struct later *later = memory_zeroed(sizeof(*later));
    *later =
        (struct later){.timer = {.fire = answer_later, .context = later}, .exchange = exchange};
    loop_timer_set(loop, &later->timer, instant_add(loop_now(loop), MILLISECONDS(ms)));
}

static void on_request(void *app, struct exchange *exchange, const struct http_request *request)
{
    str value;
    int64_t n = 0;
    if (str_equal(request->path, STR("/ws"))) {
        serve_socket(exchange);
    } else if (str_equal(request->path, STR("/file"))) {
        serve_file(exchange);
    } else if (str_equal(request->path, STR("/later"))) {
        if (!http_query(exchange_arena(exchange), request, "ms", &value) || !str_to_int(value, &n))
            n = 20;
        serve_later(exchange, n);
    } else if (str_equal(request->path, STR("/big"))) {
        struct shared *body = shared_new(MIB(8));
        memset(body->at, 'b', body->len);
        http_answer_shared(exchange, 200, NULL, 0, body);
    } else if (str_equal(request->path, STR("/ok"))) {
        http_answer(exchange, 200, NULL, 0, STR("ok\n"));
    } else {
        serve_echo(exchange, request);
    }
}

static bool body_to_file(void *app, const struct http_request *request, int64_t *max)
{
    *max = (int64_t)MIB(64);
    return str_starts(request->path, STR("/upload"));
}

static void stop(void *context, uint32_t events)
{
    loop_stop(loop);
}

static bool watch_signals(struct fault *fault)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return loop_watch(loop, signalfd(-1, &set, SFD_CLOEXEC), EPOLLIN, stop, NULL, fault);
}

static bool read_options(int argc, char **argv, struct http_options *options, char *address,
                         size_t room)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t n = 0;
        bool is_number = str_to_int(str_of(argv[i + 1]), &n);
        if (strcmp(argv[i], "--temp") == 0)
            options->temp_dir = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0 && is_number)
            snprintf(address, room, "127.0.0.1:%d", (int)n);
        else if (strcmp(argv[i], "--head-ms") == 0 && is_number)
            options->head_time = MILLISECONDS(n);
        else if (strcmp(argv[i], "--body-ms") == 0 && is_number)
            options->body_time = MILLISECONDS(n);
        else if (strcmp(argv[i], "--idle-ms") == 0 && is_number)
            options->idle_time = MILLISECONDS(n);
        else
            return false;
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    struct fault fault = {0};
    char address[64] = "127.0.0.1:0";
    struct http_options options = {
        .address = address,
        .on_request = on_request,
        .body_to_file = body_to_file,
        .temp_dir = "/tmp",
        .body_max = MIB(1),
        .message_max = MIB(1),
        .packs_messages = true,
    };
    if (!read_options(argc, argv, &options, address, sizeof(address)))
        return 2;
    loop = loop_new(&fault);
    struct http_server *server = loop == NULL ? NULL : http_listen(loop, &options, &fault);
    if (server == NULL || !watch_signals(&fault)) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    printf("%u\n", http_port(server));
    fflush(stdout);
    loop_run(loop);
    http_close(server);
    loop_free(loop);
    return 0;
}
