/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include <pthread.h>
#include <sys/eventfd.h>

struct queue {
    pthread_mutex_t lock;
    int fd;
    size_t max, first, count;
    void **slots;
};

struct queue *queue_new(size_t max, struct fault *fault)
{
    assert(max > 0);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        fault_os(fault, "eventfd");
        return NULL;
    }
    struct queue *queue = memory_zeroed(sizeof(*queue));
    pthread_mutex_init(&queue->lock, NULL);
    queue->fd = fd;
    queue->max = max;
    queue->slots = memory_new(max * sizeof(*queue->slots));
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    fd_close(&queue->fd);
    pthread_mutex_destroy(&queue->lock);
    free(queue->slots);
    free(queue);
}

void queue_wake(struct queue *queue)
{
    uint64_t one = 1;
    ssize_t written = write(queue->fd, &one, sizeof(one));
    (void)written; /* a full counter is a signal too */
}

bool queue_put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    bool fits = queue->count < queue->max;
    bool was_empty = queue->count == 0;
    if (fits) {
        queue->slots[(queue->first + queue->count) % queue->max] = item;
        queue->count++;
    }
    pthread_mutex_unlock(&queue->lock);
    if (fits && was_empty)
        queue_wake(queue);
    return fits;
}

size_t queue_take(struct queue *queue, void **items, size_t max)
{
    pthread_mutex_lock(&queue->lock);
    size_t taken = MIN_OF(max, queue->count);
    for (size_t i = 0; i < taken; i++)
        items[i] = queue->slots[(queue->first + i) % queue->max];
    queue->first = (queue->first + taken) % queue->max;
    queue->count -= taken;
    if (queue->count == 0) {
        uint64_t count;
        ssize_t got = read(queue->fd, &count, sizeof(count));
        (void)got; /* nothing to read is fine */
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

size_t queue_len(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

int queue_fd(const struct queue *queue)
{
    return queue->fd;
}
