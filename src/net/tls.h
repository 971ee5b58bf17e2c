/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and 1.3 for the server's side of a stream: another set of stream_ops. The handshake is
 * done by the first reads, so whatever limits the time of a head limits it too. HTTP/1.1 is the
 * only protocol offered (ALPN). A peer that speaks plain HTTP is told so and let go.
 *
 * Owns:     certificate and key as they were when read; a connection keeps those it began with.
 * Threads:  any; each stream one at a time. Whoever serves must ignore SIGPIPE.
 * Time:     none.
 * Fails:    by fault when the files are not a certificate and its key; streams as streams do.
 */
#pragma once

#include "base/fault.h"
#include "net/stream.h"

struct tls;

/* Both files are PEM; the certificate's holds the chain, its own first. The names are kept. */
bool tls_open(const char *cert, const char *key, struct tls **out, struct fault *fault) MUST_CHECK;

/* Reads the files again, for connections from now on. When they are broken nothing changes. */
bool tls_reload(struct tls *tls, struct fault *fault) MUST_CHECK;

void tls_close(struct tls *tls); /* streams may outlive it; NULL is accepted */

/* Makes the stream of an accepted descriptor one that speaks TLS. False: no memory. */
bool tls_begin(struct tls *tls, struct stream *stream) MUST_CHECK;
