/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/password.h"

#include "base/thread.h"

#include <poll.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define OPSLIMIT 2
#define MEMLIMIT MIB(64)

static_assert(PASSWORD_HASH_MAX == crypto_pwhash_STRBYTES, "room for libsodium's text");

/* Well formed, with our cost, and the hash of nothing: what unknown accounts are checked against.
 */
static const char nobody[PASSWORD_HASH_MAX] =
    "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct work {
    bool is_check, has_stored;
    char stored[PASSWORD_HASH_MAX];
    char password[PASSWORD_MAX];
    size_t len;
    struct queue *deliver_to;
    void *context;
};

struct hasher {
    struct queue *waiting;
    pthread_t thread;
    atomic_bool is_stopping;
};

bool password_is_fit(str password, struct fault *fault)
{
    if (!utf8_is_valid(password))
        return fault_set(fault, FAULT_INPUT, "The password is not valid text.");
    if (password.len < PASSWORD_MIN)
        return fault_set(fault, FAULT_INPUT, "Choose a password of at least %d characters.",
                         PASSWORD_MIN);
    if (password.len > PASSWORD_MAX)
        return fault_set(fault, FAULT_INPUT, "Choose a password of at most %d bytes.",
                         PASSWORD_MAX);
    return true;
}

/* False and a text that fits no password when it cannot be a stored hash. */
static bool copy_stored(str stored, char out[PASSWORD_HASH_MAX])
{
    memcpy(out, nobody, PASSWORD_HASH_MAX);
    if (stored.len == 0 || stored.len >= PASSWORD_HASH_MAX)
        return false;
    memset(out, 0, PASSWORD_HASH_MAX);
    memcpy(out, stored.at, stored.len);
    if (crypto_pwhash_str_needs_rehash(out, OPSLIMIT, MEMLIMIT) >= 0)
        return true;
    memcpy(out, nobody, PASSWORD_HASH_MAX);
    return false;
}

bool password_hash(str password, char out[PASSWORD_HASH_MAX], struct fault *fault)
{
    if (sodium_init() < 0)
        return fault_set(fault, FAULT_SYSTEM, "libsodium does not start");
    if (crypto_pwhash_str(out, password.at, password.len, OPSLIMIT, MEMLIMIT) != 0)
        return fault_set(fault, FAULT_TRANSIENT, "There was not enough memory. Try again.");
    return true;
}

bool password_matches(str password, str stored)
{
    char hash[PASSWORD_HASH_MAX];
    bool known = copy_stored(stored, hash);
    bool matches = crypto_pwhash_str_verify(hash, password.at, password.len) == 0;
    sodium_memzero(hash, sizeof(hash));
    return known && matches;
}

static void work_free(struct work *work)
{
    sodium_memzero(work, sizeof(*work));
    free(work);
}

void hash_result_free(struct hash_result *result)
{
    if (result == NULL)
        return;
    sodium_memzero(result, sizeof(*result));
    free(result);
}

static void make(struct work *work, struct hash_result *result)
{
    bool made = password_hash((str){work->password, work->len}, result->hash, NULL);
    result->outcome = made ? HASH_MADE : HASH_NO_MEMORY;
}

static void check(struct work *work, struct hash_result *result)
{
    bool matches = crypto_pwhash_str_verify(work->stored, work->password, work->len) == 0;
    result->outcome = matches && work->has_stored ? HASH_MATCHES : HASH_DIFFERS;
    if (result->outcome != HASH_MATCHES ||
        crypto_pwhash_str_needs_rehash(work->stored, OPSLIMIT, MEMLIMIT) == 0)
        return;

    /* An older, cheaper hash: now that the password is at hand, offer a better one. */
    if (!password_hash((str){work->password, work->len}, result->hash, NULL))
        memset(result->hash, 0, sizeof(result->hash));
}

/* A receiver that made its queue too small only slows this thread down. */
static void deliver(struct hasher *hasher, struct queue *to, struct hash_result *result)
{
    while (!queue_put(to, result)) {
        if (atomic_load(&hasher->is_stopping)) {
            hash_result_free(result);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void *hasher_run(void *context)
{
    struct hasher *hasher = context;
    while (!atomic_load(&hasher->is_stopping)) {
        void *item;
        if (queue_take(hasher->waiting, &item, 1) == 0) {
            poll(&(struct pollfd){.fd = queue_fd(hasher->waiting), .events = POLLIN}, 1, -1);
            continue;
        }
        struct work *work = item;
        struct hash_result *result = memory_zeroed(sizeof(*result));
        struct queue *to = work->deliver_to;
        result->context = work->context;
        if (work->is_check)
            check(work, result);
        else
            make(work, result);
        work_free(work);
        deliver(hasher, to, result);
    }
    return NULL;
}

/* Signals are for the main thread. */
struct hasher *hasher_new(struct fault *fault)
{
    if (sodium_init() < 0) {
        fault_set(fault, FAULT_SYSTEM, "libsodium does not start");
        return NULL;
    }
    struct queue *waiting = queue_new(HASHER_QUEUE_MAX, fault);
    if (waiting == NULL)
        return NULL;
    struct hasher *hasher = memory_zeroed(sizeof(*hasher));
    hasher->waiting = waiting;
    if (!thread_start(&hasher->thread, "hash", hasher_run, hasher, fault)) {
        queue_free(waiting);
        free(hasher);
        return NULL;
    }
    return hasher;
}

void hasher_free(struct hasher *hasher)
{
    if (hasher == NULL)
        return;
    atomic_store(&hasher->is_stopping, true);
    queue_wake(hasher->waiting);
    pthread_join(hasher->thread, NULL);

    void *work;
    while (queue_take(hasher->waiting, &work, 1) == 1)
        work_free(work);
    queue_free(hasher->waiting);
    free(hasher);
}

static bool put(struct hasher *hasher, struct work *work)
{
    bool fits = queue_put(hasher->waiting, work);
    if (!fits)
        work_free(work);
    return fits;
}

static struct work *work_new(str password, struct queue *deliver_to, void *context)
{
    struct work *work = memory_zeroed(sizeof(*work));
    assert(password.len <= sizeof(work->password));
    if (password.len != 0)
        memcpy(work->password, password.at, password.len);
    work->len = password.len;
    work->deliver_to = deliver_to;
    work->context = context;
    return work;
}

bool hasher_make(struct hasher *hasher, str password, struct queue *deliver_to, void *context)
{
    return put(hasher, work_new(password, deliver_to, context));
}

bool hasher_check(struct hasher *hasher, str password, str stored, struct queue *deliver_to,
                  void *context)
{
    /* What no account can have is compared with nobody, at the same cost. */
    bool is_fit = password_is_fit(password, NULL);
    struct work *work = work_new(is_fit ? password : STR("-"), deliver_to, context);
    work->is_check = true;
    work->has_stored = copy_stored(is_fit ? stored : STR(""), work->stored);
    return put(hasher, work);
}
