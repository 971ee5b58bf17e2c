/* SPDX-License-Identifier: Apache-2.0 */
#include "cited.h"

#include "base/buffer.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static void add(struct citations *citations, const char *subject, int number)
{
    assert(citations->count < ARRAY_LEN(citations->all));
    struct citation *one = &citations->all[citations->count++];
    snprintf(one->subject, sizeof(one->subject), "%s", subject);
    one->number = number;
}

/* "4 and 9", "1 to 3", "1, 2": up to the next subject or the end. */
static void add_numbers(struct citations *citations, const char *subject, str numbers)
{
    int last = 0;
    bool is_range = false;
    for (size_t i = 0; i < numbers.len; i++) {
        if (str_starts(str_slice(numbers, i, numbers.len), STR(" to ")))
            is_range = true;
        if (!isdigit((unsigned char)numbers.at[i]))
            continue;
        int number = 0;
        while (i < numbers.len && isdigit((unsigned char)numbers.at[i]))
            number = number * 10 + (numbers.at[i++] - '0');
        for (int each = is_range ? last + 1 : number; each <= number; each++)
            add(citations, subject, each);
        last = number;
        is_range = false;
        i--;
    }
}

void citations_add(struct citations *citations, str talk)
{
    str line, part;
    str_split(&talk, '\n', &line);
    if (!str_starts(line, STR("# Specification:")))
        return;
    line = str_slice(line, strlen("# Specification:"), line.len);
    while (str_split(&line, ';', &part)) {
        char subject[20];
        part = str_trim(part);
        size_t len = 0;
        while (len < part.len && isalpha((unsigned char)part.at[len]))
            len++;
        snprintf(subject, sizeof(subject), "%.*s", (int)len, part.at);
        add_numbers(citations, subject, str_slice(part, len, part.len));
    }
}

static bool is_cited(const struct citations *citations, const char *subject, int number)
{
    for (size_t i = 0; i < citations->count; i++)
        if (citations->all[i].number == number && strcmp(citations->all[i].subject, subject) == 0)
            return true;
    return false;
}

/* Answers how many sentences the file has. */
static int judge_file(const struct citations *citations, const char *path, const char *subject,
                      struct buffer *missing)
{
    char line[400];
    int last = 0, number;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *end;
        number = (int)strtol(line, &end, 10);
        if (end == line || *end != '.')
            continue;
        last = number;
        if (!is_cited(citations, subject, number))
            buffer_format(missing, " %s %d", subject, number);
    }
    fclose(file);
    return last;
}

static void judge_citations(const struct citations *citations, const char *subject, int last,
                            struct buffer *missing)
{
    for (size_t i = 0; i < citations->count; i++)
        if (strcmp(citations->all[i].subject, subject) == 0 && citations->all[i].number > last)
            buffer_format(missing, " (there is no %s %d)", subject, citations->all[i].number);
}

str citations_judge(struct arena *arena, const struct citations *citations, const char *folder)
{
    AUTO(buffer_done) struct buffer missing = {0};
    DIR *files = opendir(folder);
    size_t subjects = 0;
    for (struct dirent *each; files != NULL && (each = readdir(files)) != NULL;) {
        char path[500], subject[20];
        str name = str_of(each->d_name);
        if (!str_ends(name, STR(".md")) || str_equal(name, STR("README.md")))
            continue;
        snprintf(path, sizeof(path), "%.200s/%.200s", folder, each->d_name);
        snprintf(subject, sizeof(subject), "%.*s", (int)MIN_OF(name.len - 3, (size_t)19), name.at);
        subject[0] = (char)toupper((unsigned char)subject[0]);
        int last = judge_file(citations, path, subject, &missing);
        judge_citations(citations, subject, last, &missing);
        subjects++;
    }
    if (files != NULL)
        closedir(files);
    if (subjects == 0)
        buffer_format(&missing, " %s holds no specification", folder);
    return str_copy(arena, buffer_text(&missing));
}
