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

void payment_encode(struct buffer *to, str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (is_plain) {
            buffer_char(to, (char)c);
        } else {
            buffer_char(to, '%');
            buffer_char(to, digits[c >> 4]);
            buffer_char(to, digits[c & 15]);
        }
    }
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
