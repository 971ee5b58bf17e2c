/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/tls.h"

#define PATIENCE SECONDS(10)

struct pair {
    char folder[64], cert[96], key[96];
};

/* A new key and a certificate for it that names itself. */
static void pair_write(const struct pair *pair, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, subject);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *file = fopen(pair->cert, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
    file = fopen(pair->key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void pair_begin(struct pair *pair)
{
    snprintf(pair->folder, sizeof(pair->folder), "/tmp/atelier-tls-XXXXXX");
    assert_non_null(mkdtemp(pair->folder));
    snprintf(pair->cert, sizeof(pair->cert), "%s/cert.pem", pair->folder);
    snprintf(pair->key, sizeof(pair->key), "%s/key.pem", pair->folder);
    pair_write(pair, "first");
}

static void pair_end(struct pair *pair)
{
    unlink(pair->cert);
    unlink(pair->key);
    rmdir(pair->folder);
}

/* A server that speaks TLS, and where its certificate is. */
struct secure_wire {
    struct wire wire;
    struct pair pair;
    struct tls *tls;
};

static void begin(struct secure_wire *secure)
{
    struct fault fault = {0};
    signal(SIGPIPE, SIG_IGN);
    pair_begin(&secure->pair);
    if (!tls_open(secure->pair.cert, secure->pair.key, &secure->tls, &fault))
        fail_msg("%s", fault.text);
    secure->wire.options.tls = secure->tls;
    wire_begin(&secure->wire);
}

static void end(struct secure_wire *secure)
{
    wire_end(&secure->wire);
    tls_close(secure->tls);
    pair_end(&secure->pair);
}

/* ---- a client ---- */

struct client {
    struct wire *wire;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

static void client_open(struct client *client, struct wire *wire)
{
    client->wire = wire;
    client->fd = wire_connect(wire);
    client->context = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, client->fd);
    SSL_set_connect_state(client->ssl);
}

static void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}

/* Whether the call has to be made again; the loop has turned meanwhile. */
static bool again(struct client *client, int result)
{
    int why = SSL_get_error(client->ssl, result);
    ERR_clear_error();
    loop_turn(client->wire->loop, MILLISECONDS(1));
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static bool client_shake(struct client *client)
{
    int result;
    while ((result = SSL_do_handshake(client->ssl)) != 1)
        if (!again(client, result))
            return false;
    return true;
}

static void client_say(struct client *client, str text)
{
    size_t sent = 0;
    int result;
    while ((result = SSL_write_ex(client->ssl, text.at, text.len, &sent)) != 1)
        assert_true(again(client, result));
    assert_int_equal(sent, text.len);
}

/* Until the text has come, or so many bytes; a little at a time, so that the server must wait. */
static void client_hear(struct client *client, struct buffer *in, const char *wanted, size_t count)
{
    instant until = instant_add(clock_monotonic(), PATIENCE);
    while (wanted != NULL ? !wire_contains(in, wanted) : in->len < count) {
        char bytes_in[5000];
        size_t got = 0;
        int result = SSL_read_ex(client->ssl, bytes_in, sizeof(bytes_in), &got);
        if (result == 1)
            buffer_add(in, bytes_in, got);
        else if (!again(client, result) || !instant_is_before(clock_monotonic(), until))
            fail_msg("%zu bytes came", in->len);
    }
}

static str peer_name(struct client *client, char *to, int room)
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    assert_non_null(cert);
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, to, room);
    X509_free(cert);
    return (str){to, (size_t)len};
}

/* Of an answer: up to where its body begins. */
static size_t head_len(const struct buffer *in)
{
    const char *at = memmem(in->at, in->len, "\r\n\r\n", 4);
    assert_non_null(at);
    return (size_t)(at - in->at) + 4;
}

#define ASK(path) STR("GET " path " HTTP/1.1\r\nHost: a\r\n\r\n")

/* ---- claims ---- */

static void requests_are_answered_over_tls(void **state)
{
    struct secure_wire secure = {0};
    struct client client;
    AUTO(buffer_done) struct buffer in = {0};
    begin(&secure);
    client_open(&client, &secure.wire);
    assert_true(client_shake(&client));
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.3");
    client_say(&client, ASK("/ok"));
    client_hear(&client, &in, "\r\n\r\nok", 0);
    client_say(&client, ASK("/nothing"));
    client_hear(&client, &in, "204 No Content", 0);
    client_close(&client);
    wire_turn(&secure.wire, 10);
    assert_int_equal(http_connections(secure.wire.server), 0);
    end(&secure);
}

static void tls_1_2_is_spoken_and_1_1_is_not(void **state)
{
    struct secure_wire secure = {0};
    struct client client;
    begin(&secure);
    client_open(&client, &secure.wire);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    assert_true(client_shake(&client));
    client_close(&client);

    client_open(&client, &secure.wire);
    SSL_set_security_level(client.ssl, 0);
    SSL_set_min_proto_version(client.ssl, TLS1_VERSION);
    SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
    assert_false(client_shake(&client));
    client_close(&client);
    end(&secure);
}

static void only_http_1_1_is_chosen_by_alpn(void **state)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1", h2[] = "\x02h2";
    struct secure_wire secure = {0};
    struct client client;
    const unsigned char *chosen;
    unsigned len;
    begin(&secure);
    client_open(&client, &secure.wire);
    SSL_set_alpn_protos(client.ssl, both, sizeof(both) - 1);
    assert_true(client_shake(&client));
    SSL_get0_alpn_selected(client.ssl, &chosen, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    client_close(&client);

    client_open(&client, &secure.wire);
    SSL_set_alpn_protos(client.ssl, h2, sizeof(h2) - 1);
    assert_false(client_shake(&client));
    client_close(&client);
    end(&secure);
}

static void much_is_sent_whole_to_a_slow_reader_and_taken_from_a_fast_writer(void **state)
{
    struct secure_wire secure = {0};
    struct client client;
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(buffer_done) struct buffer out = {0};
    begin(&secure);
    client_open(&client, &secure.wire);
    assert_true(client_shake(&client));
    client_say(&client, ASK("/big"));
    client_hear(&client, &in, "\r\n\r\n", 0);
    size_t head = head_len(&in);
    client_hear(&client, &in, NULL, head + WIRE_BIG);
    for (size_t i = head; i < in.len; i++)
        assert_int_equal(in.at[i], 'b');

    buffer_format(&out, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 1000000; i++)
        buffer_char(&out, (char)('a' + i % 26));
    buffer_clear(&in);
    client_say(&client, buffer_text(&out));
    client_hear(&client, &in, "\r\n\r\n", 0);
    head = head_len(&in);
    client_hear(&client, &in, NULL, head + 1000000);
    assert_memory_equal(in.at + head, out.at + out.len - 1000000, 1000000);
    client_close(&client);
    end(&secure);
}

static void a_file_is_sent_whole(void **state)
{
    enum { LEN = 3000001 };
    struct secure_wire secure = {.wire.file_len = LEN - 1};
    struct client client;
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(memory_free) char *bytes_of = memory_new(LEN);
    for (int i = 0; i < LEN; i++)
        bytes_of[i] = (char)(i * 7 + i / 1000);
    secure.wire.file_fd = memfd_create("file", 0);
    assert_int_equal(write(secure.wire.file_fd, bytes_of, LEN), LEN);
    begin(&secure);
    client_open(&client, &secure.wire);
    assert_true(client_shake(&client));
    client_say(&client, ASK("/file"));
    client_hear(&client, &in, "\r\n\r\n", 0);
    size_t head = head_len(&in);
    client_hear(&client, &in, NULL, head + LEN - 1);
    assert_memory_equal(in.at + head, bytes_of + 1, LEN - 1);
    client_close(&client);
    end(&secure);
    close(secure.wire.file_fd);
}

static void a_handshake_that_takes_too_long_is_ended(void **state)
{
    struct secure_wire secure = {.wire.options.head_time = MILLISECONDS(80)};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&secure);
    int fd = wire_connect(&secure.wire);
    for (int i = 0; i < 8; i++) { /* the start of a client's greeting, a byte at a time */
        static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01";
        wire_say(&secure.wire, fd, (str){hello + i, 1});
        wire_turn(&secure.wire, 15);
    }
    wire_hear_end(&secure.wire, fd, &in);
    assert_int_equal(http_connections(secure.wire.server), 0);
    close(fd);
    end(&secure);
}

static void plain_http_is_told_and_ended_without_a_reset(void **state)
{
    struct secure_wire secure = {0};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&secure);
    wire_ask(&secure.wire, "GET /ok HTTP/1.1\r\nHost: a\r\nX: and more of the head\r\n\r\n", &in);
    assert_true(str_starts(buffer_text(&in), STR("HTTP/1.1 400 ")));
    assert_true(wire_contains(&in, "\r\n\r\nThis address speaks HTTPS. Ask with https://.\n"));
    assert_true(wire_contains(&in, "Content-Length: 46\r\n"));
    assert_int_equal(in.len - head_len(&in), 46);
    wire_ask(&secure.wire, "\x01\x02\x03 this is nothing at all that anybody speaks", &in);
    assert_false(wire_contains(&in, "HTTP/1.1"));
    assert_int_equal(secure.wire.requests, 0);
    assert_int_equal(http_connections(secure.wire.server), 0);
    end(&secure);
}

static void a_new_certificate_is_for_new_connections_and_a_broken_one_for_none(void **state)
{
    struct secure_wire secure = {0};
    struct client old, new;
    struct fault fault = {0};
    AUTO(buffer_done) struct buffer in = {0};
    char name[64];
    begin(&secure);
    client_open(&old, &secure.wire);
    assert_true(client_shake(&old));
    pair_write(&secure.pair, "second");
    assert_true(tls_reload(secure.tls, &fault));
    client_open(&new, &secure.wire);
    assert_true(client_shake(&new));
    assert_true(str_equal(peer_name(&new, name, sizeof(name)), STR("second")));
    client_say(&old, ASK("/ok"));
    client_hear(&old, &in, "\r\n\r\nok", 0);
    client_close(&old);
    client_close(&new);

    FILE *file = fopen(secure.pair.key, "w");
    fputs("not a key\n", file);
    fclose(file);
    assert_false(tls_reload(secure.tls, &fault));
    assert_non_null(strstr(fault.text, "key.pem"));
    client_open(&new, &secure.wire);
    assert_true(client_shake(&new));
    assert_true(str_equal(peer_name(&new, name, sizeof(name)), STR("second")));
    client_close(&new);
    end(&secure);
}

static void a_certificate_and_the_key_of_another_are_refused(void **state)
{
    struct pair one, other;
    struct tls *tls = NULL;
    struct fault fault = {0};
    pair_begin(&one);
    pair_begin(&other);
    assert_false(tls_open(one.cert, other.key, &tls, &fault));
    assert_non_null(strstr(fault.text, other.key));
    assert_false(tls_open("/nowhere/cert.pem", other.key, &tls, &fault));
    assert_non_null(strstr(fault.text, "/nowhere/cert.pem"));
    assert_null(tls);
    pair_end(&one);
    pair_end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_over_tls),
        cmocka_unit_test(tls_1_2_is_spoken_and_1_1_is_not),
        cmocka_unit_test(only_http_1_1_is_chosen_by_alpn),
        cmocka_unit_test(much_is_sent_whole_to_a_slow_reader_and_taken_from_a_fast_writer),
        cmocka_unit_test(a_file_is_sent_whole),
        cmocka_unit_test(a_handshake_that_takes_too_long_is_ended),
        cmocka_unit_test(plain_http_is_told_and_ended_without_a_reset),
        cmocka_unit_test(a_new_certificate_is_for_new_connections_and_a_broken_one_for_none),
        cmocka_unit_test(a_certificate_and_the_key_of_another_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
