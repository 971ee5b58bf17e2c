/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define LINE_MAX_BYTES 4096

static enum log_level threshold = LOG_INFO;

static const char *const level_names[] = {
    [LOG_NONE] = "none", [LOG_DEBUG] = "debug", [LOG_INFO] = "info",
    [LOG_WARN] = "warn", [LOG_ERROR] = "error",
};

void log_set_level(enum log_level level)
{
    threshold = level;
}

/* The bytes of the character that stands first, or 0 when it is none. */
static size_t character_len(str text)
{
    for (size_t len = 1; len <= MIN_OF(text.len, (size_t)4); len++)
        if (utf8_is_valid(str_slice(text, 0, len)))
            return len;
    return 0;
}

static void add_quoted(struct buffer *line, str text)
{
    buffer_char(line, '"');
    while (text.len != 0) {
        unsigned char c = (unsigned char)text.at[0];
        size_t len = character_len(text);
        if (len == 0)
            buffer_char(line, '?'); /* no text, or cut by the limit */
        else if (c == '"' || c == '\\')
            buffer_format(line, "\\%c", c);
        else if (c < 0x20)
            buffer_format(line, "\\u%04x", c);
        else
            buffer_str(line, str_slice(text, 0, len));
        text = str_slice(text, MAX_OF(len, (size_t)1), text.len);
    }
    buffer_char(line, '"');
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < threshold)
        return;

    char text[LINE_MAX_BYTES / 4];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    int64_t now = clock_now().us;
    time_t seconds = (time_t)(now / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char at[32];
    strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &parts);

    AUTO(buffer_done) struct buffer line = buffer_with_max(LINE_MAX_BYTES * 2);
    buffer_format(&line, "{\"at\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\",\"text\":", at,
                  (int)(now / 1000 % 1000), level_names[level], event);
    add_quoted(&line, str_of(text));
    buffer_str(&line, STR("}\n"));
    ssize_t written = write(STDERR_FILENO, line.at, line.len);
    (void)written;
}
