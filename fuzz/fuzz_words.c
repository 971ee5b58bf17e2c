/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of any bytes are sorted, short and folded; a text is found by itself and by each of its
 * words, also when these are only begun. What is no block of postings is read without harm.
 */
#include <assert.h>
#include <string.h>

#include "store/postings.h"
#include "store/search.h"
#include "store/words.h"

#include "fuzz.h"

static void check_word(str word, str before)
{
    assert(word.len != 0 && word.len <= WORD_MAX);
    assert(before.at == NULL || str_compare(before, word) < 0);
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.at[i];
        assert(c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    }
    assert(utf8_is_valid(word));
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    int64_t ids[POSTINGS_MAX];
    str text = {(const char *)data, size}, word, before = {0};
    struct words words = {.arena = &arena, .max = WORDS_MAX};
    words_add(&words, text);
    str all = words_join(&words), rest = all;
    size_t count = 0;
    while (words_next(&rest, &word)) {
        check_word(word, before);
        before = word;
        if (count++ < 16)
            assert(words_match(all, search_terms(&arena, word, NULL, 0)));
    }
    assert(words_match(all, search_terms(&arena, text, NULL, 0)));
    size_t read = postings_read(text, ids);
    assert(read <= POSTINGS_MAX && read <= size);
    return 0;
}
