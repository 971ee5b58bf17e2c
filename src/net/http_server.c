/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"
#include "net/proxies.h"
#include "net/ws_pack.h"

#include "base/hash.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define BACKLOG 4096
#define ACCEPTS_AT_ONCE 64
#define ACCEPT_PAUSE MILLISECONDS(100)

/* ---- accounts ---- */

/* A TLS connection keeps two buffers of records and its keys, a plain one its session's few things.
 */
#define COST_PLAIN KIB(1)
#define COST_TLS KIB(40)

static struct budget *calls_of(struct http_server *server)
{
    return server->options.budgets == NULL ? NULL : &server->options.budgets->calls;
}

bool server_count(struct http_server *server, struct claim *claim, size_t now)
{
    size_t before = claim->amount;
    bool is_taken = claim_set(calls_of(server), claim, now);
    server->counts.bodies += claim->amount - before;
    return is_taken;
}

void server_uncount(struct http_server *server, struct claim *claim)
{
    server->counts.bodies -= claim->amount;
    claim_force(calls_of(server), claim, 0);
}

static struct share *share_of(struct share shares[static PEER_SHARES],
                              const struct http_request *request)
{
    return &shares[hash_bytes(request->peer.at, request->peer.len) % PEER_SHARES];
}

/* Who is known and has nothing else there may have one that alone is more than a quarter. */
static bool count_alone(struct http_server *server, struct claim *claim, size_t now)
{
    struct share *share = claim->share;
    if (share->used != claim->amount)
        return false;
    claim_name(calls_of(server), claim, NULL, true);
    bool is_taken = server_count(server, claim, now);
    claim_name(calls_of(server), claim, share, true);
    return is_taken;
}

bool exchange_count(struct exchange *exchange, size_t now)
{
    struct http_server *server = exchange->server;
    const struct http_options *options = &server->options;
    const struct http_request *request = &exchange->head.request;
    struct claim *claim = &exchange->claim;
    if (claim->amount == 0 && !claim->is_known)
        claim->share = share_of(server->peer_shares, request);
    if (server_count(server, claim, now))
        return true;
    if (!exchange->was_asked_about && options->is_known != NULL) {
        exchange->was_asked_about = true;
        if (options->is_known(options->app, request))
            claim_name(calls_of(server), claim, share_of(server->known_shares, request), true);
    }
    return claim->is_known && (server_count(server, claim, now) || count_alone(server, claim, now));
}

bool exchange_recount(struct exchange *exchange)
{
    return exchange_count(exchange, exchange->body.room + exchange->arena.used);
}

/* An IPv6 customer has a whole /64 to choose addresses from. */
static size_t peer_slot(const struct conn *conn)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    size_t len = memcmp(conn->peer, mapped, sizeof(mapped)) == 0 ? 16 : 8;
    return hash_bytes(conn->peer, len) % ARRAY_LEN(conn->server->peer_counts);
}

/* A proxy of ours brings everybody. */
static bool is_counted(const struct http_server *server, const struct conn *conn)
{
    const struct http_options *options = &server->options;
    return options->proxies == NULL || !proxies_trust(options->proxies, conn->peer);
}

size_t server_count_of_peer(const struct http_server *server, const struct conn *conn)
{
    return is_counted(server, conn) ? server->peer_counts[peer_slot(conn)] : 0;
}

static struct claim claim_of(const struct http_server *server, const struct conn *conn)
{
    bool is_known = conn->stream.party != NULL && conn->stream.party->is_known;
    return (struct claim){.amount = server->options.tls != NULL ? COST_TLS : COST_PLAIN,
                          .is_known = is_known};
}

/* Strangers have half of the room; whoever comes is one at first, so another of them goes. */
static bool make_room(struct http_server *server)
{
    struct budgets *budgets = server->options.budgets;
    if (budgets == NULL || (!budget_is_over(&budgets->connections) &&
                            !budget_is_over_by_strangers(&budgets->connections)))
        return true;
    return server_shed_stranger(server);
}

static bool may_enter(struct http_server *server, const struct conn *conn)
{
    const struct http_options *options = &server->options;
    size_t of_peer = server_count_of_peer(server, conn);
    if (server->connections >= options->connections_max || of_peer == UINT16_MAX)
        return false;
    if (options->connections_of_peer_max != 0 && of_peer >= options->connections_of_peer_max)
        return false;
    return make_room(server);
}

static void enter(struct http_server *server, struct conn *conn)
{
    conn->next = server->first;
    if (conn->next != NULL)
        conn->next->previous = conn;
    server->first = conn;
    server->connections++;
    if (is_counted(server, conn))
        server->peer_counts[peer_slot(conn)]++;
    if (server->options.budgets == NULL)
        return;
    struct claim claim = {0};
    claim_force(&server->options.budgets->connections, &claim, claim_of(server, conn).amount);
}

void server_name(struct http_server *server, struct conn *conn, struct party *party)
{
    struct claim claim = claim_of(server, conn);
    stream_name(&conn->stream, party);
    if (server->options.budgets != NULL)
        claim_name(&server->options.budgets->connections, &claim, NULL,
                   claim_of(server, conn).is_known);
}

void server_forget(struct http_server *server, struct conn *conn)
{
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        server->first = conn->next;
    if (server->hand == conn)
        server->hand = conn->next;
    server->connections--;
    if (is_counted(server, conn))
        server->peer_counts[peer_slot(conn)]--;
    struct claim claim = claim_of(server, conn);
    if (server->options.budgets != NULL)
        claim_force(&server->options.budgets->connections, &claim, 0);
}

void server_free_if_done(struct http_server *server)
{
    if (!server->is_closed || server->exchanges != 0)
        return;
    while (server->spare != NULL) {
        struct exchange *spare = server->spare;
        server->spare = spare->spare;
        arena_done(&spare->arena);
        free(spare);
    }
    free(server->temp_dir);
    free(server);
}

/* ---- accepting ---- */

static void accept_ready(void *context, uint32_t events);

static void watch_listener(struct http_server *server)
{
    struct fault fault = {0};
    uint32_t events = EPOLLIN | (server->is_sharing ? (uint32_t)EPOLLEXCLUSIVE : 0);
    if (!loop_watch(server->loop, server->fd, events, accept_ready, server, &fault))
        log_event(LOG_ERROR, "http_listen", "%s", fault.text);
}

static void accept_again(void *context, instant now)
{
    struct http_server *server = context;
    if (!server->is_draining)
        watch_listener(server);
}

/*
 * No descriptor is left. The one held back lets us take the connection and close it, so that its
 * client learns of it now and the listener is not ready for ever; then we pause.
 */
static void turn_one_away(struct http_server *server)
{
    fd_close(&server->reserve_fd);
    int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
    fd_close(&fd);
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server->counts.turned_away++;
    log_event(LOG_WARN, "http_no_descriptors", "accepting is paused for 100 ms");
    loop_unwatch(server->loop, server->fd);
    loop_timer_set(server->loop, &server->accept_timer,
                   instant_add(loop_now(server->loop), ACCEPT_PAUSE));
}

void server_welcome(struct http_server *server, int fd, const struct sockaddr_storage *from)
{
    struct conn *conn = conn_new(server, fd, from);
    server->counts.accepted++;
    if (!may_enter(server, conn)) {
        server->counts.turned_away++;
        stream_close(&conn->stream);
        free(conn);
        return;
    }
    enter(server, conn);
    conn_begin(conn);
}

static void accept_ready(void *context, uint32_t events)
{
    struct http_server *server = context;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof(from);
        int fd = accept4(server->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            server_welcome(server, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            turn_one_away(server);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* ---- listening ---- */

/* "host:port", "[host]:port", ":port" and "*:port" into its two parts. */
static bool split_address(const char *address, char *host, size_t room, const char **port)
{
    const char *colon = strrchr(address, ':');
    int64_t number = 0;
    if (colon == NULL || !str_to_int(str_of(colon + 1), &number) || number < 0 || number > 65535)
        return false;
    str name = {address, (size_t)(colon - address)};
    if (name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
        name = str_slice(name, 1, name.len - 1);
    else if (str_find(name, ':') >= 0)
        return false;
    if (name.len >= room)
        return false;
    if (name.len != 0)
        memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    *port = colon + 1;
    return true;
}

static int bind_one(const struct addrinfo *at)
{
    int on = 1, off = 0;
    AUTO(fd_close)
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* Accepted sockets inherit it, which saves a call for each. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (at->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        return -1;
    return take_fd(&fd);
}

static bool open_listener(struct http_server *server, const char *address, struct fault *fault)
{
    char host[256];
    const char *port = NULL;
    if (address == NULL || !split_address(address, host, sizeof(host), &port))
        return fault_set(fault, FAULT_INPUT, "%s is not an address of the form host:port",
                         address == NULL ? "nothing" : address);
    bool is_any = host[0] == '\0' || strcmp(host, "*") == 0;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(is_any ? NULL : host, port, &hints, &found);
    if (error != 0)
        return fault_set(fault, FAULT_INPUT, "%s: %s", address, gai_strerror(error));
    for (const struct addrinfo *at = found; at != NULL && server->fd < 0; at = at->ai_next)
        server->fd = bind_one(at);
    int why = errno;
    freeaddrinfo(found);
    errno = why;
    return server->fd >= 0 ? true : fault_os(fault, address);
}

static bool share_listener(struct http_server *server, struct fault *fault)
{
    server->is_sharing = true;
    server->fd = fcntl(server->options.share->fd, F_DUPFD_CLOEXEC, 0);
    return server->fd >= 0 ? true : fault_os(fault, "listening socket");
}

#define DEFAULT(member, value)                                                                     \
    do {                                                                                           \
        if (options->member == 0)                                                                  \
            options->member = (value);                                                             \
    } while (0)
#define DEFAULT_TIME(member, value)                                                                \
    do {                                                                                           \
        if (options->member.us == 0)                                                               \
            options->member = (value);                                                             \
    } while (0)

static void set_defaults(struct http_options *options)
{
    DEFAULT(head_max, HTTP_HEAD_MAX);
    DEFAULT(body_max, HTTP_BODY_MAX);
    DEFAULT(file_max, HTTP_FILE_MAX);
    DEFAULT(connections_max, 20000);
    DEFAULT(message_max, MIB(20));
    DEFAULT(unsent_max, MIB(16));
    DEFAULT(body_rate, 16384);
    DEFAULT_TIME(head_time, SECONDS(10));
    DEFAULT_TIME(body_time, SECONDS(60));
    DEFAULT_TIME(idle_time, SECONDS(75));
    DEFAULT_TIME(send_time, SECONDS(60));
}

struct http_server *http_listen(struct loop *loop, const struct http_options *options,
                                struct fault *fault)
{
    assert(options->on_request != NULL);
    struct http_server *server = memory_zeroed(sizeof(*server));
    server->loop = loop;
    server->options = *options;
    server->fd = -1;
    server->accept_timer = (struct loop_timer){.fire = accept_again, .context = server};
    set_defaults(&server->options);
    stream_account(options->budgets == NULL ? NULL : &options->budgets->unsent);
    if (options->temp_dir != NULL) {
        str name = str_of(options->temp_dir);
        server->temp_dir = memory_zeroed(name.len + 1);
        memcpy(server->temp_dir, name.at, name.len);
    }
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool is_open = options->share != NULL ? share_listener(server, fault)
                                          : open_listener(server, options->address, fault);
    server->options.address = server->options.temp_dir = NULL;
    server->options.share = NULL;
    if (!is_open) {
        http_close(server);
        return NULL;
    }
    watch_listener(server);
    return server;
}

uint16_t http_port(const struct http_server *server)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof(at);
    if (getsockname(server->fd, &at.any, &len) != 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

/* ---- ends ---- */

static void stop_accepting(struct http_server *server)
{
    server->is_draining = true;
    loop_timer_clear(server->loop, &server->accept_timer);
    loop_unwatch(server->loop, server->fd);
    fd_close(&server->fd);
}

void http_drain(struct http_server *server)
{
    stop_accepting(server);
    for (struct conn *conn = server->first; conn != NULL; conn = conn->next) {
        conn->is_last = true;
        if (conn->phase == CONN_IDLE && conn->pending == NULL)
            conn_die(conn);
    }
}

void http_close(struct http_server *server)
{
    if (server == NULL)
        return;
    stop_accepting(server);
    while (server->first != NULL)
        conn_bury(server->first);
    loop_timer_clear(server->loop, &server->packer_timer);
    ws_packer_free(server->packer);
    server->packer = NULL;
    fd_close(&server->reserve_fd);
    server->is_closed = true;
    server_free_if_done(server);
}

size_t http_connections(const struct http_server *server)
{
    return server->connections;
}

struct http_counts http_counts(const struct http_server *server)
{
    struct http_counts counts = server->counts;
    counts.unsent = stream_waiting();
    return counts;
}
