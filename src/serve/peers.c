/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/peers.h"

#include "auth/attempts.h"
#include "base/hash.h"

#define BUCKETS_MIN 256
#define WINDOW SECONDS(10)
#define READINGS_MAX 64 /* of one peer, of the 256 that may wait in all */

struct peers {
    struct peer **buckets;
    size_t bucket_count, count; /* the first a power of two */
};

struct peers *peers_new(void)
{
    struct peers *peers = memory_zeroed(sizeof(*peers));
    peers->bucket_count = BUCKETS_MIN;
    peers->buckets = memory_zeroed(BUCKETS_MIN * sizeof(struct peer *));
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    for (size_t i = 0; i < peers->bucket_count; i++)
        for (struct peer *peer = peers->buckets[i]; peer != NULL;) {
            struct peer *next = peer->next;
            free(peer);
            peer = next;
        }
    free(peers->buckets);
    free(peers);
}

static void grow(struct peers *peers)
{
    size_t count = peers->bucket_count * 4;
    struct peer **buckets = memory_zeroed(count * sizeof(struct peer *));
    for (size_t i = 0; i < peers->bucket_count; i++) {
        for (struct peer *peer = peers->buckets[i]; peer != NULL;) {
            struct peer *next = peer->next;
            peer->next = buckets[peer->hash & (count - 1)];
            buckets[peer->hash & (count - 1)] = peer;
            peer = next;
        }
    }
    free(peers->buckets);
    peers->buckets = buckets;
    peers->bucket_count = count;
}

static uint64_t hash_of(const struct identity *identity, str address)
{
    AUTO(arena_done) struct arena arena = {0};
    if (identity != NULL)
        return hash_bytes(identity->token_identifier.at, identity->token_identifier.len) | 1;
    str key = attempts_address(&arena, address);
    return hash_bytes(key.at, key.len) & ~(uint64_t)1;
}

struct peer *peers_find(struct peers *peers, const struct identity *identity, str address)
{
    uint64_t hash = hash_of(identity, address);
    struct peer *peer = peers->buckets[hash & (peers->bucket_count - 1)];
    while (peer != NULL && peer->hash != hash)
        peer = peer->next;
    if (peer != NULL)
        return peer_keep(peer);
    if (peers->count >= peers->bucket_count * 2)
        grow(peers);
    struct peer **bucket = &peers->buckets[hash & (peers->bucket_count - 1)];
    peer = memory_zeroed(sizeof(*peer));
    peer->hash = hash;
    peer->references = 1;
    peer->party.is_known = identity != NULL;
    peer->next = *bucket;
    *bucket = peer;
    peers->count++;
    return peer;
}

struct peer *peer_keep(struct peer *peer)
{
    peer->references++;
    return peer;
}

void peers_drop(struct peers *peers, struct peer *peer)
{
    if (peer == NULL || --peer->references != 0)
        return;
    struct peer **at = &peers->buckets[peer->hash & (peers->bucket_count - 1)];
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    peers->count--;
    free(peer);
}

/* ---- time at the readers ---- */

static bool is_over(const struct peer *peer, instant now)
{
    return instant_since(now, peer->read_since).us > WINDOW.us;
}

void peer_read(struct peer *peer, span time, instant now)
{
    if (is_over(peer, now)) {
        peer->read_since = now;
        peer->read_time = (span){0};
    }
    peer->read_time.us += time.us;
}

bool peer_reads_at_most(const struct peer *peer)
{
    return peer->readings >= READINGS_MAX;
}

bool peer_reads_too_long(const struct peer *peer, size_t readers, instant now)
{
    return !is_over(peer, now) && peer->read_time.us > (int64_t)readers * WINDOW.us / 2;
}
