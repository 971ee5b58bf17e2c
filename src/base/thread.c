/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

bool thread_start(pthread_t *out, const char *name, void *(*run)(void *context), void *context,
                  struct fault *fault)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(out, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return fault_set(fault, FAULT_SYSTEM, "cannot start the %s thread", name);
    pthread_setname_np(*out, name);
    return true;
}
