/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_says.h"

#include <string.h>

void said_done(struct said *said)
{
    buffer_done(&said->body);
}

void says_refusal(struct said *said, int status, const char *words)
{
    said->status = status;
    buffer_format(&said->body, "{\"error\":{\"message\":\"%s\"},\"detail\":\"%s\"}", words, words);
}

/* Bytes or an address for each, as the order's number has it. */
static void write_openai(struct said *said, const struct commission *order)
{
    buffer_str(&said->body, STR("{\"created\":1,\"data\":["));
    for (int64_t i = 0; i < order->sends; i++) {
        if (order->number % 2 == 0)
            buffer_format(&said->body, "%s{\"url\":\"https://made.example/%lld/%lld.png\"}",
                          i == 0 ? "" : ",", (long long)order->number, (long long)i);
        else
            buffer_format(&said->body, "%s{\"b64_json\":\"cGljdHVyZQ==\"}", i == 0 ? "" : ",");
    }
    buffer_str(&said->body, STR("]}"));
}

static void write_addresses(struct said *said, const struct commission *order, const char *before,
                            const char *behind)
{
    for (int64_t i = 0; i < order->sends; i++)
        buffer_format(&said->body, "%s%s\"https://made.example/%lld/%lld.png\"%s",
                      i == 0 ? "" : ",", before, (long long)order->number, (long long)i, behind);
}

static void write_replicate(struct said *said, const struct commission *order, const char *status,
                            bool is_renamed)
{
    buffer_format(&said->body, "{\"id\":\"order-%lld%s\",\"status\":\"%s\"",
                  (long long)order->number, is_renamed ? "-again" : "", status);
    if (strcmp(status, "succeeded") == 0) {
        buffer_str(&said->body, STR(",\"output\":["));
        write_addresses(said, order, "", "");
        buffer_str(&said->body, STR("],\"metrics\":{\"predict_time\":2.5}"));
    } else if (strcmp(status, "failed") == 0) {
        buffer_str(&said->body, STR(",\"error\":\"out of memory\""));
        if (order->is_billed)
            buffer_str(&said->body, STR(",\"metrics\":{\"predict_time\":1.5}"));
    } else {
        buffer_format(&said->body, ",\"logs\":\" %lld%%|##   | 9/20\"",
                      (long long)MIN_OF(order->polls * 10, (int64_t)100));
    }
    buffer_char(&said->body, '}');
}

static void write_fal_status(struct said *said, const struct commission *order, const char *status,
                             bool is_renamed)
{
    buffer_format(&said->body,
                  "{\"request_id\":\"order-%lld%s\",\"status\":\"%s\",\"queue_position\":2,"
                  "\"response_url\":\"https://queue.fal.run/fal-ai/flux/requests/order-%lld\"}",
                  (long long)order->number, is_renamed ? "-again" : "", status,
                  (long long)order->number);
}

static void write_fal_result(struct said *said, const struct commission *order)
{
    if (order->fails) {
        said->status = 500;
        buffer_str(&said->body, STR("{\"detail\":\"it fell over\",\"error_type\":"
                                    "\"internal_error\"}"));
        return;
    }
    if (order->is_film) {
        buffer_format(&said->body,
                      "{\"video\":{\"url\":\"https://made.example/%lld/0.mp4\"},"
                      "\"timings\":{\"inference\":1.5}}",
                      (long long)order->number);
        return;
    }
    buffer_str(&said->body, STR("{\"images\":["));
    write_addresses(said, order, "{\"url\":", "}");
    buffer_str(&said->body, STR("]}"));
}

void says_standing(instant now, const struct work *work, const struct commission *order,
                   bool is_renamed, struct said *said)
{
    bool is_over = !order->never_ends && order->ready_at.us <= now.us;
    bool is_fal = work->provider == &fal_provider;
    said->status = 200;
    if (!order->has_job)
        write_openai(said, order);
    else if (order->is_lost && order->polls > 1)
        said->status = 404;
    else if (!is_fal && order->is_canceled)
        write_replicate(said, order, "canceled", false);
    else if (!is_fal)
        write_replicate(said, order,
                        !is_over       ? "processing"
                        : order->fails ? "failed"
                                       : "succeeded",
                        is_renamed);
    else if (!is_over || !str_ends(work->job, STR(" done")) || work->kind == WORK_SUBMIT)
        write_fal_status(said, order, is_over ? "COMPLETED" : "IN_PROGRESS", is_renamed);
    else
        write_fal_result(said, order);
}
