/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "blob/folder.h"
#include "serve/data.h"

#include <fcntl.h>
#include <stdio.h>

/* Commands send the admin key to the holder's address. After a crash another user's program may
 * have that port. */
static void who_takes_the_lock_is_not_where_the_last_one_was(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    char folder[] = "/tmp/test-data-XXXXXX";
    struct fault fault;
    int lock = -1;
    assert_non_null(mkdtemp(folder));
    assert_true(data_prepare(folder, &fault));
    assert_true(data_lock(folder, &lock, &fault));
    assert_true(data_tell(lock, "http://127.0.0.1:7070", "https://a.example", &fault));
    struct data_holder holder = data_holder(folder, &arena);
    assert_true(holder.is_held);
    assert_true(str_equal(holder.address, STR("http://127.0.0.1:7070")));
    close(lock); /* as a crash does */

    assert_true(data_lock(folder, &lock, &fault));
    holder = data_holder(folder, &arena);
    assert_true(holder.is_held);
    assert_int_equal(holder.address.len, 0);
    assert_true(str_equal(holder.public_url, STR("https://a.example")));
    close(lock);
    folder_remove(AT_FDCWD, folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_the_lock_is_not_where_the_last_one_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
