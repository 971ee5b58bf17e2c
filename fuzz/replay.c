/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives a fuzz target every file of a corpus folder, one test case a file. A file that makes the
 * target stop ends this program, which its caller counts as a failed case.
 */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The bytes get a block of exactly their size, so that reading one beyond is seen by ASan. */
static bool replay(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat facts;
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return false;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;

    bool is_read = fstat(fileno(file), &facts) == 0 && facts.st_size >= 0;
    size_t size = is_read ? (size_t)facts.st_size : 0;
    uint8_t *bytes = malloc(size ? size : 1);
    is_read = is_read && bytes && fread(bytes, 1, size, file) == size;
    fclose(file);
    if (is_read)
        (void)fuzz_one(bytes, size);
    free(bytes);
    return is_read;
}

int main(int count, char **args)
{
    struct dirent **entries = NULL;
    int found = count == 2 ? scandir(args[1], &entries, is_visible, alphasort) : -1;
    int failures = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (found <= 0) {
        printf("1..1\nnot ok 1 - the corpus has no files\n");
        return 1;
    }
    printf("1..%d\n", found);
    for (int i = 0; i < found; i++) {
        bool well = replay(args[1], entries[i]->d_name);
        printf("%sok %d - %s\n", well ? "" : "not ", i + 1, entries[i]->d_name);
        failures += !well;
        free(entries[i]);
    }
    free(entries);
    return failures ? 1 : 0;
}
