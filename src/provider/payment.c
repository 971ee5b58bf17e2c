/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/payment.h"

const struct payment_service *const payment_services[] = {&stripe_service, &polar_service};
const size_t payment_service_count = ARRAY_LEN(payment_services);

const struct payment_service *payment_service_of(str name)
{
    for (size_t i = 0; i < payment_service_count; i++)
        if (str_equal(name, str_of(payment_services[i]->name)))
            return payment_services[i];
    return NULL;
}

void payment_start(struct arena *arena, const struct provider_site *site,
                   const struct payment_service *service, const char *method, str path,
                   const char *content_type, struct provider_request *out)
{
    str base = site->base_url.len == 0 ? str_of(service->base_url) : site->base_url;
    while (str_ends(base, STR("/")))
        base.len--;
    *out = (struct provider_request){
        .method = str_of(method),
        .url = str_format(arena, "%.*s/%.*s", STR_ARG(base), STR_ARG(path)),
    };
    provider_header_add(out, STR("Content-Type"), str_of(content_type));
    provider_header_add(out, STR("Authorization"),
                        str_format(arena, "Bearer %.*s", STR_ARG(site->key)));
}

bool payment_object_read(struct arena *arena, str body, struct json *out)
{
    struct fault fault;
    return json_read(arena, body, 0, out, &fault) && out->kind == JSON_OBJECT;
}

bool payment_event_is_sound(const struct payment_event *event)
{
    return event->id.len != 0 && event->id.len <= 255 && event->type.len != 0 &&
           event->type.len <= 100 && event->created.us > 0;
}

bool payment_subscription_read(const struct payment_service *service, struct arena *arena,
                               int status, str body, struct payment_subscription *out)
{
    struct json object;
    *out = (struct payment_subscription){0};
    if (status < 200 || status > 299 || !payment_object_read(arena, body, &object))
        return false;
    service->read_subscription(&object, out);
    return out->id.len != 0;
}
