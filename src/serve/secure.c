/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/secure.h"

#include "base/log.h"

struct secure {
    struct tls *tls;
};

static bool open_files(struct secure *secure, const struct server_settings *settings,
                       struct fault *fault)
{
    struct arena arena = {0};
    bool is_open = tls_open(str_zero_ended(&arena, settings->tls_cert),
                            str_zero_ended(&arena, settings->tls_key), &secure->tls, fault);
    arena_done(&arena);
    return is_open;
}

bool secure_open(const struct server_settings *settings, struct secure **out, struct fault *fault)
{
    if (settings->tls_cert.len == 0 && settings->tls_key.len == 0)
        return true;
    if (settings->tls_cert.len == 0 || settings->tls_key.len == 0)
        return fault_set(fault, FAULT_INPUT,
                         "server.tlsCert and server.tlsKey belong together: give both, or neither");
    struct secure *secure = *out = memory_zeroed(sizeof(*secure));
    return open_files(secure, settings, fault);
}

struct tls *secure_tls(const struct secure *secure)
{
    return secure == NULL ? NULL : secure->tls;
}

void secure_reload(struct secure *secure)
{
    struct fault fault;
    if (tls_reload(secure->tls, &fault))
        log_event(LOG_INFO, "tls_reloaded", "new connections get the certificate just read");
    else
        log_event(LOG_ERROR, "tls_not_reloaded", "the old certificate stays: %s", fault.text);
}

void secure_close(struct secure *secure)
{
    if (secure == NULL)
        return;
    tls_close(secure->tls);
    free(secure);
}
