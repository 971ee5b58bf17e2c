/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the outside: one thread with curl. A request is handed over whole; its one result
 * comes as a struct outside_result in the queue that the caller named and polls. Addresses inside
 * (private, loopback, link-local, carrier, multicast …) are refused after the name was resolved,
 * at each connection and each redirect, unless the request allows them. Environment proxies and
 * .netrc are not used. Bodies and headers are never logged.
 *
 * Owns:     copies of method, URL and headers, the body's reference, the file. Results are the
 *           receiver's: outside_result_free.
 * Threads:  outside_send and outside_cancel in any.
 * Time:     deadlines are absolute, on the monotonic clock of its own thread.
 * Fails:    outside_send answers false when OUTSIDE_UNDER_WAY_MAX are under way; else every request
 *           gets exactly one result, also when it was cancelled. At outside_free: none.
 */
#pragma once

#include "base/fault.h"
#include "base/queue.h"
#include "base/shared.h"

#define OUTSIDE_UNDER_WAY_MAX 2048
#define OUTSIDE_HEADERS_MAX 100
#define OUTSIDE_HEADER_BYTES_MAX KIB(64)
#define OUTSIDE_RESPONSE_MAX_DEFAULT MIB(16)
#define OUTSIDE_TIMEOUT_DEFAULT SECONDS(60)
#define OUTSIDE_CONNECT_TIMEOUT SECONDS(10)

struct outside_header {
    str name, value;
};

struct outside_request {
    uint64_t id; /* the caller's, for outside_cancel; unique among those under way */
    str method;  /* empty: GET */
    str url;     /* http or https */
    const struct outside_header *headers;
    size_t header_count;
    struct shared *body;      /* reference taken when accepted; NULL: none */
    span timeout;             /* for all of it; 0: the default */
    int64_t slowest;          /* bytes a second; slower for so long is a timeout; 0: any will do */
    span patience;            /* so long; whole seconds */
    size_t response_max;      /* bytes of body; 0: the default */
    bool into_file;           /* the body of a 2xx goes to file instead of memory */
    int file;                 /* taken when accepted; handed back in the result */
    int64_t file_have;        /* so much is in it from before: only the rest is asked for */
    str file_validator;       /* of what is in it (ETag or Last-Modified); else all comes anew */
    bool allow_private;       /* the operator named this address */
    int redirects_max;        /* GET and HEAD only. 0: a 3xx is an answer like any other. */
    struct queue *deliver_to; /* needs room for what the caller has under way */
    void *context;            /* handed back */
};

enum outside_error {
    OUTSIDE_OK,          /* an answer came whole, whatever its status */
    OUTSIDE_BAD_REQUEST, /* the URL, the method or a header */
    OUTSIDE_REFUSED_ADDRESS,
    OUTSIDE_DNS,
    OUTSIDE_CONNECT,
    OUTSIDE_TLS,
    OUTSIDE_TIMEOUT,
    OUTSIDE_TOO_BIG,
    OUTSIDE_TOO_MANY_REDIRECTS,
    OUTSIDE_TRANSIENT, /* cut off, malformed: may work later */
    OUTSIDE_DISK,      /* the file could not be written */
    OUTSIDE_CANCELLED,
};

struct outside_result {
    uint64_t id;
    void *context;
    enum outside_error error;
    char text[200];                 /* a sentence, when error is set; no URL, no body */
    int status;                     /* 0 when no answer came */
    struct outside_header *headers; /* of the last answer; names in lower case */
    size_t header_count;
    struct shared *body; /* NULL when empty or in the file */
    int file;            /* -1 unless into_file */
    int64_t file_len;    /* bytes in the file, with those from before; also when it was cut off */
    int64_t file_came;   /* of them by this request */
    uint8_t file_sha256[32];
    bool has_retry_after;
    span retry_after;
    span took;
    struct arena arena;
};

struct outside;

struct outside_options {
    const char *user_agent; /* NULL: "atelier" */
    const char *ca_file;    /* NULL: the system's */
    long per_host_max;      /* connections; 0: 16 */
    bool trusts_anyone;     /* no certificate is checked: for our own server on this machine */
};

struct outside *outside_new(const struct outside_options *options, struct fault *fault);
void outside_free(struct outside *outside); /* drops what is under way */

bool outside_send(struct outside *outside, const struct outside_request *request) MUST_CHECK;
void outside_cancel(struct outside *outside, uint64_t id); /* unknown ids are ignored */
size_t outside_under_way(struct outside *outside);

str outside_header_value(const struct outside_result *result, const char *name); /* lower case */
const char *outside_error_name(enum outside_error error); /* "timeout", for logs and metrics */
void outside_result_free(struct outside_result *result);

/* Is this address one that a stranger may not make us call? For IPv4 and IPv6, mapped ones too. */
struct sockaddr;
bool outside_address_is_inside(const struct sockaddr *address);
