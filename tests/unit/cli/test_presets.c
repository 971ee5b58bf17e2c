/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/settings.h"
#include "studio/choices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct settings settings;

static void load(const char *preset)
{
    struct settings_options options = {.preset = preset};
    struct fault fault;
    arena_done(&arena);
    if (!settings_load(&arena, &options, &settings, &fault))
        fail_msg("%s: %s", preset, fault.text);
}

static void expect_price(const char *model, const char *resolution, int64_t duration,
                         int64_t wanted)
{
    const struct model_config *found = config_model(&settings.studio, str_of(model));
    if (found == NULL)
        fail_msg("there is no model %s", model);
    struct choice choice = {.resolution = str_of(resolution), .duration = duration};
    assert_int_equal(choices_price(found, &choice).n, wanted);
}

static void expect_large(const char *model, int64_t width, int64_t height, int64_t wanted)
{
    const struct model_config *found = config_model(&settings.studio, str_of(model));
    assert_non_null(found);
    struct choice choice = {.width = width, .height = height};
    assert_int_equal(choices_price(found, &choice).n, wanted);
}

/* What a plan gives with the account and each month. */
static void expect_plan(const char *key, int64_t once, int64_t monthly, int64_t cents)
{
    const struct plan_config *found = config_plan(&settings.studio, str_of(key));
    if (found == NULL)
        fail_msg("there is no plan %s", key);
    assert_int_equal(found->credits_once.n, once);
    assert_int_equal(found->credits_monthly.n, monthly);
    assert_int_equal(found->price_cents, cents);
}

static void expect_package(size_t place, const char *id, int64_t wanted, int64_t cents)
{
    const struct package_config *packages = settings.studio.credit_packages.items;
    assert_true(place < settings.studio.credit_packages.count);
    assert_true(str_equal(packages[place].id, str_of(id)));
    assert_int_equal(packages[place].credits.n, wanted);
    assert_int_equal(packages[place].price_cents, cents);
}

static void every_preset_loads_without_any_key(void **state)
{
    static const char *const names[] = {"iskra", "pixorly", "studio", "videoai"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        load(names[i]);
        assert_true(settings.studio.models.count > 0);
        assert_true(settings.studio.plans.count > 0);
    }
}

static void pixorly_sells_pictures_at_the_prices_of_its_report(void **state)
{
    static const char *const others[] = {"midjourney-v6",      "flux-pro",      "flux-max",
                                         "flux-flex",          "flux-klein",    "riverflow-fast",
                                         "riverflow-standard", "riverflow-max", "seedream"};
    load("pixorly");
    expect_price("dall-e-3", NULL, 0, 5);
    expect_price("stable-diffusion-xl", NULL, 0, 3);
    expect_price("dall-e-2", NULL, 0, 2);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        expect_price(others[i], NULL, 0, 1);
    assert_int_equal(settings.studio.models.count, 3 + ARRAY_LEN(others));
    expect_large("flux-pro", 1024, 1024, 1);
    expect_large("flux-pro", 1216, 832, 1);
    expect_large("flux-pro", 1280, 1024, 2);
    expect_large("seedream", 2048, 2048, 4);
    expect_large("dall-e-3", 2048, 2048, 5);
    expect_plan("free", 0, 10, 0);
    expect_plan("pro", 0, 500, 2900);
    expect_plan("enterprise", 0, 2000, 0);
}

static void videoai_sells_seconds_at_85_credits_a_dollar_rounded_up(void **state)
{
    load("videoai");
    expect_price("hailuo_02", "768p", 6, 23);     /* 0.27 */
    expect_price("hailuo_02", "768p", 10, 39);    /* 0.45 */
    expect_price("hailuo_02", "1080p", 6, 25);    /* 0.288 */
    expect_price("seedance_pro", "480p", 5, 13);  /* 0.15 */
    expect_price("seedance_pro", "1080p", 5, 64); /* 0.75 */
    expect_price("seedance_pro", "1080p", 10, 128);
    expect_price("veo_3", "720p", 8, 510);
    expect_price("veo_3", "1080p", 8, 578);
    expect_price("veo_3", NULL, 8, 510);
    expect_price("veo_3", "1080p", 120, 5000); /* never more */
    assert_int_equal(settings.studio.models.count, 3);
    expect_plan("free", 100, 0, 0);
    expect_plan("starter", 0, 1000, 999);
    expect_plan("pro", 0, 3000, 2499);
    expect_plan("max", 0, 9000, 6999);
    expect_package(0, "small", 500, 699);
    expect_package(1, "medium", 2500, 2999);
    expect_package(2, "large", 8000, 9499);
}

static void videoai_keeps_films_public_below_max_and_1080p_for_pro(void **state)
{
    static const char *const keys[] = {"free", "starter", "pro", "max"};
    load("videoai");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(config_plan(&settings.studio, str_of(keys[i]))->films_are_public, i < 3);
    const struct model_config *models = settings.studio.models.items;
    for (size_t i = 0; i < settings.studio.models.count; i++) {
        const struct tier_config *sharp = choices_tier(&models[i].resolutions, STR("1080p"));
        const str *plans = sharp->plans.items;
        assert_int_equal(sharp->plans.count, 2);
        assert_true(str_equal(plans[0], STR("pro")) && str_equal(plans[1], STR("max")));
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_workflow_is_read_with_the_configuration_or_refused(void **state)
{
    char folder[] = "/tmp/atelier-workflow-XXXXXX", config[64], workflow[64], text[800];
    struct fault fault;
    assert_non_null(mkdtemp(folder));
    snprintf(config, sizeof(config), "%s/a.yaml", folder);
    snprintf(workflow, sizeof(workflow), "%s/own.json", folder);
    snprintf(text, sizeof(text),
             "providers:\n  - {id: home, kind: comfyui, baseUrl: \"http://127.0.0.1:8188\", "
             "concurrency: 1, timeoutSeconds: 60}\nmodels:\n  - {id: own, name: Own, description: "
             "Mine., kind: image, provider: home, price: 1, typicalSeconds: 9, maxImages: 1, "
             "promptMax: 100, takesImage: optional, workflow: \"%s\", sizes: [{name: Square, "
             "width: 512, height: 512}]}\n",
             workflow);
    write_file(config, text);
    const struct settings_options options = {.config = config};
    arena_done(&arena);
    assert_false(settings_load(&arena, &options, &settings, &fault)); /* it is not there */
    write_file(workflow, "{\"nodes\": []}");
    assert_false(settings_load(&arena, &options, &settings, &fault));
    assert_true(str_contains(str_of(fault.text), STR("no workflow")));
    write_file(workflow, "{\"1\": {\"class_type\": \"A\", \"inputs\": {}}}");
    assert_false(settings_load(&arena, &options, &settings, &fault));
    assert_true(str_contains(str_of(fault.text), STR("has no {image}")));
    write_file(workflow, "{\"1\": {\"class_type\": \"A\", \"inputs\": {\"a\": \"{image}\"}}}");
    assert_true(settings_load(&arena, &options, &settings, &fault));
    const struct model_config *own = config_model(&settings.studio, STR("own"));
    assert_true(str_contains(config_workflow(&settings.studio, own), STR("class_type")));
    unlink(workflow);
    unlink(config);
    rmdir(folder);
}

static void iskra_takes_no_credits(void **state)
{
    load("iskra");
    const struct model_config *models = settings.studio.models.items;
    for (size_t i = 0; i < settings.studio.models.count; i++)
        assert_int_equal(choices_price(&models[i], &(struct choice){.duration = 10}).n, 0);
    const struct plan_config *free_plan = config_plan(&settings.studio, STR("free"));
    assert_int_equal(free_plan->rates.count, 6);
}

static void the_environment_names_the_preset_and_an_option_overrides_it(void **state)
{
    setenv("ATELIER_PRESET", "iskra", 1);
    load(NULL);
    assert_non_null(config_model(&settings.studio, STR("flux-dev")));
    load("videoai");
    assert_non_null(config_model(&settings.studio, STR("veo_3")));
    unsetenv("ATELIER_PRESET");
    load(NULL);
    assert_non_null(config_model(&settings.studio, STR("sketch")));
}

static void a_preset_that_does_not_exist_is_refused_with_those_that_do(void **state)
{
    struct settings_options options = {.preset = "fresco"};
    struct fault fault;
    arena_done(&arena);
    assert_false(settings_load(&arena, &options, &settings, &fault));
    assert_string_equal(
        fault.text, "there is no preset \"fresco\"; there are: iskra, pixorly, studio, videoai");
}

static int release(void **state)
{
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_loads_without_any_key),
        cmocka_unit_test(pixorly_sells_pictures_at_the_prices_of_its_report),
        cmocka_unit_test(videoai_sells_seconds_at_85_credits_a_dollar_rounded_up),
        cmocka_unit_test(videoai_keeps_films_public_below_max_and_1080p_for_pro),
        cmocka_unit_test(a_workflow_is_read_with_the_configuration_or_refused),
        cmocka_unit_test(iskra_takes_no_credits),
        cmocka_unit_test(the_environment_names_the_preset_and_an_option_overrides_it),
        cmocka_unit_test(a_preset_that_does_not_exist_is_refused_with_those_that_do),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
