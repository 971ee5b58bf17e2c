/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/attempts.h"

#include "base/encode.h"
#include "base/hash.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#define KEYS_MAX_DEFAULT 16384
#define WAYS 8 /* places where a key may stand */

struct tries {
    uint64_t key;    /* keyed hash; 0: free */
    int64_t since;   /* start of the running bucket, in microseconds */
    uint32_t now;    /* in the running bucket */
    uint32_t before; /* in the one before it */
};

struct attempts {
    pthread_mutex_t lock;
    uint32_t limit;
    int64_t window;
    size_t sets; /* power of two */
    struct tries *table;
};

struct attempts *attempts_new(const struct attempts_options *options)
{
    assert(options->limit > 0 && options->window.us > 0);
    size_t wanted = options->keys_max == 0 ? KEYS_MAX_DEFAULT : options->keys_max;
    struct attempts *attempts = memory_zeroed(sizeof(*attempts));
    pthread_mutex_init(&attempts->lock, NULL);
    attempts->limit = options->limit;
    attempts->window = options->window.us;
    attempts->sets = 1;
    while (attempts->sets * WAYS < wanted)
        attempts->sets *= 2;
    attempts->table = memory_zeroed(attempts->sets * WAYS * sizeof(*attempts->table));
    return attempts;
}

void attempts_free(struct attempts *attempts)
{
    if (attempts == NULL)
        return;
    pthread_mutex_destroy(&attempts->lock);
    free(attempts->table);
    free(attempts);
}

static uint64_t key_hash(str key)
{
    uint64_t hash = hash_bytes(key.at, key.len);
    return hash == 0 ? 1 : hash;
}

static struct tries *set_of(struct attempts *attempts, uint64_t key)
{
    return attempts->table + (key & (attempts->sets - 1)) * WAYS;
}

static struct tries *find(struct attempts *attempts, uint64_t key)
{
    struct tries *set = set_of(attempts, key);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* Moves the buckets on to now. A clock that went back leaves them where they are. */
static void slide(struct tries *tries, int64_t window, int64_t now)
{
    int64_t passed = now - tries->since;
    if (passed < window)
        return;
    tries->before = passed < 2 * window ? tries->now : 0;
    tries->now = 0;
    tries->since = passed < 2 * window ? tries->since + window : now;
}

/* A free place, or the one whose key has tried least. */
static struct tries *make_room(struct attempts *attempts, uint64_t key, int64_t now)
{
    struct tries *set = set_of(attempts, key);
    struct tries *least = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key != 0)
            slide(&set[i], attempts->window, now);
        if (set[i].now + set[i].before < least->now + least->before ||
            (set[i].key == 0 && least->key != 0))
            least = &set[i];
    }
    *least = (struct tries){.key = key, .since = now};
    return least;
}

/* Until `count` tries of a bucket that ended weigh so little that one more fits beside `beside`. */
static int64_t decay(const struct attempts *attempts, uint32_t count, uint32_t beside)
{
    int64_t room = (int64_t)attempts->limit - beside - 1;
    return attempts->window - room * attempts->window / MAX_OF(count, 1U);
}

static int64_t time_to_wait(const struct attempts *attempts, const struct tries *tries,
                            int64_t passed)
{
    if (tries->now < attempts->limit)
        return decay(attempts, tries->before, tries->now) - passed;
    return attempts->window - passed + decay(attempts, tries->now, 0);
}

static bool take(const struct attempts *attempts, struct tries *tries, int64_t now, span *wait)
{
    int64_t passed = MAX_OF(now - tries->since, (int64_t)0);
    int64_t weight = (int64_t)tries->before * (attempts->window - passed) +
                     ((int64_t)tries->now + 1) * attempts->window;
    if (weight <= (int64_t)attempts->limit * attempts->window) {
        tries->now++;
        return true;
    }
    *wait = (span){MAX_OF(time_to_wait(attempts, tries, passed), SECONDS(1).us)};
    return false;
}

bool attempts_take(struct attempts *attempts, str key, instant now, span *wait)
{
    uint64_t hash = key_hash(key);
    *wait = (span){0};
    pthread_mutex_lock(&attempts->lock);
    struct tries *tries = find(attempts, hash);
    if (tries == NULL)
        tries = make_room(attempts, hash, now.us);
    slide(tries, attempts->window, now.us);
    bool taken = take(attempts, tries, now.us, wait);
    pthread_mutex_unlock(&attempts->lock);
    return taken;
}

void attempts_forget(struct attempts *attempts, str key)
{
    pthread_mutex_lock(&attempts->lock);
    struct tries *tries = find(attempts, key_hash(key));
    if (tries != NULL)
        *tries = (struct tries){0};
    pthread_mutex_unlock(&attempts->lock);
}

str attempts_address(struct arena *arena, str peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    str host = str_without_port(peer);
    struct in6_addr six;
    if (inet_pton(AF_INET6, str_zero_ended(arena, host), &six) != 1)
        return host;
    if (memcmp(six.s6_addr, mapped, sizeof(mapped)) == 0) {
        char *four = arena_alloc(arena, INET_ADDRSTRLEN);
        inet_ntop(AF_INET, six.s6_addr + sizeof(mapped), four, INET_ADDRSTRLEN);
        return str_of(four);
    }
    return hex_write(arena, (bytes){six.s6_addr, 8});
}
