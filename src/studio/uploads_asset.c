/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an uploaded file to a work: the row at once, what the media helper finds out about it later.
 */
#include "studio/alerts.h"
#include "studio/links.h"
#include "studio/previews.h"
#include "studio/provenance.h"
#include "studio/uploads.h"

#include "studio/work.h"
#include "json/json.h"

#include <math.h>

#define SIDE_MAX 10000
#define DURATION_MAX 7200 /* s */
#define METADATA_MAX KIB(16)

/* While the media helper is away, or too busy: so many tries soon, one an hour for a day, then one
 * in six, and the operators are told. Nothing is thrown away for a trouble of ours. */
#define LOOKS_SOON 12
#define LOOKS_OF_A_DAY (LOOKS_SOON + 24)
#define LOOK_LATER HOURS(1)
#define LOOK_RARELY HOURS(6)

/* ---- arguments ---- */

struct upload_asset_args {
    str storage_id;
    enum media_kind type;
    str mime_type;
    int64_t size_bytes;
    struct maybe_int width, height;
    struct maybe_number duration;
    str original_url, thumbnail_storage_id;
    str camera_angle, character_variation, director_name, emotion;
    str lighting_scenario, storyline_label, surface_map, variation_type;
    str metadata;
};
#define ROW struct upload_asset_args
static const struct field upload_asset_fields[] = {
    TEXT(storage_id, .min = 32, .max = 36),
    CHOICE(type, media_kind_names),
    TEXT(mime_type, .min = 1, .max = 100),
    INT(size_bytes, .min = 1, .max = INT64_C(8) << 30, .unit = "bytes"),
    MAYBE_INT(width, .min = 1, .max = SIDE_MAX, .unit = "px"),
    MAYBE_INT(height, .min = 1, .max = SIDE_MAX, .unit = "px"),
    MAYBE_NUMBER(duration, .least = 0, .most = DURATION_MAX, .unit = "s"),
    MAYBE_TEXT(original_url, .max = 2000, .about = "Where it was before."),
    MAYBE_TEXT(thumbnail_storage_id, .min = 32, .max = 36,
               .about = "Shown until ours is made of the file itself."),
    MAYBE_TEXT(camera_angle, .max = 200),
    MAYBE_TEXT(character_variation, .max = 200),
    MAYBE_TEXT(director_name, .max = 200),
    MAYBE_TEXT(emotion, .max = 200),
    MAYBE_TEXT(lighting_scenario, .max = 200),
    MAYBE_TEXT(storyline_label, .max = 200),
    MAYBE_TEXT(surface_map, .max = 200),
    MAYBE_TEXT(variation_type, .max = 200),
    MAYBE_ANY(metadata),
};
#undef ROW

BACKEND_FUNCTION(upload_asset, doc_id)

const struct function upload_asset_functions[] = {
    MUTATION("assets:uploadAsset", upload_asset, .caller = SIGNED_IN,
             .returns = RETURNS_ID(&asset_type),
             .about = "Makes a work of a stored file of the caller. Size and type must be the "
                      "file's. Again: the same work."),
};
const size_t upload_asset_function_count = ARRAY_LEN(upload_asset_functions);

/* ---- metadata ---- */

struct label {
    const char *name;
    str text;
};

static void add_member(struct buffer *to, str name)
{
    if (to->len > 1)
        buffer_char(to, ',');
    json_write_text(to, name);
    buffer_char(to, ':');
}

static bool is_label(const struct label labels[], size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (labels[i].text.len != 0 && str_equal(name, str_of(labels[i].name)))
            return true;
    return false;
}

/* What the caller says in an object of its own, and the labels beside it. */
static str metadata_of(struct call *call, const struct upload_asset_args *args)
{
    const struct label labels[] = {
        {"cameraAngle", args->camera_angle},
        {"characterVariation", args->character_variation},
        {"directorName", args->director_name},
        {"emotion", args->emotion},
        {"lightingScenario", args->lighting_scenario},
        {"storylineLabel", args->storyline_label},
        {"surfaceMap", args->surface_map},
        {"variationType", args->variation_type},
        {"originalUrl", args->original_url},
    };
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(64));
    struct json said = {0};
    if (args->metadata.len != 0 && !json_read(call->arena, args->metadata, 0, &said, NULL))
        said = (struct json){0};
    buffer_char(&text, '{');
    for (size_t i = 0; said.kind == JSON_OBJECT && i < said.count; i++) {
        if (is_label(labels, ARRAY_LEN(labels), said.items[i].key))
            continue;
        add_member(&text, said.items[i].key);
        json_write_canonical(&text, &said.items[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        if (labels[i].text.len == 0)
            continue;
        add_member(&text, str_of(labels[i].name));
        json_write_text(&text, labels[i].text);
    }
    buffer_char(&text, '}');
    return text.len > 2 ? str_copy(call->arena, buffer_text(&text)) : (str){0};
}

/* ---- a work of it ---- */

static enum media_kind kind_of(str content_type)
{
    return str_starts(content_type, STR("image/"))   ? MEDIA_IMAGE
           : str_starts(content_type, STR("video/")) ? MEDIA_VIDEO
                                                     : MEDIA_NONE;
}

doc_id upload_make_asset(struct call *call, const struct file *file, const struct upload_said *said)
{
    enum media_kind kind = kind_of(file->content_type);
    struct file thumbnail = {0};
    if (kind == MEDIA_NONE)
        call_fail_argument(call, ".storageId", "This file is neither a picture nor a film.");
    if (said->thumbnail_storage_id.len != 0)
        file_find(call, said->thumbnail_storage_id, &thumbnail);
    struct asset asset = {
        .user_id = file->owner_id,
        .type = kind,
        .width = said->width,
        .height = said->height,
        .duration = said->duration,
        .mime_type = file->content_type,
        .size_bytes = file->size_bytes,
        .stored_bytes = file->size_bytes + thumbnail.size_bytes,
        .storage_id = file->storage_id,
        .thumbnail_storage_id = thumbnail.storage_id,
        .title = utf8_cut(file->name, 200),
        .metadata = said->metadata,
        .is_processing = {true, true},
        .created_at = call->now,
        .updated_at = call->now,
    };
    struct storage_need need = {asset.stored_bytes, kind == MEDIA_IMAGE, kind == MEDIA_VIDEO};
    storage_check(call, asset.user_id, &need);
    if (call_failed(call))
        return (doc_id){0};
    row_new(call, &asset_type, &asset);
    row_put(call, &asset_type, &asset);
    storage_take(call, &asset);
    job_queue(call, looking_action.name, STR(UPLOADS_LANE), asset.id);
    return asset.id;
}

/* Names that different programs have for the same thing. */
static str plain_type(str type)
{
    static const struct {
        str from, to;
    } same[] = {
        {STR("image/jpg"), STR("image/jpeg")},        {STR("image/pjpeg"), STR("image/jpeg")},
        {STR("image/heif"), STR("image/heic")},       {STR("video/quicktime"), STR("video/mp4")},
        {STR("video/x-m4v"), STR("video/mp4")},       {STR("image/x-png"), STR("image/png")},
        {STR("video/x-matroska"), STR("video/webm")},
    };
    ptrdiff_t semicolon = str_find(type, ';');
    type = str_trim(semicolon < 0 ? type : str_slice(type, 0, (size_t)semicolon));
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (str_equal_nocase(type, same[i].from))
            return same[i].to;
    return type;
}

static void check_said(struct call *call, const struct upload_asset_args *args,
                       const struct file *file)
{
    REQUIRE_ARGUMENT(call, args->metadata.len == 0 || str_starts(args->metadata, STR("{")),
                     ".metadata", "This is no object.");
    REQUIRE_ARGUMENT(call, args->metadata.len <= METADATA_MAX, ".metadata",
                     "It is larger than %d bytes.", (int)METADATA_MAX);
    REQUIRE_ARGUMENT(call, args->type == kind_of(file->content_type), ".type", "This file is %.*s.",
                     STR_ARG(file->content_type));
    REQUIRE_ARGUMENT(call,
                     str_equal_nocase(plain_type(args->mime_type), plain_type(file->content_type)),
                     ".mimeType", "This file is %.*s.", STR_ARG(file->content_type));
    REQUIRE_ARGUMENT(call, args->size_bytes == file->size_bytes, ".sizeBytes",
                     "This file has %lld bytes.", (long long)file->size_bytes);
}

/* The row of a stored file that waits; the file is the caller's and nobody used it. */
static void get_waiting(struct call *call, str storage_id, struct file *file, struct upload *upload)
{
    bool is_theirs =
        file_find(call, storage_id, file) && doc_id_equal(file->owner_id, call_caller(call));
    doc_id id = row_first(call, index_of(&upload_type, "by_storage"), KEY(key_text(storage_id)));
    REQUIRE(call,
            is_theirs && row_find(call, &upload_type, id, upload) && upload->state == UPLOAD_STORED,
            NOT_FOUND, "This file does not exist, has expired, or is not yours.");
}

/* Of a file that waited: from now on it counts as a part of its work. */
static void use(struct call *call, struct upload *upload, doc_id asset)
{
    upload->state = UPLOAD_USED;
    upload->asset_id = asset;
    row_put(call, &upload_type, upload);
}

/* A work that is made of it already: the answer to somebody who did not hear the first one. */
static doc_id made_before(struct call *call, str storage_id)
{
    struct asset asset;
    doc_id id = row_first(call, index_of(&asset_type, "by_storage"), KEY(key_text(storage_id)));
    bool is_theirs = storage_id.len != 0 && row_find(call, &asset_type, id, &asset) &&
                     doc_id_equal(asset.user_id, call_caller(call));
    return is_theirs ? id : (doc_id){0};
}

static void upload_asset(struct call *call, const struct upload_asset_args *args, doc_id *result)
{
    struct file file, thumbnail = {0};
    struct upload upload, of_thumbnail;
    str id = storage_id_of(call->arena, args->storage_id);
    *result = made_before(call, id);
    if (doc_id_is_set(*result))
        return;
    get_waiting(call, id, &file, &upload);
    if (args->thumbnail_storage_id.len != 0)
        get_waiting(call, storage_id_of(call->arena, args->thumbnail_storage_id), &thumbnail,
                    &of_thumbnail);
    /* It goes as soon as ours is made, and the original would go with it. */
    REQUIRE_ARGUMENT(call, !str_equal(thumbnail.storage_id, file.storage_id), ".thumbnailStorageId",
                     "This is the file itself. Send a smaller picture.");
    REQUIRE_ARGUMENT(
        call, thumbnail.storage_id.len == 0 || str_starts(thumbnail.content_type, STR("image/")),
        ".thumbnailStorageId", "A thumbnail is a picture. This file is %.*s.",
        STR_ARG(thumbnail.content_type));
    if (!call_failed(call))
        check_said(call, args, &file);
    upload_release(call, &upload);
    if (thumbnail.storage_id.len != 0)
        upload_release(call, &of_thumbnail);
    struct upload_said said = {
        .width = args->width.value,
        .height = args->height.value,
        .duration = args->duration,
        .metadata = metadata_of(call, args),
        .thumbnail_storage_id = thumbnail.storage_id,
    };
    *result = upload_make_asset(call, &file, &said);
    if (call_failed(call))
        return;
    use(call, &upload, *result);
    if (thumbnail.storage_id.len != 0)
        use(call, &of_thumbnail, *result);
}

/* ---- looking into it ---- */

static const void *look_ask(struct call *call, struct job *job)
{
    struct asset asset;
    if (!row_find(call, &asset_type, (doc_id){job->about}, &asset) || !asset.is_processing.value) {
        job_remove(call, job->id);
        return NULL;
    }
    struct work *work = arena_new(call->arena, struct work);
    *work = (struct work){.kind = WORK_DERIVE, .blob = asset.storage_id};
    return work;
}

static void drop_file(struct call *call, str storage_id, struct asset *asset)
{
    struct file file;
    if (storage_id.len == 0 || !file_find(call, storage_id, &file))
        return;
    asset->stored_bytes -= file.size_bytes;
    file_doom(call, &file);
}

/* The meter follows: what the work was goes, what it is comes. */
static void put_changed(struct call *call, const struct asset *was, struct asset *asset)
{
    asset->is_processing = (struct maybe_bool){0};
    asset->updated_at = call->now;
    row_put(call, &asset_type, asset);
    storage_give_back(call, was);
    storage_take(call, asset);
}

/* It is not what it seemed: the row stays, to say so, without its bytes. */
static void refuse(struct call *call, struct asset *asset, str why)
{
    struct asset was = *asset;
    drop_file(call, asset->storage_id, asset);
    drop_file(call, asset->thumbnail_storage_id, asset);
    asset->storage_id = asset->thumbnail_storage_id = (str){0};
    asset->error = utf8_cut(why, 400);
    put_changed(call, &was, asset);
}

/* The file's row says what the helper found, too: it is what is served. */
static void correct_type(struct call *call, struct asset *asset, str mime_type)
{
    struct file file;
    if (mime_type.len == 0 || str_equal(mime_type, asset->mime_type) ||
        !file_find(call, asset->storage_id, &file))
        return;
    asset->mime_type = file.content_type = mime_type;
    row_put(call, &file_type, &file);
}

static void put_made(struct call *call, struct asset *asset, const struct stored_file *made)
{
    if (made->storage_id.len == 0)
        return;
    file_put(call, asset->user_id, made, asset->title);
    asset->stored_bytes += made->size;
}

static void take_found(struct call *call, struct asset *asset, const struct work_result *came)
{
    struct asset was = *asset;
    drop_file(call, asset->thumbnail_storage_id, asset);
    put_made(call, asset, &came->thumbnail);
    put_made(call, asset, &came->display);
    correct_type(call, asset, came->mime_type);
    asset->thumbnail_storage_id = came->thumbnail.storage_id;
    asset->display_storage_id = came->display.storage_id;
    asset->blur_data_url = came->blur;
    asset->width = came->width;
    asset->height = came->height;
    asset->duration = came->duration;
    asset_relink(call, asset); /* its addresses may have been turned meanwhile */
    provenance_take(call, asset, came);
    asset_relink(call, asset);
    put_changed(call, &was, asset);
    preview_queue(call, asset, came->frames);
}

static span wait_of(struct call *call, const struct job *job)
{
    return job->failures < LOOKS_SOON       ? job_backoff(call, job->failures)
           : job->failures < LOOKS_OF_A_DAY ? LOOK_LATER
                                            : LOOK_RARELY;
}

/* Once a day, however many wait. */
static void tell_operators(struct call *call, str why)
{
    int64_t day = call->now.us / DAYS(1).us;
    alert_raise(
        call, "waiting", str_format(call->arena, "waiting:%lld", (long long)day), (doc_id){0}, true,
        str_format(call->arena, "An uploaded file has waited for a day to be looked into: %.*s",
                   STR_ARG(why)));
}

static void look_answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work_result *came = result;
    struct asset asset;
    if (!row_find(call, &asset_type, (doc_id){job->about}, &asset) || !asset.is_processing.value) {
        job_remove(call, job->id); /* deleted meanwhile: what was made of it is an orphan */
        return;
    }
    if (work_may_be_tried_again(came, job, INT64_MAX)) {
        if (job->failures >= LOOKS_OF_A_DAY)
            tell_operators(call, came->text);
        job_put_off(call, job, instant_add(call->now, wait_of(call, job)));
        return;
    }
    if (came->failure != WORK_OK)
        refuse(call, &asset, came->text);
    else if (kind_of(came->mime_type) != asset.type)
        refuse(call, &asset,
               asset.type == MEDIA_IMAGE ? STR("This file is no picture.")
                                         : STR("This file is no film."));
    else
        take_found(call, &asset, came);
    job_remove(call, job->id);
}

/* A trouble of ours: the work stays, without a thumbnail. */
static void look_give_up(struct call *call, struct job *job, str why)
{
    struct asset asset;
    if (row_find(call, &asset_type, (doc_id){job->about}, &asset) && asset.is_processing.value) {
        asset.is_processing = (struct maybe_bool){0};
        row_put(call, &asset_type, &asset);
    }
    job_remove(call, job->id);
}

const struct job_action looking_action = {
    .name = "assets:look",
    .ask = look_ask,
    .answer = look_answer,
    .give_up = look_give_up,
};
