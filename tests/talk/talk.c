/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk ENGINE PATH…: plays conversations (house style section 10) on an engine, "memory" or
 * "sqlite", and says in TAP how they went. A PATH is a .talk file or a folder of them. After a
 * folder it also says which functions of the product no talk has reached, and which sentences of
 * the specification (TALK_SPEC) none cites.
 *
 * A talk that begins with the line "crash after every step" is played again and again, each time
 * with a crash one step later, until nothing is left to crash in.
 */
#include "cited.h"
#include "script.h"

#include "base/log.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 1000
#define CRASHES_MAX 400
#define FUNCTIONS_MAX 400

static char *files[FILES_MAX];
static size_t file_count;
static enum store_engine engine;
static const char *config;

/* By name: programs come and go, the tables stay. */
static const struct function *reached[FUNCTIONS_MAX];
static size_t reached_count;
static struct citations citations;
static char reply_wrong[500];
static size_t tests, failures;

static void result(bool worked, const char *name, const char *why)
{
    tests++;
    failures += !worked;
    printf("%sok %zu - %s (%s)\n", worked ? "" : "not ", tests, name,
           engine == STORE_SQLITE ? "sqlite" : "memory");
    if (!worked)
        printf("# ");
    for (; !worked && *why != 0; why++)
        putchar(*why == '\n' ? '|' : *why);
    if (!worked)
        putchar('\n');
    fflush(stdout);
}

/* ---- replies ---- */

static void reach(const struct function *function)
{
    for (size_t i = 0; i < reached_count; i++)
        if (reached[i] == function)
            return;
    assert(reached_count < FUNCTIONS_MAX);
    reached[reached_count++] = function;
}

/* Every reply seen must be what the function says that it returns. */
static void on_reply(void *context, const struct function *function, str value)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree;
    struct fault fault = {0};
    struct field_error error = {0};
    _Alignas(16) char out[4096] = {0};
    const struct field *returns = &function->returns;

    reach(function);
    bool worked = json_read(&arena, value, 0, &tree, &fault);
    if (worked && returns->kind == FIELD_NONE)
        worked = tree.kind == JSON_NULL;
    else if (worked && !(tree.kind == JSON_NULL && returns->is_nullable))
        worked = field_read(&arena, returns, &tree, out, &error);
    if (!worked && reply_wrong[0] == 0)
        snprintf(reply_wrong, sizeof(reply_wrong),
                 "%.100s answered what it does not describe: %.300s", function->name,
                 error.text[0] != 0 ? error.text : fault.text);
}

/* ---- playing ---- */

static void talk_open(struct talk *talk, const char *path, uint64_t crash_at)
{
    *talk = (struct talk){.path = path};
    talk->names.arena = &talk->arena;
    talk->house = house_new(&(struct house_options){.engine = engine, .config = config, .seed = 7});
    talk->house->on_reply = on_reply;
    talk->house->crash_at = crash_at;
}

/* Answers whether the crash came; without one (crash_at 0) false. */
static bool play_once(const char *path, str text, uint64_t crash_at, char failure[800])
{
    static struct talk talk;
    talk_open(&talk, path, crash_at);
    reply_wrong[0] = 0;
    failure[0] = 0;
    if (!talk_play(&talk, text) && crash_at != 0)
        snprintf(failure, 800, "%s (crash after step %llu)", talk.failure,
                 (unsigned long long)crash_at);
    else if (talk.has_failed)
        snprintf(failure, 800, "%s", talk.failure);
    else if (reply_wrong[0] != 0)
        snprintf(failure, 800, "%s: %s", path, reply_wrong);
    bool has_crashed = crash_at != 0 && talk.house->crashes != 0;
    talk_done(&talk);
    return has_crashed;
}

static str read_file(struct arena *arena, const char *path)
{
    struct stat facts;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &facts) != 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(2);
    }
    char *text = arena_alloc(arena, (size_t)facts.st_size + 1);
    size_t len = fread(text, 1, (size_t)facts.st_size, file);
    fclose(file);
    return (str){text, len};
}

static const char *name_of(const char *path)
{
    const char *at = strstr(path, "tests/talk/");
    return at == NULL ? path : at + strlen("tests/talk/");
}

static void play_file(const char *path)
{
    AUTO(arena_done) struct arena arena = {0};
    static const char crashing[] = "crash after every step\n";
    char failure[800];
    str text = read_file(&arena, path);
    citations_add(&citations, text);
    bool crashes = str_contains(text, STR("\ncrash after every step\n"));
    if (!crashes) {
        play_once(name_of(path), text, 0, failure);
        result(failure[0] == 0, name_of(path), failure);
        return;
    }
    /* The directive becomes a comment, so that lines keep their numbers. */
    char *at = strstr(text.at, crashing);
    *at = '#';
    uint64_t step = 1;
    while (step < CRASHES_MAX && play_once(name_of(path), text, step, failure) && failure[0] == 0)
        step++;
    if (failure[0] == 0 && (step == 1 || step == CRASHES_MAX))
        snprintf(failure, sizeof(failure), "%llu crashes are not what was meant",
                 (unsigned long long)step - 1);
    printf("# %llu crashes\n", (unsigned long long)step - 1);
    result(failure[0] == 0, name_of(path), failure);
}

/* ---- files ---- */

static int add_file(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    size_t len = strlen(path);
    if (kind == FTW_F && len > 5 && strcmp(path + len - 5, ".talk") == 0 && file_count < FILES_MAX)
        files[file_count++] = strdup(path);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static void judge_reach(void)
{
    struct program program = {0};
    char missing[800] = "no talk reaches";
    bool worked = true;
    studio_program(&program, NULL, NULL, 0);
    for (size_t i = 0; i < program.function_count; i++) {
        bool is_reached = false;
        for (size_t k = 0; k < reached_count; k++)
            is_reached |= reached[k] == program.functions[i];
        if (is_reached)
            continue;
        size_t len = strlen(missing);
        snprintf(missing + len, sizeof(missing) - len, " %s", program.functions[i]->name);
        worked = false;
    }
    program_done(&program);
    result(worked, "every function is reached", missing);
}

static void judge_citing(void)
{
    AUTO(arena_done) struct arena arena = {0};
    const char *folder = getenv("TALK_SPEC");
    if (folder == NULL)
        return;
    str missing = citations_judge(&arena, &citations, folder);
    result(missing.len == 0, "every sentence of the specification is cited",
           str_zero_ended(&arena, missing));
}

int main(int argc, char **argv)
{
    bool judges = false;
    if (argc < 3 || (strcmp(argv[1], "memory") != 0 && strcmp(argv[1], "sqlite") != 0)) {
        fprintf(stderr, "talk memory|sqlite PATH...\n");
        return 2;
    }
    log_set_level(LOG_ERROR);
    engine = strcmp(argv[1], "sqlite") == 0 ? STORE_SQLITE : STORE_MEMORY;
    config = getenv("TALK_CONFIG");
    for (int i = 2; i < argc; i++) {
        judges |= is_folder(argv[i]);
        nftw(argv[i], add_file, 8, FTW_PHYS);
    }
    qsort(files, file_count, sizeof(files[0]), by_name);
    for (size_t i = 0; i < file_count; i++) {
        play_file(files[i]);
        free(files[i]);
    }
    if (judges) {
        judge_reach();
        judge_citing();
    }
    printf("1..%zu\n", tests);
    return failures == 0 && tests != 0 ? 0 : 1;
}
