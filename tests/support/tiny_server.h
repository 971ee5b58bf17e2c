/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small web server in a thread of the test, which misbehaves as told: the test writes the raw
 * bytes of each answer itself.
 *
 * Owns:     its socket and thread.
 * Threads:  the handler runs in the server's thread, one connection at a time.
 * Time:     none.
 * Fails:    by assert: it is only for tests.
 */
#pragma once

#include "base/str.h"

#include <stdatomic.h>

struct tiny_server;

/* Writes an answer to fd. True: keep the connection for another request. */
typedef bool tiny_handler(void *context, int fd, const char *request);

struct tiny_server *tiny_server_new(tiny_handler *handler, void *context);
void tiny_server_free(struct tiny_server *server);
int tiny_server_port(const struct tiny_server *server);
int tiny_server_connections(const struct tiny_server *server); /* accepted so far */

void tiny_write(int fd, str text);

/* A whole answer with Content-Length. */
void tiny_answer(int fd, int status, const char *headers, str body);
