/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's certificate: read at start, and again when it is asked for (serve/reload.h), so that
 * a renewed one is in use without a restart. Whatever is wrong with the new one is logged, and the
 * old one stays.
 *
 * Owns:     the certificate and key of net/tls.h.
 * Threads:  the loop's.
 * Time:     none.
 * Fails:    secure_open by fault.
 */
#pragma once

#include "net/tls.h"
#include "serve/settings.h"

struct secure;

/* *out stays NULL when the settings name no certificate. */
bool secure_open(const struct server_settings *settings, struct secure **out, struct fault *fault)
    MUST_CHECK;
struct tls *secure_tls(const struct secure *secure); /* NULL of NULL */
void secure_reload(struct secure *secure);
void secure_close(struct secure *secure); /* NULL is accepted */
