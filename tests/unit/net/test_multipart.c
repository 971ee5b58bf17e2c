/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "net/multipart.h"

#include <string.h>

#define TYPE "multipart/form-data; boundary=xyz"
#define PART(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static struct multipart reader;

struct told {
    struct buffer text; /* "name=data#" of each part */
    size_t calls;       /* of data */
    bool stops;
};

static bool on_begin(void *context, const struct multipart_part *part)
{
    struct told *told = context;
    buffer_str(&told->text, part->name);
    if (part->has_file_name)
        buffer_format(&told->text, "(%.*s)", STR_ARG(part->file_name));
    buffer_char(&told->text, '=');
    return true;
}

static bool on_data(void *context, str data)
{
    struct told *told = context;
    told->calls++;
    buffer_str(&told->text, data);
    return !told->stops;
}

static bool on_end(void *context)
{
    buffer_char(&((struct told *)context)->text, '#');
    return true;
}

static const struct multipart_handlers handlers = {on_begin, on_data, on_end};

/* In pieces of this length; 0: at once. */
static enum multipart_verdict read_form(const char *type, str text, size_t step, struct told *told)
{
    enum multipart_verdict verdict = MULTIPART_MORE;
    buffer_clear(&told->text);
    told->calls = 0;
    if (!multipart_init(&reader, str_of(type), &handlers, told))
        return MULTIPART_NONE;
    if (step == 0)
        return multipart_feed(&reader, text);
    for (size_t at = 0; at < text.len && verdict == MULTIPART_MORE; at += step)
        verdict = multipart_feed(&reader, str_slice(text, at, at + step));
    return verdict;
}

static void expect(const char *form, enum multipart_verdict wanted, const char *parts)
{
    struct told told = {0};
    str text = str_of(form);
    for (size_t step = 0; step <= text.len; step++) {
        assert_int_equal(read_form(TYPE, text, step, &told), wanted);
        if (parts != NULL)
            assert_true(str_equal(buffer_text(&told.text), str_of(parts)));
    }
    buffer_done(&told.text);
}

static void parts_are_told_however_the_bytes_are_cut(void **state)
{
    expect("--xyz\r\n" PART("a") "one\r\n--xyz\r\n" PART("b") "\r\n--xyz--\r\n", MULTIPART_READY,
           "a=one#b=#");
    expect("before\r\n--xyz \t\r\n" PART("a") "1\r\n--xyz--behind", MULTIPART_READY, "a=1#");
}

static void what_only_begins_like_a_boundary_is_data(void **state)
{
    expect("--xyz\r\n" PART("a") "\r\n--xy\r\r\n--\r\n--xz\r\n\r\n--xyz--", MULTIPART_READY,
           "a=\r\n--xy\r\r\n--\r\n--xz\r\n#");
    expect("--xyz\r\n" PART("a") "--xyz\n--xyz--\r\n--xyz--", MULTIPART_READY, "a=--xyz\n--xyz--#");
}

static void names_are_read_as_browsers_write_them(void **state)
{
    expect("--xyz\r\ncontent-type: image/png\r\nCONTENT-DISPOSITION: form-data; "
           "filename=\"a;\\\"b\\\\.png\"; name=file\r\n\r\nx\r\n--xyz--",
           MULTIPART_READY, "file(a;\"b\\.png)=x#");
    struct told told = {0};
    assert_int_equal(read_form("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"",
                               STR("--a b\r\n" PART("a") "1\r\n--a b--"), 0, &told),
                     MULTIPART_READY);
    buffer_done(&told.text);
}

static const char long_boundary[] =
    "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaa";

static void what_is_no_form_is_refused(void **state)
{
    static const char *const types[] = {
        "",
        "text/plain; boundary=xyz",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"xyz",
        "multipart/form-data; boundary=\"x\xc3\xa4\"",
        long_boundary,
    };
    struct told told = {0};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        assert_int_equal(read_form(types[i], STR("--xyz--"), 0, &told), MULTIPART_NONE);
    buffer_done(&told.text);
    expect("--xyz\r\n\r\nx\r\n--xyz--", MULTIPART_BAD, NULL);
    expect("--xyz\r\nContent-Type: a\r\n\r\nx\r\n--xyz--", MULTIPART_BAD, NULL);
    expect("--xyz\r\nContent-Disposition: form-data; filename=a\r\n\r\nx", MULTIPART_BAD, NULL);
    expect("--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\nx", MULTIPART_BAD, NULL);
    expect("--xyz\r\n" PART("a") "x\r\n--xyz-x", MULTIPART_BAD, NULL);
    expect("--xyzz\r\n", MULTIPART_BAD, NULL);
    expect("--xyz\r\n" PART("a") "x\r\n--xy", MULTIPART_MORE, "a=x");
}

static void heads_and_parts_have_limits(void **state)
{
    struct told told = {0};
    struct buffer form = {0};
    buffer_str(&form, STR("--xyz\r\nX: "));
    for (size_t i = 0; i < MULTIPART_HEAD_MAX; i++)
        buffer_char(&form, 'a');
    assert_int_equal(read_form(TYPE, buffer_text(&form), 0, &told), MULTIPART_BAD);
    buffer_clear(&form);
    for (size_t i = 0; i <= MULTIPART_PARTS_MAX; i++)
        buffer_str(&form, STR("--xyz\r\n" PART("a") "\r\n"));
    assert_int_equal(read_form(TYPE, buffer_text(&form), 0, &told), MULTIPART_BAD);
    buffer_done(&form);
    buffer_done(&told.text);
}

/* Else a small file could cost as many calls of the system as it has bytes. */
static void a_file_full_of_line_ends_is_told_in_few_pieces(void **state)
{
    struct told told = {0};
    struct buffer form = {0};
    buffer_str(&form, STR("--xyz\r\n" PART("a")));
    for (size_t i = 0; i < 10000; i++)
        buffer_str(&form, STR("\r\n-"));
    buffer_str(&form, STR("\r\n--xyz--"));
    assert_int_equal(read_form(TYPE, buffer_text(&form), 1000, &told), MULTIPART_READY);
    assert_int_equal(told.text.len, 30000 + strlen("a=#"));
    assert_in_range(told.calls, 1, 70);
    buffer_done(&form);
    buffer_done(&told.text);
}

static void who_reads_may_stop(void **state)
{
    struct told told = {.stops = true};
    assert_int_equal(read_form(TYPE, STR("--xyz\r\n" PART("a") "12345\r\n--xyz--"), 0, &told),
                     MULTIPART_STOPPED);
    buffer_done(&told.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_told_however_the_bytes_are_cut),
        cmocka_unit_test(what_only_begins_like_a_boundary_is_data),
        cmocka_unit_test(names_are_read_as_browsers_write_them),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(heads_and_parts_have_limits),
        cmocka_unit_test(a_file_full_of_line_ends_is_told_in_few_pieces),
        cmocka_unit_test(who_reads_may_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
