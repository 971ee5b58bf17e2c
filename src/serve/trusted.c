/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/trusted.h"

#include "base/log.h"
#include "net/proxies.h"
#include "serve/settings.h"

struct trusted_function {
    const struct function *function;
    struct proxies from;
};

struct trusted {
    const struct program *program;
    struct trusted_function *functions;
    size_t count;
};

static bool read_caller(const struct program *program, const struct trusted_caller *caller,
                        struct trusted_function *out, struct fault *fault)
{
    const str *addresses = caller->addresses.items;
    struct fault why;
    out->function = function_find(program, caller->function);
    if (out->function == NULL ||
        (out->function->caller != INTERNAL && out->function->caller != ADMIN))
        return fault_set(fault, FAULT_INPUT,
                         "compat.trustedCallers: \"%.*s\" is no function of the program's own",
                         STR_ARG(utf8_cut(caller->function, 100)));
    for (size_t i = 0; i < caller->addresses.count; i++)
        if (!proxies_add(&out->from, addresses[i], &why))
            return fault_set(fault, FAULT_INPUT, "compat.trustedCallers: %s", why.text);
    return true;
}

bool trusted_new(const struct list *callers, const struct program *program, struct trusted **out,
                 struct fault *fault)
{
    const struct trusted_caller *list = callers->items;
    *out = NULL;
    if (callers->count == 0)
        return true;
    struct trusted *trusted = memory_zeroed(sizeof(*trusted));
    trusted->program = program;
    trusted->functions = memory_zeroed(callers->count * sizeof(*trusted->functions));
    trusted->count = callers->count;
    for (size_t i = 0; i < callers->count; i++)
        if (!read_caller(program, &list[i], &trusted->functions[i], fault)) {
            trusted_free(trusted);
            return false;
        }
    *out = trusted;
    return true;
}

void trusted_free(struct trusted *trusted)
{
    if (trusted == NULL)
        return;
    free(trusted->functions);
    free(trusted);
}

bool trusted_lets(const struct trusted *trusted, str path, str peer)
{
    struct arena arena = {0};
    uint8_t address[16];
    bool lets = false;
    if (trusted == NULL || !proxies_address(peer, address))
        return false;
    const struct function *function = function_find(trusted->program, function_path(&arena, path));
    for (size_t i = 0; function != NULL && i < trusted->count && !lets; i++)
        lets = trusted->functions[i].function == function &&
               proxies_trust(&trusted->functions[i].from, address);
    if (lets)
        log_event(LOG_INFO, "trusted_call", "%s from %.*s", function->name, STR_ARG(peer));
    arena_done(&arena);
    return lets;
}
