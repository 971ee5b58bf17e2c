/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/fetching.h"

#include <fcntl.h>

struct fetch {
    struct fetch *next;
    uint64_t run;
    const struct work *work;
    bool is_begun;
    int64_t parts;
};

struct fetches {
    struct fetches_options options;
    struct fetch *first;
    size_t under_way;
};

struct fetches *fetches_new(const struct fetches_options *options)
{
    struct fetches *fetches = memory_zeroed(sizeof(*fetches));
    fetches->options = *options;
    return fetches;
}

static struct fetch **find(struct fetches *fetches, uint64_t run)
{
    struct fetch **at = &fetches->first;
    while (*at != NULL && (*at)->run != run)
        at = &(*at)->next;
    return at;
}

static void drop(struct fetches *fetches, struct fetch **at)
{
    struct fetch *gone = *at;
    *at = gone->next;
    fetches->under_way -= gone->is_begun;
    free(gone);
}

void fetches_free(struct fetches *fetches)
{
    if (fetches == NULL)
        return;
    while (fetches->first != NULL)
        drop(fetches, &fetches->first);
    free(fetches);
}

/* ---- requests ---- */

static bool send(struct fetches *fetches, const struct fetch *fetch, int file, int64_t have,
                 str validator)
{
    const struct work *work = fetch->work;
    struct outside_request request = {
        .id = fetch->run,
        .method = STR("GET"),
        .url = work->url,
        .timeout = work->timeout,
        .response_max = work->response_max,
        .allow_private = work->allow_private,
        /* Who was let in by name may not send us on to another inside. */
        .redirects_max = work->allow_private ? 0 : 3,
        .file = file,
        .into_file = true,
        .file_have = have,
        .file_validator = validator,
        .deliver_to = fetches->options.answers,
    };
    return outside_send(fetches->options.outside, &request);
}

static bool begin(struct fetches *fetches, struct fetch *fetch)
{
    int file = open(fetches->options.temp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0 || !send(fetches, fetch, file, 0, (str){0})) {
        fd_close(&file);
        return false;
    }
    fetch->is_begun = true;
    fetches->under_way++;
    return true;
}

/* What nobody knows the expiry of comes last; equal ones in the order they came. */
static bool is_sooner(const struct fetch *a, const struct fetch *b)
{
    int64_t left = a->work->expires_at.us, right = b->work->expires_at.us;
    if (left == right)
        return a->run < b->run;
    return right == 0 || (left != 0 && left < right);
}

static struct fetch *soonest(struct fetches *fetches)
{
    struct fetch *best = NULL;
    for (struct fetch *at = fetches->first; at != NULL; at = at->next)
        if (!at->is_begun && (best == NULL || is_sooner(at, best)))
            best = at;
    return best;
}

uint64_t fetches_begin(struct fetches *fetches)
{
    while (fetches->under_way < FETCHES_AT_ONCE) {
        struct fetch *next = soonest(fetches);
        if (next == NULL)
            return 0;
        if (begin(fetches, next))
            continue;
        uint64_t run = next->run;
        drop(fetches, find(fetches, run));
        return run;
    }
    return 0;
}

bool fetches_start(struct fetches *fetches, uint64_t run, const struct work *work)
{
    struct fetch *fetch = memory_zeroed(sizeof(*fetch));
    *fetch = (struct fetch){.next = fetches->first, .run = run, .work = work};
    fetches->first = fetch;
    if (fetches->under_way >= FETCHES_AT_ONCE || begin(fetches, fetch))
        return true;
    drop(fetches, &fetches->first);
    return false;
}

bool fetches_cancel(struct fetches *fetches, uint64_t run)
{
    struct fetch **at = find(fetches, run);
    if (*at == NULL || (*at)->is_begun)
        return false;
    drop(fetches, at);
    return true;
}

/* ---- what came ---- */

/* A strong one only: a weak one does not promise the same bytes. */
static str validator_of(const struct outside_result *answer)
{
    str tag = outside_header_value(answer, "etag");
    if (tag.len != 0 && !str_starts(tag, STR("W/")))
        return tag;
    return outside_header_value(answer, "last-modified");
}

static bool may_go_on(const struct fetch *fetch, const struct outside_result *answer)
{
    bool was_cut = answer->error == OUTSIDE_TRANSIENT || answer->error == OUTSIDE_TIMEOUT;
    bool has_more = answer->status == 200 || answer->status == 206;
    return was_cut && has_more && answer->file >= 0 && answer->file_came > 0 &&
           fetch->parts < FETCH_PARTS_MAX && validator_of(answer).len != 0;
}

bool fetches_go_on(struct fetches *fetches, struct outside_result *answer)
{
    struct fetch **at = find(fetches, answer->id);
    if (*at == NULL)
        return false;
    struct fetch *fetch = *at;
    fetch->parts++;
    if (may_go_on(fetch, answer) &&
        send(fetches, fetch, answer->file, answer->file_len, validator_of(answer))) {
        answer->file = -1;
        return true;
    }
    drop(fetches, at);
    return false;
}
