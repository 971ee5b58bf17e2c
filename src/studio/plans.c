/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/subscriptions.h"

#include "studio/catalogue.h"

/* What there is to buy, as the configuration says. */
struct wire_plan_card {
    str key, plan_id, name, currency, stripe_price_id, stripe_price_id_yearly;
    str polar_product_id, polar_product_id_yearly;
    int64_t price, price_yearly, storage_bytes, trial_days;
    credits credits, credits_once;
    struct list features;
    bool is_active;
};

static const struct field feature_item = ITEM_TEXT();
#define ROW struct wire_plan_card
static const struct field wire_plan_card_fields[] = {
    TEXT(key),
    TEXT(plan_id, .about = "The same as key."),
    TEXT(name),
    TEXT(currency),
    MAYBE_TEXT(stripe_price_id),
    MAYBE_TEXT(stripe_price_id_yearly),
    MAYBE_TEXT(polar_product_id),
    MAYBE_TEXT(polar_product_id_yearly),
    INT(price, .unit = "cents", .about = "A month; 0: free."),
    INT(price_yearly, .unit = "cents", .about = "A year; 0: not offered."),
    INT(storage_bytes, .unit = "bytes"),
    INT(trial_days, .unit = "days"),
    CREDITS(credits, .about = "A period."),
    CREDITS(credits_once, .about = "With the account."),
    LIST(features, &feature_item),
    BOOL(is_active),
};
#undef ROW
static const struct shape wire_plan_card_shape = {
    .name = "plan", .size = sizeof(struct wire_plan_card), FIELDS(wire_plan_card_fields)};
static const struct field wire_plan_card_item =
    ITEM_RECORD(&wire_plan_card_shape, struct wire_plan_card);

struct wire_package {
    str package_id, name, currency;
    int64_t price;
    credits credits;
    bool is_active;
};
#define ROW struct wire_package
static const struct field wire_package_fields[] = {TEXT(package_id), TEXT(name),
                                                   TEXT(currency),   INT(price, .unit = "cents"),
                                                   CREDITS(credits), BOOL(is_active)};
#undef ROW
static const struct shape wire_package_shape = {
    .name = "creditPackage", .size = sizeof(struct wire_package), FIELDS(wire_package_fields)};
static const struct field wire_package_item = ITEM_RECORD(&wire_package_shape, struct wire_package);

struct get_plan_args {
    str key;
};
#define ROW struct get_plan_args
static const struct field get_plan_fields[] = {TEXT(key, .min = 1, .max = 40)};
#undef ROW
NO_ARGS(list_plans)
NO_ARGS(list_packages)

BACKEND_FUNCTION(list_plans, struct list)
BACKEND_FUNCTION(get_plan, struct wire_plan_card *)
BACKEND_FUNCTION(list_packages, struct list)

const struct function plan_functions[] = {
    QUERY("plans:listPlans", list_plans, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_plan_card_item), .about = "All plans, cheapest first."),
    QUERY("plans:getPlan", get_plan, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_MAYBE(&wire_plan_card_shape),
          .about = "One plan; null when there is none of that key."),
    QUERY("subscriptionPlans:getActivePlans", list_plans, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_plan_card_item), .about = "The same as plans:listPlans."),
    QUERY("creditPackages:getActivePackages", list_packages, .caller = ANYONE,
          .ignores_caller = true, .returns = RETURNS_LIST(&wire_package_item),
          .about = "Credits that can be bought."),
};
const size_t plan_function_count = ARRAY_LEN(plan_functions);

const struct plan_config *config_plan_of_price(const struct studio_config *config, str price)
{
    const struct plan_config *plans = config->plans.items;
    for (size_t i = 0; i < config->plans.count && price.len != 0; i++)
        if (str_equal(plans[i].stripe_price_id, price) ||
            str_equal(plans[i].stripe_price_id_yearly, price) ||
            str_equal(plans[i].polar_product_id, price) ||
            str_equal(plans[i].polar_product_id_yearly, price))
            return &plans[i];
    return NULL;
}

const struct package_config *config_package(const struct studio_config *config, str id)
{
    const struct package_config *packages = config->credit_packages.items;
    for (size_t i = 0; i < config->credit_packages.count; i++)
        if (str_equal(packages[i].id, id))
            return &packages[i];
    return NULL;
}

static str currency_of(const struct studio_config *config)
{
    return config->payments.currency.len == 0 ? STR("usd") : config->payments.currency;
}

static struct wire_plan_card card_of(const struct studio_config *config,
                                     const struct plan_config *plan)
{
    return (struct wire_plan_card){
        .key = plan->key,
        .plan_id = plan->key,
        .name = plan->name,
        .currency = currency_of(config),
        .stripe_price_id = plan->stripe_price_id,
        .stripe_price_id_yearly = plan->stripe_price_id_yearly,
        .polar_product_id = plan->polar_product_id,
        .polar_product_id_yearly = plan->polar_product_id_yearly,
        .price = plan->price_cents,
        .price_yearly = plan->price_cents_yearly,
        .storage_bytes = plan->storage_bytes,
        .trial_days = plan->trial_days,
        .credits = plan->credits_monthly,
        .credits_once = plan->credits_once,
        .features = plan->features,
        .is_active = config_is_active(plan->is_active),
    };
}

static void list_plans(struct call *call, const struct list_plans_args *args, struct list *result)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plans = config->plans.items;
    struct wire_plan_card *out =
        arena_array(call->arena, struct wire_plan_card, config->plans.count);
    size_t count = 0;
    for (size_t i = 0; i < config->plans.count; i++) {
        if (!config_is_active(plans[i].is_active))
            continue;
        size_t at = count++;
        while (at > 0 && out[at - 1].price > plans[i].price_cents) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = card_of(config, &plans[i]);
    }
    *result = (struct list){out, count};
}

static void get_plan(struct call *call, const struct get_plan_args *args,
                     struct wire_plan_card **result)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plan = config_plan(config, args->key);
    if (plan == NULL)
        return;
    *result = arena_new(call->arena, struct wire_plan_card);
    **result = card_of(config, plan);
}

static void list_packages(struct call *call, const struct list_packages_args *args,
                          struct list *result)
{
    const struct studio_config *config = catalogue_of(call);
    const struct package_config *packages = config->credit_packages.items;
    struct wire_package *out =
        arena_array(call->arena, struct wire_package, config->credit_packages.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < config->credit_packages.count; i++) {
        if (!config_is_active(packages[i].is_active))
            continue;
        out[count++] = (struct wire_package){
            .package_id = packages[i].id,
            .name = packages[i].name,
            .currency = currency_of(config),
            .price = packages[i].price_cents,
            .credits = packages[i].credits,
            .is_active = true,
        };
    }
    *result = (struct list){out, count};
}
