/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators change of the catalogue (seed-contracts.md sections b and c). Each change is
 * a row over the configuration file; without the row the file's word is the truth again. */
#include "studio/catalogue_inside.h"
#include "studio/studio.h"

#include "studio/audit.h"
#include "studio/replies.h"

#include <math.h>

#define DOLLARS_PER_SECOND_MAX 5.0

/* ---- arguments and results ---- */

struct create_plan_args {
    struct plan_config plan;
};
#define ROW struct create_plan_args
static const struct field create_plan_fields[] = {RECORD(plan, &config_plan_shape)};
#undef ROW

struct create_package_args {
    struct package_config package;
};
#define ROW struct create_package_args
static const struct field create_package_fields[] = {RECORD(package, &config_package_shape)};
#undef ROW

struct create_model_args {
    struct model_config model;
};
#define ROW struct create_model_args
static const struct field create_model_fields[] = {RECORD(model, &config_model_shape)};
#undef ROW

#define CHANGES(member)                                                                            \
    ANY(member, .about = "An object with what is to be another, as in the configuration file.")

struct update_plan_args {
    str plan_id, changes;
};
#define ROW struct update_plan_args
static const struct field update_plan_fields[] = {TEXT(plan_id, .min = 1, .max = 40),
                                                  CHANGES(changes)};
#undef ROW

struct delete_plan_args {
    str plan_id;
};
#define ROW struct delete_plan_args
static const struct field delete_plan_fields[] = {TEXT(plan_id, .min = 1, .max = 40)};
#undef ROW

struct update_package_args {
    str package_id, changes;
};
#define ROW struct update_package_args
static const struct field update_package_fields[] = {TEXT(package_id, .min = 1, .max = 40),
                                                     CHANGES(changes)};
#undef ROW

struct delete_package_args {
    str package_id;
};
#define ROW struct delete_package_args
static const struct field delete_package_fields[] = {TEXT(package_id, .min = 1, .max = 40)};
#undef ROW

struct update_model_args {
    str model_id, changes;
};
#define ROW struct update_model_args
static const struct field update_model_fields[] = {TEXT(model_id, .min = 1, .max = 80),
                                                   CHANGES(changes)};
#undef ROW

struct delete_model_args {
    str model_id;
};
#define ROW struct delete_model_args
static const struct field delete_model_fields[] = {TEXT(model_id, .min = 1, .max = 80)};
#undef ROW

struct update_cost_args {
    str model_id, resolution;
    double cost_per_second;
};
#define ROW struct update_cost_args
static const struct field update_cost_fields[] = {
    TEXT(model_id, .min = 1, .max = 80),
    TEXT(resolution, .min = 1, .max = 40),
    NUMBER(cost_per_second, .least = 0, .most = DOLLARS_PER_SECOND_MAX, .unit = "US dollars"),
};
#undef ROW

struct restored {
    int64_t count;
};
#define ROW struct restored
static const struct field restored_fields[] = {INT(count, .about = "Changes taken back.")};
#undef ROW
static const struct shape restored_shape = {
    .name = "restored", .size = sizeof(struct restored), FIELDS(restored_fields)};

struct wire_override {
    str key, body;
    instant updated_at;
};
#define ROW struct wire_override
static const struct field wire_override_fields[] = {
    TEXT(key),
    ANY(body, .about = "What is not as in the file."),
    TIME(updated_at),
};
#undef ROW
static const struct shape wire_override_shape = {
    .name = "override", .size = sizeof(struct wire_override), FIELDS(wire_override_fields)};
static const struct field wire_override_item =
    ITEM_RECORD(&wire_override_shape, struct wire_override);

struct override_lists {
    struct list plans, models, credit_packages;
};
#define ROW struct override_lists
static const struct field override_lists_fields[] = {
    LIST(plans, &wire_override_item),
    LIST(models, &wire_override_item),
    LIST(credit_packages, &wire_override_item),
};
#undef ROW
static const struct shape override_lists_shape = {
    .name = "overrides", .size = sizeof(struct override_lists), FIELDS(override_lists_fields)};

NO_ARGS(seed_plans)
NO_ARGS(seed_packages)
NO_ARGS(list_overrides)
NO_ARGS(reload)
BACKEND_FUNCTION(create_plan, struct nothing)
BACKEND_FUNCTION(update_plan, struct nothing)
BACKEND_FUNCTION(delete_plan, struct nothing)
BACKEND_FUNCTION(seed_plans, struct restored)
BACKEND_FUNCTION(create_package, struct nothing)
BACKEND_FUNCTION(update_package, struct nothing)
BACKEND_FUNCTION(delete_package, struct nothing)
BACKEND_FUNCTION(seed_packages, struct restored)
BACKEND_FUNCTION(create_model, struct nothing)
BACKEND_FUNCTION(update_model, struct nothing)
BACKEND_FUNCTION(delete_model, struct nothing)
BACKEND_FUNCTION(update_cost, struct nothing)
BACKEND_FUNCTION(list_overrides, struct override_lists)
BACKEND_FUNCTION(reload, struct nothing)

#define ADDS(what) .about = "Adds a " what " to those of the configuration file."
#define CHANGES_ONE(what) .about = "Changes a " what "; what is not named stays as it is."
#define TAKES_BACK(what)                                                                           \
    .about = "Takes back what was changed of a " what ", or removes one that was added."

const struct function catalogue_functions[] = {
    MUTATION("subscriptionPlans:createPlan", create_plan, .caller = ADMIN, ADDS("plan")),
    MUTATION("subscriptionPlans:updatePlan", update_plan, .caller = ADMIN, CHANGES_ONE("plan")),
    MUTATION("subscriptionPlans:deletePlan", delete_plan, .caller = ADMIN, TAKES_BACK("plan")),
    MUTATION("subscriptionPlans:seedPlans", seed_plans, .caller = ADMIN,
             .returns = RETURNS_RECORD(&restored_shape, struct restored),
             .about = "All plans as in the configuration file again."),
    MUTATION("creditPackages:createPackage", create_package, .caller = ADMIN, ADDS("package")),
    MUTATION("creditPackages:updatePackage", update_package, .caller = ADMIN,
             CHANGES_ONE("package")),
    MUTATION("creditPackages:deletePackage", delete_package, .caller = ADMIN,
             TAKES_BACK("package")),
    MUTATION("creditPackages:seedPackages", seed_packages, .caller = ADMIN,
             .returns = RETURNS_RECORD(&restored_shape, struct restored),
             .about = "All packages as in the configuration file again."),
    MUTATION("models:createModel", create_model, .caller = ADMIN, ADDS("model")),
    MUTATION("models:updateModel", update_model, .caller = ADMIN, CHANGES_ONE("model")),
    MUTATION("models:deleteModel", delete_model, .caller = ADMIN, TAKES_BACK("model")),
    MUTATION("pricing:updateModelResolutionCost", update_cost, .caller = ADMIN,
             .about = "What a second of film costs at one of a model's resolutions."),
    QUERY("admin:listOverrides", list_overrides, .caller = ADMIN,
          .returns = RETURNS_RECORD(&override_lists_shape, struct override_lists),
          .about = "What is not as in the configuration file."),
    MUTATION("catalogue:reload", reload, .caller = INTERNAL,
             .about = "The configuration file is another: who watches it is told."),
};
const size_t catalogue_function_count = ARRAY_LEN(catalogue_functions);

/* ---- rows ---- */

/* Not there: a new one of that key, without an id. */
static bool find_override(struct call *call, enum part part, str key, struct override *out)
{
    struct key at = KEY(key_text(str_of(override_part_names[part])), key_text(key));
    doc_id id = row_first(call, index_of(&override_type, "by_key"), at);
    if (row_find(call, &override_type, id, out))
        return true;
    *out = (struct override){.part = part, .key = key};
    return false;
}

static void put_audit(struct call *call, const char *action, enum part part, str key, str detail)
{
    audit_put(call, action, (doc_id){0}, (credits){0},
              str_format(call->arena, "%s %.*s %.*s", catalogue_parts[part].name, STR_ARG(key),
                         STR_ARG(detail)));
}

/* All of it must fit together again; else nothing is changed. */
static void must_fit(struct call *call)
{
    struct studio_config next;
    struct fault fault;
    catalogue_changed(call);
    if (!call_failed(call) &&
        !catalogue_build(call, call->arena, catalogue_file(call->program->config), &next, &fault))
        call_fail(call, STATE, "This does not fit the rest: %s.", fault.text);
}

static void put_override(struct call *call, const char *action, struct override *row)
{
    if (!doc_id_is_set(row->id))
        row_new(call, &override_type, row);
    row->updated_at = call->now;
    row_put(call, &override_type, row);
    put_audit(call, action, row->part, row->key, row->body);
    must_fit(call);
}

static void create(struct call *call, enum part part, const void *item)
{
    str key = *(const str *)item;
    struct override row;
    AUTO(buffer_done) struct buffer body = buffer_with_max(CALL_ARGS_MAX);
    REQUIRE(call, catalogue_item(catalogue_of(call), part, key) == NULL, STATE,
            "There is a %s \"%.*s\" already.", catalogue_parts[part].name, STR_ARG(key));
    find_override(call, part, key, &row);
    field_write(&body, catalogue_parts[part].item, item);
    row.body = str_copy(call->arena, buffer_text(&body));
    put_override(call, "catalogue.create", &row);
}

/* Both are canonical texts of objects. */
static str merged(struct call *call, str below, str above)
{
    struct json lower = {.kind = JSON_OBJECT}, upper;
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_ARGS_MAX);
    if ((below.len != 0 && !json_read(call->arena, below, 0, &lower, NULL)) ||
        !json_read(call->arena, above, 0, &upper, NULL))
        return (str){0};
    struct json both = json_merge(call->arena, &lower, &upper);
    json_write_canonical(&text, &both);
    return str_copy(call->arena, buffer_text(&text));
}

static void update(struct call *call, enum part part, str key, str changes)
{
    const struct catalogue_part *facts = &catalogue_parts[part];
    struct studio_config tried = *catalogue_of(call);
    struct override row;
    struct json object;
    struct field_error error;
    REQUIRE(call, catalogue_item(&tried, part, key) != NULL, NOT_FOUND, "There is no %s \"%.*s\".",
            facts->name, STR_ARG(key));
    bool is_object =
        json_read(call->arena, changes, 0, &object, NULL) && object.kind == JSON_OBJECT;
    REQUIRE_ARGUMENT(call, is_object, ".changes", "An object with what is to be another.");
    REQUIRE_ARGUMENT(call, json_get(&object, facts->key)->kind == JSON_NONE, ".changes",
                     "The %s of a %s stays as it is.", facts->key, facts->name);
    if (!catalogue_join(call->arena, &tried, part, key, changes, &error)) {
        str path = str_format(call->arena, ".changes%s", error.path);
        call_fail_argument(call, str_zero_ended(call->arena, path), "%s", error.text);
        return;
    }
    find_override(call, part, key, &row);
    row.body = merged(call, row.body, changes);
    put_override(call, "catalogue.update", &row);
}

static void take_back(struct call *call, enum part part, str key)
{
    struct override row;
    bool is_there = find_override(call, part, key, &row);
    bool is_known = catalogue_item(catalogue_of(call), part, key) != NULL;
    REQUIRE(call, is_known, NOT_FOUND, "There is no %s \"%.*s\".", catalogue_parts[part].name,
            STR_ARG(key));
    REQUIRE(call, is_there, STATE,
            "It stands in the configuration file. Set isActive to false instead.");
    row_remove(call, &override_type, row.id);
    put_audit(call, "catalogue.delete", part, key, (str){0});
    must_fit(call);
}

static int64_t restore(struct call *call, enum part part)
{
    struct override row;
    struct scan scan;
    int64_t count = 0;
    struct bounds bounds = {.prefix = KEY(key_text(str_of(override_part_names[part])))};
    view_scan(call->view, index_of(&override_type, "by_key"), bounds, ORDER_UP, &scan);
    while (scan_next(&scan, &row)) {
        row_remove(call, &override_type, row.id);
        count++;
    }
    scan_end(&scan);
    put_audit(call, "catalogue.seed", part, STR(""), (str){0});
    must_fit(call);
    return count;
}

/* ---- functions ---- */

static void create_plan(struct call *call, const struct create_plan_args *args,
                        struct nothing *result)
{
    create(call, PART_PLANS, &args->plan);
}

static void update_plan(struct call *call, const struct update_plan_args *args,
                        struct nothing *result)
{
    update(call, PART_PLANS, args->plan_id, args->changes);
}

static void delete_plan(struct call *call, const struct delete_plan_args *args,
                        struct nothing *result)
{
    take_back(call, PART_PLANS, args->plan_id);
}

static void seed_plans(struct call *call, const struct seed_plans_args *args,
                       struct restored *result)
{
    result->count = restore(call, PART_PLANS);
}

static void create_package(struct call *call, const struct create_package_args *args,
                           struct nothing *result)
{
    create(call, PART_PACKAGES, &args->package);
}

static void update_package(struct call *call, const struct update_package_args *args,
                           struct nothing *result)
{
    update(call, PART_PACKAGES, args->package_id, args->changes);
}

static void delete_package(struct call *call, const struct delete_package_args *args,
                           struct nothing *result)
{
    take_back(call, PART_PACKAGES, args->package_id);
}

static void seed_packages(struct call *call, const struct seed_packages_args *args,
                          struct restored *result)
{
    result->count = restore(call, PART_PACKAGES);
}

static void create_model(struct call *call, const struct create_model_args *args,
                         struct nothing *result)
{
    create(call, PART_MODELS, &args->model);
}

static void update_model(struct call *call, const struct update_model_args *args,
                         struct nothing *result)
{
    update(call, PART_MODELS, args->model_id, args->changes);
}

static void delete_model(struct call *call, const struct delete_model_args *args,
                         struct nothing *result)
{
    take_back(call, PART_MODELS, args->model_id);
}

/* Lists are replaced as a whole: all of the model's resolutions, one with another price. */
static void update_cost(struct call *call, const struct update_cost_args *args,
                        struct nothing *result)
{
    const struct model_config *model = config_model(catalogue_of(call), args->model_id);
    REQUIRE(call, model != NULL, NOT_FOUND, "There is no model \"%.*s\".", STR_ARG(args->model_id));
    struct list tiers = {arena_copy(call->arena, model->resolutions.items,
                                    model->resolutions.count * sizeof(struct tier_config)),
                         model->resolutions.count};
    struct tier_config *tier = NULL, *all = tiers.items;
    for (size_t i = 0; i < tiers.count; i++)
        if (str_equal(all[i].name, args->resolution))
            tier = &all[i];
    REQUIRE_ARGUMENT(call, tier != NULL, ".resolution", "%.*s has no such resolution.",
                     STR_ARG(model->name));
    tier->micros_per_second = llround(args->cost_per_second * 1e6);
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_ARGS_MAX);
    buffer_str(&text, STR("{\"resolutions\":"));
    field_write(&text, shape_field(&config_model_shape, STR("resolutions")), &tiers);
    buffer_char(&text, '}');
    update(call, PART_MODELS, args->model_id, str_copy(call->arena, buffer_text(&text)));
}

static struct list overrides_of(struct call *call, enum part part)
{
    struct bounds bounds = {.prefix = KEY(key_text(str_of(override_part_names[part])))};
    struct scan scan;
    struct list out = {0};
    size_t room = 0;
    struct override row;
    struct wire_override *rows = NULL;
    view_scan(call->view, index_of(&override_type, "by_key"), bounds, ORDER_UP, &scan);
    while (scan_next(&scan, &row)) {
        if (out.count == room) {
            struct wire_override *old = rows;
            room = room * 2 + 8;
            rows = arena_array(call->arena, struct wire_override, room);
            for (size_t i = 0; i < out.count; i++)
                rows[i] = old[i];
        }
        rows[out.count++] = (struct wire_override){row.key, row.body, row.updated_at};
    }
    scan_end(&scan);
    out.items = rows == NULL ? arena_new(call->arena, struct wire_override) : rows;
    return out;
}

static void list_overrides(struct call *call, const struct list_overrides_args *args,
                           struct override_lists *result)
{
    *result = (struct override_lists){
        .plans = overrides_of(call, PART_PLANS),
        .models = overrides_of(call, PART_MODELS),
        .credit_packages = overrides_of(call, PART_PACKAGES),
    };
}

static void reload(struct call *call, const struct reload_args *args, struct nothing *result)
{
    catalogue_changed(call);
}
