/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/secure.h"

#include "base/log.h"
#include "base/queue.h"

struct secure {
    struct loop *loop;
    struct tls *tls;
    struct queue *wake;
};

static void on_wake(void *context, uint32_t events)
{
    struct secure *secure = context;
    struct fault fault;
    void *none;
    queue_take(secure->wake, &none, 0); /* clears the signal */
    if (tls_reload(secure->tls, &fault))
        log_event(LOG_INFO, "tls_reloaded", "new connections get the certificate just read");
    else
        log_event(LOG_ERROR, "tls_not_reloaded", "the old certificate stays: %s", fault.text);
}

static bool open_files(struct secure *secure, const struct server_settings *settings,
                       struct fault *fault)
{
    struct arena arena = {0};
    bool is_open = tls_open(str_zero_ended(&arena, settings->tls_cert),
                            str_zero_ended(&arena, settings->tls_key), &secure->tls, fault);
    arena_done(&arena);
    return is_open;
}

bool secure_open(struct loop *loop, const struct server_settings *settings, struct secure **out,
                 struct fault *fault)
{
    if (settings->tls_cert.len == 0 && settings->tls_key.len == 0)
        return true;
    if (settings->tls_cert.len == 0 || settings->tls_key.len == 0)
        return fault_set(fault, FAULT_INPUT,
                         "server.tlsCert and server.tlsKey belong together: give both, or neither");
    struct secure *secure = *out = memory_zeroed(sizeof(*secure));
    secure->loop = loop;
    secure->wake = queue_new(1, fault);
    return secure->wake != NULL && open_files(secure, settings, fault) &&
           loop_watch(loop, queue_fd(secure->wake), EPOLLIN, on_wake, secure, fault);
}

struct tls *secure_tls(const struct secure *secure)
{
    return secure == NULL ? NULL : secure->tls;
}

void secure_reload(struct secure *secure)
{
    if (secure != NULL)
        queue_wake(secure->wake);
}

void secure_close(struct secure *secure)
{
    if (secure == NULL)
        return;
    if (secure->wake != NULL)
        loop_unwatch(secure->loop, queue_fd(secure->wake));
    queue_free(secure->wake);
    tls_close(secure->tls);
    free(secure);
}
