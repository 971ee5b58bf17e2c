/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For each session that sent lately, a request number that none of its recorded ones exceeds. A
 * client's numbers only grow, so its next request is known to be new without a look into memory or
 * engine. What is forgotten here is only looked up again.
 */
#include "store/state.h"

#include "base/hash.h"

#include <string.h>

#define SENDER_SETS 16384 /* a power of two */
#define SENDER_WAYS 4

struct sender {
    uint8_t session[16];
    uint32_t highest;
    bool is_set;
};

struct senders {
    struct sender sets[SENDER_SETS][SENDER_WAYS];
    uint32_t turn; /* which way goes next */
};

struct senders *senders_new(void)
{
    return memory_zeroed(sizeof(struct senders));
}

void senders_free(struct senders *senders)
{
    free(senders);
}

static struct sender *set_of(struct senders *senders, const uint8_t session[16])
{
    return senders->sets[hash_bytes(session, 16) % SENDER_SETS];
}

static struct sender *find(struct senders *senders, const uint8_t session[16])
{
    struct sender *set = set_of(senders, session);
    for (size_t i = 0; i < SENDER_WAYS; i++)
        if (set[i].is_set && memcmp(set[i].session, session, 16) == 0)
            return &set[i];
    return NULL;
}

bool senders_highest(struct senders *senders, const uint8_t session[16], uint32_t *highest)
{
    const struct sender *sender = find(senders, session);
    if (sender != NULL)
        *highest = sender->highest;
    return sender != NULL;
}

void senders_put(struct senders *senders, const uint8_t session[16], uint32_t highest)
{
    struct sender *sender = find(senders, session);
    if (sender == NULL)
        sender = &set_of(senders, session)[senders->turn++ % SENDER_WAYS];
    *sender = (struct sender){.highest = highest, .is_set = true};
    memcpy(sender->session, session, 16);
}

void senders_raise(struct senders *senders, const uint8_t session[16], uint32_t request)
{
    struct sender *sender = find(senders, session);
    if (sender != NULL)
        sender->highest = MAX_OF(sender->highest, request);
}
