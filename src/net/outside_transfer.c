/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outside_transfer.h"

#include "base/clock.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_SIZE KIB(4)
#define RETRY_AFTER_MAX HOURS(24)
#define ERROR_BODY_MAX KIB(64) /* of an answer that is not for the file */
#define METHOD_MAX 16

static const struct {
    const char *name, *text;
} errors[] = {
    [OUTSIDE_OK] = {"ok", ""},
    [OUTSIDE_BAD_REQUEST] = {"bad_request", "The address or a header of the request is not valid."},
    [OUTSIDE_REFUSED_ADDRESS] = {"refused_address",
                                 "The address leads inside a private network and was not called."},
    [OUTSIDE_DNS] = {"dns", "The name of the other side could not be resolved."},
    [OUTSIDE_CONNECT] = {"connect", "The other side did not take the connection."},
    [OUTSIDE_TLS] = {"tls", "No secure connection to the other side could be made."},
    [OUTSIDE_TIMEOUT] = {"timeout", "The other side did not answer in time."},
    [OUTSIDE_TOO_BIG] = {"too_big", "The answer of the other side is larger than allowed."},
    [OUTSIDE_TOO_MANY_REDIRECTS] = {"too_many_redirects",
                                    "The other side redirected too many times."},
    [OUTSIDE_TRANSIENT] = {"transient", "The answer of the other side was cut off or malformed."},
    [OUTSIDE_DISK] = {"disk", "The answer could not be written to disk."},
    [OUTSIDE_CANCELLED] = {"cancelled", "The request was cancelled."},
};

const char *outside_error_name(enum outside_error error)
{
    return errors[error].name;
}

static bool is_token(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return s.len > 0;
}

/* Neither line ends nor other control characters: nobody adds headers through a value. */
static bool is_value(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void add_header(struct transfer *transfer, const struct outside_header *header)
{
    if (!is_token(header->name) || !is_value(header->value)) {
        transfer->is_malformed = true;
        return;
    }
    transfer->has_type = transfer->has_type || str_equal_nocase(header->name, STR("content-type"));
    /* curl sends a header without value only when it ends in a semicolon. */
    str line = header->value.len == 0 ? str_format(&transfer->arena, "%.*s;", STR_ARG(header->name))
                                      : str_format(&transfer->arena, "%.*s: %.*s",
                                                   STR_ARG(header->name), STR_ARG(header->value));
    transfer->headers =
        curl_slist_append(transfer->headers, str_zero_ended(&transfer->arena, line));
}

static void ask_for_rest(struct transfer *transfer, const struct outside_request *request)
{
    str from = str_format(&transfer->arena, "bytes=%lld-", (long long)request->file_have);
    add_header(transfer, &(struct outside_header){STR("Range"), from});
    add_header(transfer, &(struct outside_header){STR("If-Range"), request->file_validator});
    transfer->file_have = request->file_have;
}

struct transfer *transfer_new(const struct outside_request *request)
{
    struct transfer *transfer = memory_zeroed(sizeof(*transfer));
    str method = request->method.len == 0 ? STR("GET") : request->method;
    transfer->id = request->id;
    transfer->arena.is_small = true;
    transfer->is_malformed =
        !is_token(method) || method.len > METHOD_MAX || str_find(request->url, 0) >= 0;
    transfer->method = str_zero_ended(&transfer->arena, method);
    transfer->url = str_zero_ended(&transfer->arena, request->url);
    for (size_t i = 0; i < request->header_count; i++)
        add_header(transfer, &request->headers[i]);
    if (request->into_file && request->file_have > 0 && request->file_validator.len != 0)
        ask_for_rest(transfer, request);
    transfer->body = request->body;
    transfer->timeout = request->timeout.us == 0 ? OUTSIDE_TIMEOUT_DEFAULT : request->timeout;
    transfer->slowest = request->slowest;
    transfer->patience = request->patience;
    transfer->response_max =
        request->response_max == 0 ? OUTSIDE_RESPONSE_MAX_DEFAULT : request->response_max;
    transfer->into_file = request->into_file;
    transfer->allow_private = request->allow_private;
    bool may_follow = str_equal(method, STR("GET")) || str_equal(method, STR("HEAD"));
    transfer->redirects_max = may_follow ? request->redirects_max : 0;
    transfer->deliver_to = request->deliver_to;
    transfer->received = buffer_with_max(transfer->response_max);
    transfer->started = clock_monotonic();
    transfer->result = memory_zeroed(sizeof(*transfer->result));
    transfer->result->id = request->id;
    transfer->result->context = request->context;
    transfer->result->file = request->into_file ? request->file : -1;
    transfer->result->file_len = transfer->file_have;
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    shared_drop(transfer->body);
    buffer_done(&transfer->received);
    free(transfer->hashing);
    outside_result_free(transfer->result);
    arena_done(&transfer->arena);
    free(transfer);
}

void transfer_give_back(struct transfer *transfer)
{
    transfer->body = NULL;
    transfer->result->file = -1;
    transfer_free(transfer);
}

void outside_result_free(struct outside_result *result)
{
    if (result == NULL)
        return;
    shared_drop(result->body);
    fd_close(&result->file);
    arena_done(&result->arena);
    free(result);
}

/* The resolved address, before any packet is sent to it. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!transfer->allow_private && outside_address_is_inside(&address->addr))) {
        transfer->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A kept connection may have been made for a request that was allowed more. */
static int on_connected(void *context, char *address, char *local, int port, int local_port)
{
    struct transfer *transfer = context;
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    bool is_inside = true;
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
        is_inside = outside_address_is_inside((struct sockaddr *)&four);
    else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
        is_inside = outside_address_is_inside((struct sockaddr *)&six);
    if (!is_inside || transfer->allow_private)
        return CURL_PREREQFUNC_OK;
    transfer->was_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

static void keep_header(struct outside_result *result, str line)
{
    str name;
    str value = line;
    if (result->header_count == OUTSIDE_HEADERS_MAX || !str_split(&value, ':', &name) ||
        name.len == line.len || name.len == 0)
        return;
    if (result->headers == NULL)
        result->headers = arena_array(&result->arena, struct outside_header, OUTSIDE_HEADERS_MAX);
    char *lower = arena_copy(&result->arena, name.at, name.len);
    for (size_t i = 0; i < name.len; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + ('a' - 'A'));
    result->headers[result->header_count++] =
        (struct outside_header){{lower, name.len}, str_copy(&result->arena, str_trim(value))};
}

static size_t on_header(char *at, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    str line = str_trim((str){at, size * count});
    transfer->header_bytes += line.len;
    if (transfer->header_bytes > OUTSIDE_HEADER_BYTES_MAX) {
        transfer->is_too_big = true;
        return 0;
    }
    if (str_starts(line, STR("HTTP/"))) /* of another answer: interim, or after a redirect */
        transfer->result->header_count = 0;
    else
        keep_header(transfer->result, line);
    return size * count;
}

static bool is_for_file(struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return transfer->into_file && status >= 200 && status < 300;
}

/* "bytes 100-199/200": it begins where we stopped; how large the whole is, if it is said. */
static bool is_our_part(struct transfer *transfer)
{
    str value = outside_header_value(transfer->result, "content-range"), from, to;
    int64_t first, last;
    if (!str_starts(value, STR("bytes ")))
        return false;
    value = str_slice(value, STR("bytes ").len, value.len);
    if (!str_split(&value, '-', &from) || !str_split(&value, '/', &to) ||
        !str_to_int(from, &first) || !str_to_int(to, &last) || first != transfer->file_have)
        return false;
    return str_equal(value, STR("*")) ||
           (str_to_int(value, &transfer->file_whole) && transfer->file_whole == last + 1);
}

/* What is there already counts in the hash. */
static bool hash_again(struct transfer *transfer)
{
    uint8_t part[KIB(16)];
    int64_t done = 0;
    while (done < transfer->file_have) {
        size_t want = (size_t)MIN_OF((int64_t)sizeof(part), transfer->file_have - done);
        ssize_t got = pread(transfer->result->file, part, want, done);
        if (got <= 0)
            return false;
        crypto_hash_sha256_update(transfer->hashing, part, (size_t)got);
        done += got;
    }
    return true;
}

/* Before the first byte goes into it: behind what is there, or at its start again. */
static bool begin_file(struct transfer *transfer)
{
    long status = 0;
    int fd = transfer->result->file;
    transfer->is_file_begun = true;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 206 && !is_our_part(transfer)) {
        transfer->is_odd_part = true;
        return false;
    }
    if (status != 206)
        transfer->file_have = 0;
    transfer->result->file_len = transfer->file_have;
    transfer->is_disk_error = ftruncate(fd, transfer->file_have) != 0 ||
                              lseek(fd, transfer->file_have, SEEK_SET) < 0 || !hash_again(transfer);
    return !transfer->is_disk_error;
}

static size_t into_file(struct transfer *transfer, const char *at, size_t len)
{
    struct outside_result *result = transfer->result;
    if (!transfer->is_file_begun && !begin_file(transfer))
        return 0;
    if (len > transfer->response_max - (size_t)result->file_len) {
        transfer->is_too_big = true;
        return 0;
    }
    if (!file_write_all(result->file, (bytes){(const uint8_t *)at, len})) {
        transfer->is_disk_error = true;
        return 0;
    }
    crypto_hash_sha256_update(transfer->hashing, (const uint8_t *)at, len);
    result->file_len += (int64_t)len;
    result->file_came += (int64_t)len;
    return len;
}

static size_t on_body(char *at, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * count;
    if (is_for_file(transfer))
        return into_file(transfer, at, len);
    if (transfer->into_file && transfer->received.len + len > ERROR_BODY_MAX)
        len = ERROR_BODY_MAX - transfer->received.len; /* the start of a complaint is enough */
    buffer_add(&transfer->received, at, len);
    if (transfer->received.is_over) {
        transfer->is_too_big = true;
        return 0;
    }
    return size * count;
}

static bool has_method(const struct transfer *transfer, const char *method)
{
    return strcmp(transfer->method, method) == 0;
}

static CURLcode set_method(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    bool has_body = transfer->body != NULL;
    if (!has_body && has_method(transfer, "GET"))
        return CURLE_OK;
    if (!has_body && has_method(transfer, "HEAD"))
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);

    CURLcode code = CURLE_OK;
    if (has_body || has_method(transfer, "POST") || has_method(transfer, "PUT")) {
        str body = shared_text(transfer->body);
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.at == NULL ? "" : body.at);
        if (!transfer->has_type) /* else curl calls it a form */
            transfer->headers = curl_slist_append(transfer->headers, "Content-Type:");
    }
    code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    return code;
}

static CURLcode set_limits(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    long timeout = (long)MAX_OF(transfer->timeout.us / 1000, (int64_t)1);
    long connect = MIN_OF(timeout, (long)(OUTSIDE_CONNECT_TIMEOUT.us / 1000));
    CURLcode code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
    code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
    code |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)transfer->slowest);
    code |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(transfer->patience.us / 1000000));
    code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, transfer->redirects_max > 0 ? 1L : 0L);
    code |= curl_easy_setopt(easy, CURLOPT_MAXREDIRS, transfer->redirects_max);
    if (!has_method(transfer, "HEAD")) /* refused by its announced length already */
        code |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                                 (curl_off_t)MIN_OF(transfer->response_max, (size_t)INT64_MAX));
    code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    code |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    if (!transfer->into_file) /* a thousand may wait at once, each with a buffer of its own */
        code |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
    code |= curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* it would hide the address */
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for the resolver */
    return code;
}

static CURLcode set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    code |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    code |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    code |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return code;
}

bool transfer_start(struct transfer *transfer, const struct outside_options *options)
{
    transfer->is_started = true;
    transfer->easy = curl_easy_init();
    if (transfer->is_malformed || transfer->easy == NULL) {
        transfer_fail(transfer, transfer->is_malformed ? OUTSIDE_BAD_REQUEST : OUTSIDE_TRANSIENT);
        return false;
    }
    if (transfer->into_file) {
        transfer->hashing = memory_new(sizeof(crypto_hash_sha256_state));
        crypto_hash_sha256_init(transfer->hashing);
    }

    CURL *easy = transfer->easy;
    CURLcode code = set_method(transfer) | set_limits(transfer) | set_callbacks(transfer);
    code |= curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
    code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
    if (options->ca_file != NULL)
        code |= curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->trusts_anyone ? 0L : 1L);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->trusts_anyone ? 0L : 2L);
    if (code == CURLE_OK)
        return true;
    transfer_fail(transfer, OUTSIDE_TRANSIENT);
    return false;
}

static enum outside_error error_of(const struct transfer *transfer, CURLcode code)
{
    if (transfer->is_too_big)
        return OUTSIDE_TOO_BIG;
    if (transfer->is_disk_error)
        return OUTSIDE_DISK;
    bool is_short = transfer->file_whole != 0 && transfer->result->file_len != transfer->file_whole;
    if (transfer->is_odd_part || (code == CURLE_OK && is_short))
        return OUTSIDE_TRANSIENT;
    char *address = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address);
    bool was_called = address != NULL && address[0] != 0;
    switch (code) {
    case CURLE_OK:
        return OUTSIDE_OK;
    case CURLE_URL_MALFORMAT:
        return OUTSIDE_BAD_REQUEST;
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, of a redirect, or an answer without a head */
        return was_called && transfer->result->status == 0 ? OUTSIDE_TRANSIENT
                                                           : OUTSIDE_BAD_REQUEST;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_COULDNT_CONNECT:
        return transfer->was_refused ? OUTSIDE_REFUSED_ADDRESS : OUTSIDE_CONNECT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return OUTSIDE_DNS;
    case CURLE_OPERATION_TIMEDOUT:
        return OUTSIDE_TIMEOUT;
    case CURLE_FILESIZE_EXCEEDED:
        return OUTSIDE_TOO_BIG;
    case CURLE_TOO_MANY_REDIRECTS:
        return OUTSIDE_TOO_MANY_REDIRECTS;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return OUTSIDE_TLS;
    default:
        return OUTSIDE_TRANSIENT;
    }
}

/* Seconds or a date; strange ones are not there, long ones are cut. */
static void read_retry_after(struct outside_result *result)
{
    str value = outside_header_value(result, "retry-after");
    int64_t seconds;
    if (value.len == 0)
        return;
    if (!str_to_int(value, &seconds)) {
        time_t at = curl_getdate(str_zero_ended(&result->arena, value), NULL);
        if (at < 0)
            return;
        seconds = MAX_OF((int64_t)at - clock_now().us / 1000000, (int64_t)0);
    }
    if (seconds < 0)
        return;
    result->has_retry_after = true;
    result->retry_after = SECONDS(MIN_OF(seconds, RETRY_AFTER_MAX.us / 1000000));
}

void transfer_fail(struct transfer *transfer, enum outside_error error)
{
    struct outside_result *result = transfer->result;
    result->error = error;
    snprintf(result->text, sizeof(result->text), "%s", errors[error].text);
    result->took = instant_since(clock_monotonic(), transfer->started);
    transfer->is_done = true;
}

void transfer_finish(struct transfer *transfer, CURLcode code)
{
    struct outside_result *result = transfer->result;
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    result->status = (int)status;
    if (code == CURLE_OK && transfer->received.len != 0)
        result->body = shared_copy(buffer_text(&transfer->received));
    buffer_done(&transfer->received);
    if (transfer->hashing != NULL)
        crypto_hash_sha256_final(transfer->hashing, result->file_sha256);
    read_retry_after(result);
    transfer_fail(transfer, error_of(transfer, code));
}

str outside_header_value(const struct outside_result *result, const char *name)
{
    for (size_t i = 0; i < result->header_count; i++)
        if (str_equal(result->headers[i].name, str_of(name)))
            return result->headers[i].value;
    return (str){0};
}
