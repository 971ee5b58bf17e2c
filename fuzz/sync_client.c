/* SPDX-License-Identifier: Apache-2.0 */
#include "sync_client.h"

#include "base/clock.h"
#include "base/encode.h"
#include "net/ws_parse.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* ---- the connection ---- */

static void write_all(struct sync_client *client, str text, void (*turn)(void *context),
                      void *context)
{
    for (int tries = 0; text.len != 0 && tries < 1000; tries++) {
        ssize_t sent = send(client->fd, text.at, text.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return;
        if (sent > 0)
            text = str_slice(text, (size_t)sent, text.len);
        if (text.len != 0 && turn != NULL)
            turn(context);
    }
    if (text.len != 0)
        client_cut(client); /* half a frame would make another message of the next */
}

void client_connect(struct sync_client *client, const char *version, int *other)
{
    int fds[2], much = 1 << 20, little = 4096;
    char head[300];
    client_cut(client);
    int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    assert(made == 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &much, sizeof(much));
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
    client->fd = fds[0];
    client->heard_at = clock_monotonic();
    client->takes_chunks = strcmp(version, "1.28") > 0;
    *other = fds[1];
    snprintf(head, sizeof(head),
             "GET /api/%s/sync HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
             version);
    write_all(client, str_of(head), NULL, NULL);
}

void client_cut(struct sync_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    buffer_done(&client->heard);
    buffer_done(&client->chunks);
    arena_done(&client->arena);
    *client = (struct sync_client){.fd = -1};
}

bool client_is_heard(const struct sync_client *client)
{
    int left = 0;
    return client->fd < 0 || ioctl(client->fd, SIOCOUTQ, &left) != 0 || left == 0;
}

/* ---- saying ---- */

static bool is_plain_uuid(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.at[i] != '-' : memchr("0123456789abcdef", text.at[i], 16) == NULL)
            return false;
    }
    return text.len == 36;
}

/* What it will be owed an answer to, if the server takes the message. */
static void note(struct sync_client *client, str message)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json said;
    if (!json_read_message(&arena, message, &said, NULL))
        return;
    str type = json_text(json_get(&said, "type"));
    const struct json *number = json_get(&said, "requestId");
    if (str_equal(type, STR("Connect")) && !client->has_said_connect) {
        str name = json_text(json_get(&said, "sessionId"));
        client->has_said_connect = true;
        client->name = hash128_bytes(name.at, name.len);
        client->name_is_plain = is_plain_uuid(name);
    } else if (str_equal(type, STR("Mutation"))) {
        double value = number->kind == JSON_INT ? (double)number->integer : json_number(number, -1);
        assert(client->asked_to < ASKED_MAX);
        client->asked[client->asked_to++] = value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
    } else if (str_equal(type, STR("Action"))) {
        client->actions_asked++;
    } else if (str_equal(type, STR("Authenticate"))) {
        client->has_signed_out = str_equal(json_text(json_get(&said, "tokenType")), STR("None"));
    }
}

static void say_frame(struct sync_client *client, unsigned opcode, str payload,
                      void (*turn)(void *context), void *context)
{
    struct buffer frame = {0};
    char head[WS_HEAD_MAX];
    size_t len = ws_head_write(head, opcode, payload.len);
    head[1] = (char)(head[1] | 0x80);
    buffer_add(&frame, head, len);
    buffer_add(&frame, "\0\0\0", 4); /* a mask that changes nothing */
    buffer_str(&frame, payload);
    write_all(client, buffer_text(&frame), turn, context);
    buffer_done(&frame);
}

void client_say(struct sync_client *client, str message, void (*turn)(void *context), void *context)
{
    if (client->fd < 0 || client->is_closed || client->asked_to == ASKED_MAX)
        return;
    note(client, message);
    say_frame(client, WS_OPCODE_TEXT, message, turn, context);
}

void client_say_goodbye(struct sync_client *client)
{
    if (client->fd >= 0 && !client->is_closed)
        say_frame(client, WS_OPCODE_CLOSE, STR("\x03\xe8"), NULL, NULL);
}

/* ---- hearing ---- */

static uint32_t number_of(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, name);
    assert(value->kind == JSON_INT && value->integer >= 0 && value->integer <= UINT32_MAX);
    return (uint32_t)value->integer;
}

static uint64_t ts_of(const struct json *object)
{
    uint64_t ts = 0;
    bool is_ts = u64_base64_read(json_text(json_get(object, "ts")), &ts);
    assert(is_ts && ts < (uint64_t)1 << 63);
    return ts;
}

static struct version version_of(const struct json *value)
{
    assert(value->kind == JSON_OBJECT);
    return (struct version){
        number_of(value, "querySet"), number_of(value, "identity"), {ts_of(value)}};
}

const struct told *client_told(const struct sync_client *client, uint32_t id)
{
    for (size_t i = 0; i < client->told_count; i++)
        if (client->told[i].id == id)
            return &client->told[i];
    return NULL;
}

static struct told *told_of(struct sync_client *client, uint32_t id)
{
    const struct told *there = client_told(client, id);
    if (there != NULL)
        return &client->told[there - client->told];
    assert(client->told_count < TOLD_MAX);
    struct told *told = &client->told[client->told_count++];
    *told = (struct told){.id = id};
    return told;
}

static str kept_canonical(struct sync_client *client, const struct json *value)
{
    struct buffer text = {0};
    json_write_canonical(&text, value);
    str kept = str_copy(&client->arena, buffer_text(&text));
    buffer_done(&text);
    return kept;
}

static void take_result(struct sync_client *client, const struct json *change, bool is_failure)
{
    struct told *told = told_of(client, number_of(change, "queryId"));
    const struct json *value = json_get(change, is_failure ? "errorMessage" : "value");
    const struct json *journal = json_get(change, "journal");
    assert(value->kind != JSON_NONE && json_get(change, "logLines")->kind == JSON_LIST);
    assert(!is_failure || value->kind == JSON_TEXT);
    assert(json_get(change, "errorData")->kind != JSON_NULL);
    told->is_failure = is_failure;
    told->text = kept_canonical(client, value);
    if (journal->kind == JSON_TEXT)
        told->journal = str_copy(&client->arena, journal->text);
    else
        assert(journal->kind == JSON_NULL);
    if (journal->kind == JSON_NULL)
        told->journal = (str){0};
}

static void forget(struct sync_client *client, uint32_t id)
{
    const struct told *told = client_told(client, id);
    if (told != NULL)
        client->told[told - client->told] = client->told[--client->told_count];
}

static void take_change(struct sync_client *client, const struct json *change)
{
    str type = json_text(json_get(change, "type"));
    if (str_equal(type, STR("QueryRemoved"))) {
        forget(client, number_of(change, "queryId"));
        return;
    }
    bool is_failure = str_equal(type, STR("QueryFailed"));
    assert(is_failure || str_equal(type, STR("QueryUpdated")));
    take_result(client, change, is_failure);
}

static void take_transition(struct sync_client *client, const struct json *message)
{
    struct version start = version_of(json_get(message, "startVersion"));
    struct version end = version_of(json_get(message, "endVersion"));
    const struct json *changes = json_get(message, "modifications");
    assert(start.query_set == client->version.query_set &&
           start.identity == client->version.identity && start.ts.n == client->version.ts.n);
    assert(end.query_set >= start.query_set && end.identity >= start.identity &&
           end.ts.n >= start.ts.n);
    client->version = end;
    assert(changes->kind == JSON_LIST);
    for (size_t i = 0; i < changes->count; i++) {
        uint32_t id = number_of(&changes->items[i], "queryId");
        for (size_t j = 0; j < i; j++)
            assert(number_of(&changes->items[j], "queryId") != id);
        take_change(client, &changes->items[i]);
    }
}

static void take_message(struct sync_client *client, str text);

static void take_chunk(struct sync_client *client, const struct json *message)
{
    size_t parts = number_of(message, "totalParts");
    const struct json *chunk = json_get(message, "chunk");
    assert(client->takes_chunks);
    assert(chunk->kind == JSON_TEXT && json_get(message, "transitionId")->kind == JSON_TEXT);
    assert(parts != 0 && (client->parts == 0 || parts == client->parts));
    assert(number_of(message, "partNumber") == client->parts_heard);
    client->parts = parts;
    buffer_str(&client->chunks, chunk->text);
    if (++client->parts_heard < parts)
        return;
    struct buffer whole = client->chunks;
    client->chunks = (struct buffer){0};
    client->parts = client->parts_heard = 0;
    assert(str_starts(buffer_text(&whole), STR("{\"type\":\"Transition\",")));
    take_message(client, buffer_text(&whole));
    buffer_done(&whole);
}

static void take_answer(struct sync_client *client, const struct json *message)
{
    const struct json *success = json_get(message, "success"),
                      *result = json_get(message, "result");
    uint32_t number = number_of(message, "requestId");
    assert(success->kind == JSON_BOOL && result->kind != JSON_NONE);
    assert(json_get(message, "logLines")->kind == JSON_LIST);
    assert(client->asked_from < client->asked_to);
    assert(number == client->asked[client->asked_from++]);
    assert(success->truth == (json_get(message, "ts")->kind == JSON_TEXT));
    uint64_t ts = success->truth ? ts_of(message) : 0;
    str text = kept_canonical(client, result);
    client->owed = MAX_OF(client->owed, ts);
    if (client->on_done != NULL)
        client->on_done(client->context, client, number, success->truth,
                        hash128_bytes(text.at, text.len), ts);
}

static void take_message(struct sync_client *client, str text)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json message;
    client->heard_at = clock_monotonic();
    assert(!client->is_over && utf8_is_valid(text));
    bool is_json = json_read(&arena, text, JSON_DEPTH_LIMIT, &message, NULL);
    assert(is_json && message.kind == JSON_OBJECT);
    str type = json_text(json_get(&message, "type"));
    if (str_equal(type, STR("Ping")))
        return;
    if (str_equal(type, STR("TransitionChunk"))) {
        take_chunk(client, &message);
        return;
    }
    assert(client->parts == 0); /* nothing but pings comes between chunks */
    if (str_equal(type, STR("Transition"))) {
        take_transition(client, &message);
    } else if (str_equal(type, STR("MutationResponse"))) {
        take_answer(client, &message);
    } else if (str_equal(type, STR("ActionResponse"))) {
        client->actions_answered++;
        assert(client->actions_answered <= client->actions_asked);
    } else {
        bool is_auth = str_equal(type, STR("AuthError"));
        assert(is_auth || str_equal(type, STR("FatalError")));
        assert(json_get(&message, "error")->kind == JSON_TEXT);
        assert(!is_auth || number_of(&message, "baseVersion") == client->version.identity);
        client->is_over = true;
    }
}

static void take_frame(struct sync_client *client, unsigned opcode, str payload)
{
    assert(!client->is_closed);
    if (opcode == WS_OPCODE_TEXT) {
        take_message(client, payload);
    } else if (opcode == WS_OPCODE_CLOSE) {
        unsigned code =
            payload.len < 2 ? 1005 : (unsigned)(uint8_t)payload.at[0] << 8 | (uint8_t)payload.at[1];
        assert(code == 1000 || code == 1002 || code == 1005 || code == 1007 || code == 1011 ||
               code == 1013);
        assert((code != 1011 && code != 1013) || payload.len > 2); /* it says how long to wait */
        client->is_closed = true;
    } else {
        assert(opcode == WS_OPCODE_PING || opcode == WS_OPCODE_PONG);
    }
}

/* The head of the frame that is whole at the front; false: more has to come. */
static bool frame_is_whole(str heard, size_t *head, size_t *len)
{
    const uint8_t *at = (const uint8_t *)heard.at;
    if (heard.len < 2)
        return false;
    assert((at[0] & 0x70) == 0 && (at[0] & 0x80) != 0 && (at[1] & 0x80) == 0);
    size_t more = at[1] == 126 ? 2 : at[1] == 127 ? 8 : 0;
    *head = 2 + more;
    *len = more == 0 ? at[1] : 0;
    for (size_t i = 0; i < more && heard.len >= *head; i++)
        *len = *len << 8 | at[2 + i];
    return heard.len >= *head && heard.len - *head >= *len;
}

static void take_heard(struct sync_client *client)
{
    str heard = buffer_text(&client->heard);
    size_t head, len;
    if (!client->is_welcome) {
        char *end = heard.at == NULL ? NULL : memmem(heard.at, heard.len, "\r\n\r\n", 4);
        if (end == NULL)
            return;
        assert(str_starts(heard, STR("HTTP/1.1 101 ")));
        client->is_welcome = true;
        heard = str_slice(heard, (size_t)(end + 4 - heard.at), heard.len);
    }
    while (heard.at != NULL && frame_is_whole(heard, &head, &len)) {
        take_frame(client, (uint8_t)heard.at[0] & 15, str_slice(heard, head, head + len));
        heard = str_slice(heard, head + len, heard.len);
    }
    buffer_drop(&client->heard, client->heard.len - heard.len);
}

bool client_hear(struct sync_client *client)
{
    char some[KIB(16)];
    size_t total = 0;
    ssize_t got = 0;
    while (client->fd >= 0 && (got = recv(client->fd, some, sizeof(some), 0)) > 0) {
        buffer_add(&client->heard, some, (size_t)got);
        total += (size_t)got;
    }
    take_heard(client);
    return total != 0;
}
