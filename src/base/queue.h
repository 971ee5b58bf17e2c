/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue between threads, with an eventfd that the receiver polls. What is put in belongs
 * to the receiver. The descriptor is signalled only when the queue was empty.
 *
 * Owns:     its slots and the descriptor; not the items.
 * Threads:  any may put; one takes.
 * Time:     none.
 * Fails:    queue_put answers false when the queue is full: the caller sheds.
 */
#pragma once

#include "base/base.h"
#include "base/fault.h"

struct queue;

/* NULL when the system gives no descriptor. */
struct queue *queue_new(size_t max, struct fault *fault);
void queue_free(struct queue *queue);

bool queue_put(struct queue *queue, void *item) MUST_CHECK;

/* Up to max items in order; 0 when it is empty. Clears the signal when it empties the queue. */
size_t queue_take(struct queue *queue, void **items, size_t max);
size_t queue_len(struct queue *queue);

/* Readable when something may be in the queue; for epoll and poll. */
int queue_fd(const struct queue *queue);

/* Signals the receiver without an item. */
void queue_wake(struct queue *queue);
