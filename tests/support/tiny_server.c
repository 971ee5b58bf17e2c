/* SPDX-License-Identifier: Apache-2.0 */
#include "tiny_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST_MAX KIB(64)

struct tiny_server {
    pthread_t thread;
    int listener, port;
    tiny_handler *handler;
    void *context;
    atomic_bool is_stopping;
    atomic_int connections;
};

void tiny_write(int fd, str text)
{
    while (text.len > 0) {
        ssize_t sent = send(fd, text.at, text.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the client has gone; that may be what the test wants */
        text.at += sent;
        text.len -= (size_t)sent;
    }
}

void tiny_answer(int fd, int status, const char *headers, str body)
{
    struct arena arena = {0};
    tiny_write(fd, str_format(&arena, "HTTP/1.1 %d Said\r\n%sContent-Length: %zu\r\n\r\n", status,
                              headers, body.len));
    tiny_write(fd, body);
    arena_done(&arena);
}

/* The head and what Content-Length announces. */
static bool read_request(int fd, char *to)
{
    size_t len = 0, wanted = REQUEST_MAX;
    while (len < wanted) {
        ssize_t got = recv(fd, to + len, REQUEST_MAX - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        to[len] = 0;
        const char *end = strstr(to, "\r\n\r\n");
        const char *length = strcasestr(to, "\r\nContent-Length: ");
        if (end != NULL)
            wanted = (size_t)(end - to) + 4 +
                     (length == NULL ? 0 : (size_t)strtol(length + 18, NULL, 10));
    }
    return true;
}

static void *serve(void *context)
{
    struct tiny_server *server = context;
    char *request = memory_new(REQUEST_MAX);
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&server->is_stopping)) {
            fd_close(&fd);
            break;
        }
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        atomic_fetch_add(&server->connections, 1);
        while (read_request(fd, request) && server->handler(server->context, fd, request))
            ;
        close(fd);
    }
    free(request);
    return NULL;
}

struct tiny_server *tiny_server_new(tiny_handler *handler, void *context)
{
    struct tiny_server *server = memory_zeroed(sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    server->handler = handler;
    server->context = context;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bound = bind(server->listener, (struct sockaddr *)&address, len);
    int listening = listen(server->listener, 64);
    int named = getsockname(server->listener, (struct sockaddr *)&address, &len);
    assert(bound == 0 && listening == 0 && named == 0);
    server->port = ntohs(address.sin_port);
    int started = pthread_create(&server->thread, NULL, serve, server);
    assert(started == 0);
    return server;
}

void tiny_server_free(struct tiny_server *server)
{
    if (server == NULL)
        return;
    atomic_store(&server->is_stopping, true);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    free(server);
}

int tiny_server_port(const struct tiny_server *server)
{
    return server->port;
}

int tiny_server_connections(const struct tiny_server *server)
{
    return atomic_load(&server->connections);
}
