/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-check: for the comparison with another reader (tests/integration/json.test.ts). Each line
 * of stdin is a text in base64, so that a text may hold any byte; the answer is its canonical
 * text, or "!" and why it was refused.
 */
#include <stdio.h>

#include "base/encode.h"
#include "json/json.h"

static void answer(str line)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer out = {0};
    struct json tree;
    struct fault fault = {0};
    bytes raw;

    if (!base64_read(&arena, line, &raw)) {
        puts("?");
        return;
    }
    str text = str_copy(&arena, str_from(raw));
    if (json_read(&arena, text, 0, &tree, &fault))
        json_write_canonical(&out, &tree);
    else
        buffer_format(&out, "!%s", fault.text);
    buffer_char(&out, '\n');
    fwrite(out.at, 1, out.len, stdout);
}

int main(void)
{
    AUTO(memory_free) char *line = NULL;
    size_t room = 0;
    for (;;) {
        ssize_t len = getline(&line, &room, stdin);
        if (len < 0)
            return 0;
        answer(str_trim((str){line, (size_t)len}));
    }
}
