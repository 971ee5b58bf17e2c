/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

bool talk_act(struct talk *talk, str name)
{
    struct mutation *mutation = house_act(talk->house, &talk->request);
    str asked = str_copy(&talk->arena, str_of(talk->house->paid_at));
    struct json value = {.kind = JSON_TEXT, .text = asked};
    bool worked = talk_keep_reply(talk, &mutation->reply, name) &&
                  names_put(&talk->names, STR("paying"), value);
    mutation_free(mutation);
    return worked;
}

/* The signature is right: that it is checked is the business of other tests. Polar's events have
 * no id of their own; here it is written among their members all the same. */
static bool sends(struct talk *talk, bool is_polar, str *rest)
{
    AUTO(buffer_done) struct buffer body = {0}, args = {0};
    struct json event;
    str name = STR("result");
    if (!take_value(talk, rest, &event))
        return false;
    if (take(rest, "->"))
        name = take_name(rest);
    json_write_canonical(&body, &event);
    buffer_str(&args, STR("{\"body\":"));
    json_write_text(&args, buffer_text(&body));
    if (is_polar) {
        buffer_str(&args, STR(",\"id\":"));
        json_write_text(&args, json_text(json_get(&event, "id")));
    }
    buffer_char(&args, '}');
    talk->request = (struct call_request){.path = is_polar ? STR("polar:handlePolarWebhook")
                                                           : STR("stripe:handleStripeWebhook"),
                                          .args = str_copy(&talk->arena, buffer_text(&args)),
                                          .is_internal = true};
    struct mutation *mutation = house_mutate(talk->house, &talk->request);
    bool worked = talk_keep_reply(talk, &mutation->reply, name);
    mutation_free(mutation);
    return worked;
}

static bool pay_line(struct talk *talk, bool is_polar, str *rest)
{
    struct payments_config *payments = &talk->house->settings.studio.payments;
    int64_t status;
    if (take(rest, "sends"))
        return sends(talk, is_polar, rest);
    if (take(rest, "is not set up")) {
        *(is_polar ? &payments->polar : &payments->stripe) = NULL;
        return true;
    }
    if (!take(rest, "answers") || !take_number(talk, rest, &status))
        return talk_fail(talk, "stripe or polar sends {event}, answers STATUS or is not set up");
    talk->house->pay_status = (int)status;
    return true;
}

bool talk_stripe(struct talk *talk, str *rest)
{
    return pay_line(talk, false, rest);
}

bool talk_polar(struct talk *talk, str *rest)
{
    return pay_line(talk, true, rest);
}
