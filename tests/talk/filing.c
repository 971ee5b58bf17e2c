/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "studio/catalogue.h"
#include "json/json.h"

#include <string.h>

/* the file says MODEL costs N: it is read again while the program runs. */
bool talk_file(struct talk *talk, str *rest)
{
    struct house *house = talk->house;
    struct studio_config *studio = arena_new(&house->arena, struct studio_config);
    str name = take_name(rest);
    int64_t price;
    *studio = *catalogue_file(house->program.config);
    size_t count = studio->models.count;
    struct model_config *models =
        arena_copy(&house->arena, studio->models.items, count * sizeof(*models));
    studio->models.items = models;
    struct model_config *model = (struct model_config *)config_model(studio, name);
    if (model == NULL || !take(rest, "costs") || !take_number(talk, rest, &price))
        return talk_fail(talk, "the file says MODEL costs N");
    model->price.n = price;
    catalogue_replace(house->program.config, &(struct arena){0}, studio);
    talk->request = (struct call_request){
        .path = STR("catalogue:reload"), .args = STR("{}"), .is_internal = true};
    struct mutation *mutation = house_mutate(house, &talk->request);
    bool worked = talk_keep_reply(talk, &mutation->reply, STR("result"));
    mutation_free(mutation);
    return worked;
}

/* bytes of a [marked] picture -> name: somebody sent them, and no row names them yet. */
bool talk_bytes(struct talk *talk, str *rest)
{
    struct json value;
    struct fault fault;
    bool is_film = take(rest, "of a film");
    bool is_marked = !is_film && take(rest, "of a marked picture");
    if ((!is_film && !is_marked && !take(rest, "of a picture")) || !take(rest, "->"))
        return talk_fail(talk, "bytes of a picture -> NAME");
    struct stored_file file = pretend_receive(talk->house->outside, &talk->arena,
                                              is_film ? MEDIA_VIDEO : MEDIA_IMAGE, is_marked);
    str text = str_format(&talk->arena,
                          "{\"storageId\":\"%.*s\",\"contentType\":\"%.*s\","
                          "\"sha256\":\"%.*s\",\"size\":%lld}",
                          STR_ARG(file.storage_id), STR_ARG(file.content_type),
                          STR_ARG(file.sha256), (long long)file.size);
    if (!json_read(&talk->arena, text, 0, &value, &fault))
        return talk_fail(talk, "%s", fault.text);
    return names_put(&talk->names, take_name(rest), value) || talk_fail(talk, "too many names");
}
