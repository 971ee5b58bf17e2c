/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/issuers.h"
#include "base/encode.h"
#include "base/log.h"
#include "jwt_maker.h"
#include "tiny_server.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define WALL 1800000000LL /* seconds; the tokens' time */

static struct made_key first_key, second_key, es_key;
static struct arena arena;
static struct tiny_server *server;
static struct outside *outside;
static struct verifier *verifier;
static struct issuers *issuers;
static instant now; /* the actor's clock */
static char dir[64], cache[80], base[64];

/* What the pretended issuer does; changed only while it is idle. */
static atomic_bool is_down;
static atomic_int discoveries, fetches;
static _Atomic(const char *) jwks, named, type;

static bool answer(void *context, int fd, const char *request)
{
    char text[400];
    if (atomic_load(&is_down)) {
        tiny_answer(fd, 503, "Connection: close\r\n", STR("down"));
        return false;
    }
    if (strstr(request, "/.well-known/openid-configuration ") != NULL) {
        atomic_fetch_add(&discoveries, 1);
        snprintf(text, sizeof(text), "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys\"}",
                 atomic_load(&named), base);
        tiny_answer(fd, 200, "Connection: close\r\n", str_of(text));
    } else {
        atomic_fetch_add(&fetches, 1);
        snprintf(text, sizeof(text), "Connection: close\r\nContent-Type: %s\r\n",
                 atomic_load(&type));
        tiny_answer(fd, 200, text, str_of(atomic_load(&jwks)));
    }
    return false;
}

static int keys_make(void **state)
{
    log_set_level(LOG_ERROR + 1);
    first_key = made_key_new(ALGORITHM_EDDSA, "one");
    second_key = made_key_new(ALGORITHM_EDDSA, "two");
    es_key = made_key_new(ALGORITHM_ES256, "es");
    return 0;
}

static int keys_free(void **state)
{
    made_key_free(&first_key);
    made_key_free(&second_key);
    made_key_free(&es_key);
    return 0;
}

static const char *jwks_of(const struct made_key *key)
{
    return str_zero_ended(&arena, made_jwks(&arena, key, 1));
}

static int set_up(void **state)
{
    struct fault fault = {0};
    arena = (struct arena){0};
    snprintf(dir, sizeof(dir), "/tmp/atelier-issuers-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(cache, sizeof(cache), "%s/jwks-cache", dir);
    server = tiny_server_new(answer, NULL);
    snprintf(base, sizeof(base), "http://127.0.0.1:%d", tiny_server_port(server));
    atomic_store(&is_down, false);
    atomic_store(&discoveries, 0);
    atomic_store(&fetches, 0);
    atomic_store(&named, base);
    atomic_store(&type, "application/json");
    atomic_store(&jwks, jwks_of(&first_key));
    outside = outside_new(&(struct outside_options){0}, &fault);
    now = (instant){HOURS(5).us};
    return 0;
}

static void stop(void)
{
    issuers_free(issuers);
    verifier_free(verifier);
    issuers = NULL;
    verifier = NULL;
}

static void start(const struct issuer *row)
{
    struct fault fault = {0};
    verifier = verifier_new(row, 1, &fault);
    issuers = issuers_new(verifier, outside, cache, &fault);
    if (issuers == NULL)
        print_error("%s\n", fault.text);
    assert_non_null(issuers);
}

static struct issuer oidc_row(void)
{
    return (struct issuer){.kind = ISSUER_OIDC,
                           .issuer = str_of(base),
                           .application_id = STR("convex"),
                           .allow_private = true};
}

static void start_oidc(void)
{
    struct issuer row = oidc_row();
    start(&row);
}

static void cache_remove(void)
{
    DIR *listing = opendir(cache);
    while (listing != NULL) {
        const struct dirent *entry = readdir(listing); /* NOLINT(concurrency-mt-unsafe): ours */
        if (entry == NULL)
            break;
        unlink(str_zero_ended(&arena, str_format(&arena, "%s/%s", cache, entry->d_name)));
    }
    if (listing != NULL)
        closedir(listing);
    rmdir(cache);
}

static int tear_down(void **state)
{
    stop();
    outside_free(outside);
    tiny_server_free(server);
    cache_remove();
    assert_int_equal(rmdir(dir), 0);
    arena_done(&arena);
    return 0;
}

/* Steps until no fetch is under way (then it names no time to come again); the clock stands. */
static instant settle(void)
{
    instant next = issuers_step(issuers, now);
    for (int i = 0; i < 100 && next.us == INT64_MAX; i++) {
        poll(&(struct pollfd){.fd = issuers_fd(issuers), .events = POLLIN}, 1, 50);
        next = issuers_step(issuers, now);
    }
    assert_true(next.us != INT64_MAX);
    return next;
}

static enum auth_failure_kind tried(const struct made_key *key)
{
    struct auth_failure failure;
    str payload = str_format(
        &arena, "{\"iss\":\"%s\",\"sub\":\"u\",\"aud\":\"convex\",\"exp\":%lld}", base, WALL + 60);
    instant wall = {WALL * 1000000};
    struct identity *identity =
        verifier_check(verifier, made_token(&arena, key, payload), wall, &failure);
    identity_drop(identity);
    return failure.kind;
}

static void pass(span by)
{
    now = instant_add(now, by);
}

static void discovery_leads_to_the_keys(void **state)
{
    start_oidc();
    assert_int_equal(tried(&first_key), AUTH_KEYS_NOT_YET);
    instant next = settle();
    assert_int_equal(tried(&first_key), AUTH_FAILURE_NONE);
    assert_int_equal(discoveries, 1);
    assert_int_equal(fetches, 1);
    assert_true(next.us <= instant_add(now, ISSUER_REFRESH).us);
    settle();
    assert_int_equal(fetches, 1);
}

static void a_jwks_url_needs_no_discovery(void **state)
{
    struct issuer row = oidc_row();
    row.jwks = str_format(&arena, "%s/keys", base);
    start(&row);
    settle();
    assert_int_equal(tried(&first_key), AUTH_FAILURE_NONE);
    assert_int_equal(discoveries, 0);
}

static void a_data_url_works_at_once(void **state)
{
    str document = made_jwks(&arena, &es_key, 1);
    str coded = base64_write(&arena, bytes_of(document));
    struct issuer row = {
        .kind = ISSUER_CUSTOM,
        .issuer = str_of(base),
        .algorithm = ALGORITHM_ES256,
        .jwks = str_format(&arena, "data:text/plain;charset=utf-8;base64,%.*s", STR_ARG(coded))};
    start(&row);
    assert_int_equal(tried(&es_key), AUTH_FAILURE_NONE);
    assert_int_equal(tried(&first_key), AUTH_BAD);
    stop();
    row.jwks = str_format(&arena, "data:application/json,%%7B%.*s%%7d",
                          STR_ARG(str_slice(document, 1, document.len - 1)));
    start(&row);
    assert_int_equal(tried(&es_key), AUTH_FAILURE_NONE);
    assert_int_equal(issuers_step(issuers, now).us, INT64_MAX); /* there is nothing to fetch */
}

static void a_broken_data_url_is_refused_at_start(void **state)
{
    static const char *const broken[] = {"data:",    "data:,",   "data:,{}", "data:;base64,????",
                                         "data:,%7", "data:,%zz"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct fault fault = {0};
        struct issuer row = {.kind = ISSUER_CUSTOM,
                             .issuer = str_of(base),
                             .algorithm = ALGORITHM_ES256,
                             .jwks = str_of(broken[i])};
        verifier = verifier_new(&row, 1, &fault);
        assert_null(issuers_new(verifier, outside, cache, &fault));
        assert_int_equal(fault.kind, FAULT_INPUT);
        verifier_free(verifier);
        verifier = NULL;
    }
}

static void an_unknown_key_is_fetched_at_most_once_a_minute(void **state)
{
    start_oidc();
    settle();
    atomic_store(&jwks, jwks_of(&second_key));
    assert_int_equal(tried(&second_key), AUTH_BAD); /* just fetched */
    pass(MINUTES(1));
    settle();
    assert_int_equal(fetches, 1);
    assert_int_equal(tried(&second_key), AUTH_KEYS_NOT_YET);
    assert_int_equal(tried(&second_key), AUTH_KEYS_NOT_YET);
    settle();
    assert_int_equal(fetches, 2);
    assert_int_equal(tried(&second_key), AUTH_FAILURE_NONE);
    assert_int_equal(tried(&first_key), AUTH_BAD);
    settle();
    assert_int_equal(fetches, 2);
}

static void an_unknown_key_wakes_the_driver(void **state)
{
    start_oidc();
    settle();
    pass(MINUTES(1));
    settle();
    struct pollfd woken = {.fd = issuers_fd(issuers), .events = POLLIN};
    assert_int_equal(poll(&woken, 1, 0), 0);
    assert_int_equal(tried(&second_key), AUTH_KEYS_NOT_YET);
    assert_int_equal(poll(&woken, 1, 0), 1);
}

static void keys_are_fetched_each_hour(void **state)
{
    start_oidc();
    settle();
    pass((span){HOURS(1).us - 1});
    settle();
    assert_int_equal(fetches, 1);
    pass(MICROSECONDS(1));
    settle();
    assert_int_equal(fetches, 2);
}

static void the_last_good_keys_stay_when_the_issuer_is_down(void **state)
{
    start_oidc();
    settle();
    atomic_store(&is_down, true);
    pass(HOURS(1));
    settle();
    assert_int_equal(tried(&first_key), AUTH_FAILURE_NONE);
    assert_int_equal(tried(&second_key), AUTH_KEYS_NOT_YET); /* it may yet be good */
    atomic_store(&is_down, false);
    atomic_store(&jwks, jwks_of(&second_key));
    pass(SECONDS(1));
    settle();
    assert_int_equal(tried(&second_key), AUTH_FAILURE_NONE);
}

static void broken_keys_do_not_replace_good_ones(void **state)
{
    start_oidc();
    settle();
    static const char *const broken[] = {
        "", "{}", "{\"keys\":[]}", "[]", "not json", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        atomic_store(&jwks, broken[i]);
        pass(HOURS(1));
        settle();
        assert_int_equal(tried(&first_key), AUTH_FAILURE_NONE);
    }
    assert_int_equal(fetches, 1 + (int)ARRAY_LEN(broken));
}

static void keys_survive_a_restart_while_the_issuer_is_down(void **state)
{
    start_oidc();
    settle();
    stop();
    atomic_store(&is_down, true);
    start_oidc();
    assert_int_equal(tried(&first_key), AUTH_FAILURE_NONE);
    settle();
    assert_int_equal(tried(&first_key), AUTH_FAILURE_NONE);
    stop();
    cache_remove();
    start_oidc();
    settle();
    assert_int_equal(tried(&first_key), AUTH_KEYS_NOT_YET);
}

static void failures_are_tried_again_ever_more_slowly(void **state)
{
    static const int seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
    atomic_store(&is_down, true);
    start_oidc();
    instant next = settle();
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        assert_int_equal(instant_since(next, now).us, SECONDS(seconds[i]).us);
        now = next;
        next = settle();
    }
}

static void a_discovery_document_of_another_issuer_is_refused(void **state)
{
    atomic_store(&named, "https://evil.example");
    start_oidc();
    settle();
    assert_int_equal(tried(&first_key), AUTH_KEYS_NOT_YET);
    assert_int_equal(fetches, 0);
}

static void an_issuer_inside_needs_the_operators_word(void **state)
{
    struct issuer row = oidc_row();
    row.allow_private = false;
    start(&row);
    settle();
    assert_int_equal(discoveries, 0);
    assert_int_equal(tried(&first_key), AUTH_KEYS_NOT_YET);
}

static void a_custom_issuers_keys_must_be_json_by_type(void **state)
{
    struct issuer row = {.kind = ISSUER_CUSTOM,
                         .issuer = str_of(base),
                         .algorithm = ALGORITHM_ES256,
                         .jwks = str_format(&arena, "%s/keys", base),
                         .allow_private = true};
    atomic_store(&jwks, jwks_of(&es_key));
    atomic_store(&type, "text/html");
    start(&row);
    settle();
    assert_int_equal(tried(&es_key), AUTH_KEYS_NOT_YET);
    atomic_store(&type, "application/jwk-set+json; charset=utf-8");
    pass(SECONDS(1));
    settle();
    assert_int_equal(tried(&es_key), AUTH_FAILURE_NONE);
}

static void stopping_in_the_middle_of_a_fetch_is_clean(void **state)
{
    start_oidc();
    issuers_step(issuers, now);
    stop();
    assert_int_equal(outside_under_way(outside), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(discovery_leads_to_the_keys),
        CASE(a_jwks_url_needs_no_discovery),
        CASE(a_data_url_works_at_once),
        CASE(a_broken_data_url_is_refused_at_start),
        CASE(an_unknown_key_is_fetched_at_most_once_a_minute),
        CASE(an_unknown_key_wakes_the_driver),
        CASE(keys_are_fetched_each_hour),
        CASE(the_last_good_keys_stay_when_the_issuer_is_down),
        CASE(broken_keys_do_not_replace_good_ones),
        CASE(keys_survive_a_restart_while_the_issuer_is_down),
        CASE(failures_are_tried_again_ever_more_slowly),
        CASE(a_discovery_document_of_another_issuer_is_refused),
        CASE(an_issuer_inside_needs_the_operators_word),
        CASE(a_custom_issuers_keys_must_be_json_by_type),
        CASE(stopping_in_the_middle_of_a_fetch_is_clean),
    };
    return cmocka_run_group_tests(tests, keys_make, keys_free);
}
