/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something did not work: a sentence, and the system's error number if there was one.
 * Platform code takes a struct fault * last and returns false after filling it.
 *
 * Owns:     its text, inline; longer text is cut.
 * Threads:  each fault belongs to one.
 * Time:     none.
 * Fails:    never. A NULL fault is accepted and stays silent.
 */
#pragma once

#include "base/base.h"

#define FAULT_TEXT_MAX 320

/* What the caller may do about it; mapped to wire errors at the edge. */
enum fault_kind {
    FAULT_NONE,
    FAULT_INPUT,     /* the input is wrong: do not retry */
    FAULT_SYSTEM,    /* the system or the disk refused */
    FAULT_TRANSIENT, /* may work later */
    FAULT_FULL,      /* a limit or a full disk */
    FAULT_ABSENT,    /* it is not there */
    FAULT_BUG,
};

struct fault {
    enum fault_kind kind;
    int os_error;
    char text[FAULT_TEXT_MAX];
};

/* Each fills the fault and returns false, so that it can be returned at once. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* "<what>: <strerror(errno)>"; ENOSPC and EDQUOT become FAULT_FULL. */
bool fault_os(struct fault *fault, const char *what);
