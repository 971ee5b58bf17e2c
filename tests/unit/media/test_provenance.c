/* SPDX-License-Identifier: Apache-2.0 */
/* What files say of their making, read and written: by itself, and through the helper. */
#include "desk.h"

#include <zlib.h>

#include "media/edits.h"
#include "media/worker/octets.h"
#include "media/worker/parameters.h"
#include "media/worker/stamp.h"

static struct desk desk;

/* ---- files ---- */

static void add_chunk(struct buffer *to, const char *name, const void *data, size_t len)
{
    uint8_t four[4];
    put_big32(four, (uint32_t)len);
    buffer_add(to, four, 4);
    size_t from = to->len;
    buffer_add(to, name, 4);
    buffer_add(to, data, len);
    put_big32(four, (uint32_t)crc32(0, (const Bytef *)to->at + from, (uInt)(to->len - from)));
    buffer_add(to, four, 4);
}

static void begin_png(struct buffer *to)
{
    buffer_add(to, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(to, "IHDR", "\0\0\0\1\0\0\0\1\x08\x02\0\0\0", 13);
}

static void end_png(struct buffer *to)
{
    uint8_t packed[64];
    uLongf len = sizeof(packed);
    assert_int_equal(compress(packed, &len, (const Bytef *)"\0\1\2\3", 4), Z_OK);
    add_chunk(to, "IDAT", packed, len);
    add_chunk(to, "IEND", "", 0);
}

static void add_text(struct buffer *to, const char *key, const char *text)
{
    AUTO(buffer_done) struct buffer body = {0};
    buffer_add(&body, key, strlen(key) + 1);
    buffer_str(&body, str_of(text));
    add_chunk(to, "tEXt", body.at, body.len);
}

static bytes whole(const struct buffer *buffer)
{
    return bytes_of(buffer_text(buffer));
}

/* What is found goes to the server's reader too, as it does in life. */
static bool find(struct arena *arena, enum media_type type, bytes file, struct embedded *out)
{
    struct metadata metadata;
    struct embedded found;
    struct fault fault = {0};
    AUTO(buffer_done) struct buffer told = buffer_with_max(PARAMETERS_JSON_MAX);
    metadata_read(arena, type, file, &metadata);
    if (!parameters_find(arena, &metadata, &found))
        return false;
    parameters_write(&told, &found);
    if (!parameters_take(arena, str_copy(arena, buffer_text(&told)), out, &fault))
        fail_msg("%s: %.*s", fault.text, STR_ARG(buffer_text(&told)));
    return true;
}

static void find_text(struct arena *arena, const char *key, const char *text, struct embedded *out)
{
    AUTO(buffer_done) struct buffer png = {0};
    begin_png(&png);
    add_text(&png, key, text);
    end_png(&png);
    assert_true(find(arena, MEDIA_PNG, whole(&png), out));
}

static void assert_str(str is, const char *wanted)
{
    if (!str_equal(is, str_of(wanted)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(is), wanted);
}

static void assert_set(struct maybe_int is, int64_t wanted)
{
    assert_true(is.is_set);
    assert_int_equal(is.value, wanted);
}

/* ---- reading ---- */

static const char webui[] =
    "a red kite, (sharp:1.2)\nover the sea\nNegative prompt: blurry,\nlow quality\nSteps: 28, "
    "Sampler: DPM++ 2M, CFG scale: 6.5, Seed: 965400086, Size: 512x768, Model hash: ab12, Model: "
    "\"dream, v8\", Version: v1.9.4";

static void words_of_automatic1111_are_read(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct embedded found;
    find_text(&arena, "parameters", webui, &found);
    assert_int_equal(found.tool, PARAMETERS_AUTOMATIC1111);
    assert_str(found.prompt, "a red kite, (sharp:1.2)\nover the sea");
    assert_str(found.negative_prompt, "blurry,\nlow quality");
    assert_str(found.sampler, "DPM++ 2M");
    assert_str(found.model, "dream, v8");
    assert_set(found.steps, 28);
    assert_set(found.seed, 965400086);
    assert_set(found.width, 512);
    assert_set(found.height, 768);
    assert_true(found.guidance.is_set && found.guidance.value == 6.5);
    assert_str(found.raw, webui);
    find_text(&arena, "parameters", "only a prompt", &found);
    assert_str(found.prompt, "only a prompt");
    assert_false(found.seed.is_set);
}

static const char graph[] =
    "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":156680208700286,\"steps\":20,\"cfg\":"
    "8.0,\"sampler_name\":\"euler\",\"model\":[\"10\",0],\"positive\":[\"6\",0],\"negative\":["
    "\"7\","
    "0],\"latent_image\":[\"5\",0]}},\"10\":{\"class_type\":\"LoraLoader\",\"inputs\":{\"lora_"
    "name\":"
    "\"x\",\"model\":[\"4\",0]}},\"4\":{\"class_type\":\"CheckpointLoaderSimple\",\"inputs\":{"
    "\"ckpt_name\":\"v1-5.safetensors\"}},\"5\":{\"class_type\":\"EmptyLatentImage\",\"inputs\":{"
    "\"width\":640,\"height\":512}},\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":["
    "\"11\",0],\"clip\":[\"4\",1]}},\"11\":{\"class_type\":\"String\",\"inputs\":{\"value\":\"a "
    "fox "
    "\\u00e9t\\u00e9\"}},\"7\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"text\","
    "\"clip\":[\"4\",1]}}}";

static void a_graph_of_comfyui_is_followed(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct embedded found;
    find_text(&arena, "prompt", graph, &found);
    assert_int_equal(found.tool, PARAMETERS_COMFYUI);
    assert_str(found.prompt, "a fox \xc3\xa9t\xc3\xa9");
    assert_str(found.negative_prompt, "text");
    assert_str(found.model, "v1-5.safetensors");
    assert_str(found.sampler, "euler");
    assert_set(found.seed, 156680208700286);
    assert_set(found.width, 640);
    assert_set(found.height, 512);
}

static void a_graph_with_a_guider_is_followed(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct embedded found;
    find_text(
        &arena, "prompt",
        "{\"1\":{\"class_type\":\"SamplerCustomAdvanced\",\"inputs\":{\"noise\":[\"2\",0],"
        "\"guider\":[\"3\",0],\"sigmas\":[\"4\",0],\"latent_image\":[\"5\",0]}},\"2\":{\"class_"
        "type\":\"RandomNoise\",\"inputs\":{\"noise_seed\":7}},\"3\":{\"class_type\":"
        "\"BasicGuider\",\"inputs\":{\"conditioning\":[\"6\",0],\"model\":[\"7\",0]}},\"4\":{"
        "\"class_type\":\"BasicScheduler\",\"inputs\":{\"steps\":4}},\"5\":{\"class_type\":"
        "\"EmptySD3LatentImage\",\"inputs\":{\"width\":1024,\"height\":1024}},\"6\":{\"class_"
        "type\":\"FluxGuidance\",\"inputs\":{\"guidance\":3.5,\"conditioning\":[\"8\",0]}},"
        "\"7\":{\"class_type\":\"UNETLoader\",\"inputs\":{\"unet_name\":\"flux\"}},\"8\":{"
        "\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"a lake\"}}}",
        &found);
    assert_str(found.prompt, "a lake");
    assert_str(found.model, "flux");
    assert_set(found.seed, 7);
    assert_set(found.steps, 4);
    assert_true(found.guidance.is_set && found.guidance.value == 3.5);
    assert_int_equal(found.negative_prompt.len, 0);
}

/* Each node leads to all: followed without end, it would take longer than the sun has. */
static void a_knot_of_nodes_is_left_in_time(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer text = {0};
    struct embedded found;
    buffer_char(&text, '{');
    for (int i = 0; i < 300; i++) {
        buffer_format(&text,
                      "%s\"%d\":{\"class_type\":\"KSampler\",\"inputs\":{\"positive\":[\"0\",0]",
                      i == 0 ? "" : ",", i);
        for (int k = 0; k < 30; k++)
            buffer_format(&text, ",\"i%d\":[\"%d\",0]", k, (i * 7 + k) % 300);
        buffer_str(&text, STR("}}"));
    }
    buffer_char(&text, '}');
    buffer_char(&text, '\0');
    instant start = clock_monotonic();
    find_text(&arena, "prompt", text.at, &found);
    assert_true(instant_since(clock_monotonic(), start).us < 2000000);
    assert_int_equal(found.tool, PARAMETERS_COMFYUI);
}

static void words_of_invokeai_are_read(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct embedded found;
    find_text(&arena, "invokeai_metadata",
              "{\"positive_prompt\":\"a pond\",\"negative_prompt\":\"fog\",\"width\":512,"
              "\"height\":640,\"seed\":42,\"cfg_scale\":7.5,\"steps\":30,\"scheduler\":\"euler\","
              "\"model\":{\"key\":\"k\",\"name\":\"sdxl\"}}",
              &found);
    assert_int_equal(found.tool, PARAMETERS_INVOKEAI);
    assert_str(found.prompt, "a pond");
    assert_str(found.negative_prompt, "fog");
    assert_str(found.model, "sdxl");
    assert_set(found.seed, 42);
    assert_set(found.height, 640);
    find_text(&arena, "sd-metadata",
              "{\"model_weights\":\"sd-1.4\",\"image\":{\"prompt\":[{\"prompt\":\"old\",\"weight\":"
              "1}],\"seed\":3,\"steps\":50}}",
              &found);
    assert_str(found.prompt, "old");
    assert_str(found.model, "sd-1.4");
    assert_set(found.seed, 3);
}

/* Exif with one comment, in either byte order, as UTF-16 of either byte order. */
static void make_exif(struct buffer *to, bool is_big, bool is_big_text, const char *text)
{
    size_t len = 8 + 2 * strlen(text);
    buffer_str(to, is_big ? STR("MM") : STR("II"));
    const uint32_t numbers[][2] = {{2, 42}, {4, 8}, {2, 1}, {2, 0x8769}, {2, 4}, {4, 1},
                                   {4, 26}, {4, 0}, {2, 1}, {2, 0x9286}, {2, 7}, {4, (uint32_t)len},
                                   {4, 44}, {4, 0}};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        for (uint32_t k = 0; k < numbers[i][0]; k++) {
            uint32_t shift = is_big ? 8 * (numbers[i][0] - 1 - k) : 8 * k;
            buffer_char(to, (char)(numbers[i][1] >> shift));
        }
    buffer_add(to, "UNICODE\0", 8);
    for (; *text != 0; text++) {
        char two[] = {is_big_text ? 0 : *text, is_big_text ? *text : 0};
        buffer_add(to, two, 2);
    }
}

static void comments_in_exif_are_read_in_any_order(void **state)
{
    for (int i = 0; i < 4; i++) {
        AUTO(arena_done) struct arena arena = {0};
        AUTO(buffer_done) struct buffer exif = {0};
        AUTO(buffer_done) struct buffer jpeg = {0};
        struct embedded found;
        make_exif(&exif, i & 1, i & 2, webui);
        size_t len = exif.len + 8;
        uint8_t head[] = {0xff, 0xd8, 0xff, 0xe1, (uint8_t)(len >> 8), (uint8_t)len};
        buffer_add(&jpeg, head, sizeof(head));
        buffer_add(&jpeg, "Exif\0", 6);
        buffer_str(&jpeg, buffer_text(&exif));
        buffer_add(&jpeg, "\xff\xda\0\4\0\0", 6);
        assert_true(find(&arena, MEDIA_JPEG, whole(&jpeg), &found));
        assert_set(found.seed, 965400086);
        assert_str(found.negative_prompt, "blurry,\nlow quality");
    }
}

static void a_comment_that_is_no_parameters_is_none(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer png = {0};
    struct embedded found;
    begin_png(&png);
    add_text(&png, "Comment", "Lovely day at the sea: sun, wind: strong, waves: high");
    add_text(&png, "prompt", "{\"not\":\"a graph\"}");
    add_text(&png, "invokeai_metadata", "[");
    end_png(&png);
    assert_false(find(&arena, MEDIA_PNG, whole(&png), &found));
}

static void texts_that_are_packed_or_long_or_torn_are_bounded(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer png = {0};
    static uint8_t much[8 << 20], packed[1 << 16];
    uLongf len = sizeof(packed) - 12;
    struct metadata metadata;
    memcpy(packed, "parameters\0\0", 12);
    assert_int_equal(compress(packed + 12, &len, much, sizeof(much)), Z_OK); /* a bomb */
    begin_png(&png);
    add_chunk(&png, "zTXt", packed, 12 + len);
    for (int i = 0; i < 100; i++)
        add_text(&png, "a", "b");
    end_png(&png);
    metadata_read(&arena, MEDIA_PNG, whole(&png), &metadata);
    assert_int_equal(metadata.count, METADATA_TEXTS_MAX);
    assert_str(metadata_text(&metadata, "parameters"), "");
    for (size_t cut = 0; cut < png.len; cut += cut < 300 ? 1 : 97)
        metadata_read(&arena, MEDIA_PNG, (bytes){(const uint8_t *)png.at, cut}, &metadata);
}

static void credentials_are_noticed(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer png = {0};
    struct metadata metadata;
    begin_png(&png);
    end_png(&png);
    metadata_read(&arena, MEDIA_PNG, whole(&png), &metadata);
    assert_false(metadata.has_c2pa);
    buffer_clear(&png);
    begin_png(&png);
    add_chunk(&png, "caBX", "jumb", 4);
    end_png(&png);
    metadata_read(&arena, MEDIA_PNG, whole(&png), &metadata);
    assert_true(metadata.has_c2pa);
    static const uint8_t jpeg[] =
        "\xff\xd8\xff\xeb\0\x18JP\0\1\0\0\0\1\0\0\0\x10jumbc2pa\0\0\xff\xda";
    metadata_read(&arena, MEDIA_JPEG, (bytes){jpeg, sizeof(jpeg)}, &metadata);
    assert_true(metadata.has_c2pa);
}

/* ---- writing ---- */

static const struct stamp stamp = {
    .prompt = STR("a <red> kite & \"friends\",\nover the sea"),
    .negative_prompt = STR("fog"),
    .model = STR("sketch: v1, fast"),
    .seed = {0, true},
    .width = 640,
    .height = 480,
};

static bytes applied(struct arena *arena, bytes file, bytes edits)
{
    AUTO(buffer_done) struct buffer out = {0};
    struct edits_walk walk = {.edits = edits, .file_len = file.len};
    struct edits_part part;
    uint64_t len;
    assert_true(edits_check(edits, file.len, &len));
    while (edits_next(&walk, &part))
        buffer_add(&out, part.is_file ? file.at + part.at : part.added.at, (size_t)part.len);
    assert_int_equal(out.len, len);
    return bytes_of(str_copy(arena, buffer_text(&out)));
}

static bytes stamped(struct arena *arena, enum media_type type, bytes file)
{
    AUTO(buffer_done) struct buffer edits = {0};
    assert_true(stamp_edits(arena, type, file, &stamp, &edits));
    return applied(arena, file, whole(&edits));
}

static void assert_ours(const struct embedded *found)
{
    assert_int_equal(found->tool, PARAMETERS_ATELIER);
    assert_str(found->prompt, "a <red> kite & \"friends\",\nover the sea");
    assert_str(found->negative_prompt, "fog");
    assert_str(found->model, "sketch: v1, fast");
    assert_set(found->seed, 0);
    assert_set(found->width, 640);
    assert_true(found->is_generated.is_set && found->is_generated.value);
}

static void a_png_is_stamped_for_us_and_for_others(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer png = {0};
    struct embedded found;
    struct metadata metadata;
    begin_png(&png);
    add_chunk(&png, "caBX", "jumb", 4);
    end_png(&png);
    bytes copy = stamped(&arena, MEDIA_PNG, whole(&png));
    assert_true(find(&arena, MEDIA_PNG, copy, &found));
    assert_ours(&found);
    metadata_read(&arena, MEDIA_PNG, copy, &metadata);
    assert_true(metadata.has_c2pa);
    assert_true(parameters_plain(&arena, metadata_text(&metadata, "parameters"), true, &found));
    assert_str(found.prompt, "a <red> kite & \"friends\",\nover the sea");
    assert_str(found.model, "sketch: v1, fast");
    assert_set(found.height, 480);
    /* What was there is there, in front and behind. */
    assert_memory_equal(copy.at, png.at, 33);
    assert_memory_equal(copy.at + copy.len - (png.len - 33), png.at + 33, png.len - 33);
    bytes twice = stamped(&arena, MEDIA_PNG, copy);
    assert_int_equal(twice.len, copy.len);
}

static void xmp_of_others_is_added_to(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer png = {0};
    struct embedded found;
    struct metadata metadata;
    static const char body[] =
        METADATA_XMP "\0\0\0\0\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description "
                     "xmp:CreatorTool='Other'>kept</rdf:Description></rdf:RDF></x:xmpmeta>";
    begin_png(&png);
    add_text(&png, "parameters", webui);
    add_chunk(&png, "iTXt", body, sizeof(body) - 1);
    end_png(&png);
    bytes copy = stamped(&arena, MEDIA_PNG, whole(&png));
    metadata_read(&arena, MEDIA_PNG, copy, &metadata);
    str xmp = metadata_text(&metadata, METADATA_XMP);
    assert_true(str_contains(xmp, STR("kept</rdf:Description>")));
    assert_false(str_contains(xmp, STR("<xmp:CreatorTool>")));
    assert_str(metadata_text(&metadata, "parameters"), webui);
    assert_true(find(&arena, MEDIA_PNG, copy, &found));
    assert_ours(&found);
}

static void a_long_prompt_still_fits_a_jpeg(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    static char prompt[MEDIA_PROMPT_MAX + 1];
    static const uint8_t jpeg[] = "\xff\xd8\xff\xe0\0\4JF\xff\xdb\0\4aa\xff\xda\0\4bbpixels";
    memset(prompt, '&', MEDIA_PROMPT_MAX);
    struct stamp longest = {.prompt = str_of(prompt), .negative_prompt = str_of(prompt)};
    AUTO(buffer_done) struct buffer edits = {0};
    struct embedded found;
    bytes file = {jpeg, sizeof(jpeg) - 1};
    assert_true(stamp_edits(&arena, MEDIA_JPEG, file, &longest, &edits));
    bytes copy = applied(&arena, file, whole(&edits));
    assert_memory_equal(copy.at, jpeg, 8);
    assert_memory_equal(copy.at + copy.len - 18, jpeg + sizeof(jpeg) - 1 - 18, 18);
    assert_true(find(&arena, MEDIA_JPEG, copy, &found));
    assert_true(found.prompt.len >= 512 && found.prompt.at[0] == '&');
}

/* ftyp, an mdat that reaches to the end of the file. */
static void a_film_with_an_open_end_is_closed_and_stamped(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    static const uint8_t mp4[] = "\0\0\0\x14"
                                 "ftypmp42\0\0\0\0mp42\0\0\0\0mdatmany frames";
    bytes file = {mp4, sizeof(mp4) - 1};
    struct embedded found;
    bytes copy = stamped(&arena, MEDIA_MP4, file);
    assert_memory_equal(copy.at, mp4, 20);
    assert_int_equal(big32(copy.at + 20), file.len - 20);
    assert_memory_equal(copy.at + 24, mp4 + 24, file.len - 24);
    assert_true(find(&arena, MEDIA_MP4, copy, &found));
    assert_ours(&found);
    AUTO(buffer_done) struct buffer edits = {0};
    assert_false(stamp_edits(&arena, MEDIA_MP4, (bytes){mp4, 22}, &stamp, &edits));
}

static void edits_that_do_not_fit_are_refused(void **state)
{
    uint64_t len;
    const struct {
        uint64_t at, removed;
    } wrong[] = {{11, 0}, {0, 11}, {9, 2}, {UINT64_MAX, 1}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO(buffer_done) struct buffer edits = {0};
        edits_add(&edits, wrong[i].at, (uint32_t)wrong[i].removed, bytes_of(STR("x")));
        assert_false(edits_check(whole(&edits), 10, &len));
    }
    AUTO(buffer_done) struct buffer edits = {0};
    edits_add(&edits, 5, 2, bytes_of(STR("abc")));
    assert_true(edits_check(whole(&edits), 10, &len));
    assert_int_equal(len, 11);
    assert_false(edits_check((bytes){(const uint8_t *)edits.at, edits.len - 1}, 10, &len));
    edits_add(&edits, 6, 0, bytes_of(STR("")));
    assert_false(edits_check(whole(&edits), 10, &len)); /* backwards */
}

/* ---- through the helper ---- */

static bytes output_of(struct arena *arena, const struct media_output *output)
{
    AUTO(memory_free) uint8_t *data = desk_read(output);
    return bytes_of(str_copy(arena, (str){(const char *)data, output->len}));
}

static bytes stamped_by_helper(struct arena *arena, bytes file)
{
    int fd = desk_file(file.at, file.len);
    struct media_request request = {
        .verb = MEDIA_STAMP,
        .input_fd = fd,
        .prompt = stamp.prompt,
        .negative = stamp.negative_prompt,
        .model = stamp.model,
        .has_seed = true,
        .width = stamp.width,
        .height = stamp.height,
    };
    struct ending *ending = desk_ask(&desk, &request);
    close(fd);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s", ending->text);
    return applied(arena, file, output_of(arena, &ending->outputs[MEDIA_EDITS]));
}

/* The same picture as before, which says how it was made. */
static void check_copy(struct arena *arena, bytes file, enum media_type type)
{
    struct embedded found;
    struct fault fault;
    struct media_facts before = desk_look(&desk, MEDIA_PROBE, file.at, file.len)->facts;
    assert_int_equal(before.type, type);
    bytes copy = stamped_by_helper(arena, file);
    assert_true(copy.len > file.len);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, copy.at, copy.len);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s", ending->text);
    assert_memory_equal(&ending->facts, &before, sizeof(before));
    bytes told = output_of(arena, &ending->outputs[MEDIA_EMBEDDED]);
    assert_true(parameters_take(arena, str_from(told), &found, &fault));
    assert_ours(&found);
}

static void pictures_and_films_stay_what_they_are(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct media_request sketch = desk_sketch("koi in a pond", 640, 480);
    bytes png = output_of(&arena, &desk_ask(&desk, &sketch)->outputs[MEDIA_ORIGINAL]);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, png.at, png.len);
    assert_int_equal(ending->outputs[MEDIA_EMBEDDED].fd, -1);
    bytes jpeg = output_of(&arena, &ending->outputs[MEDIA_THUMBNAIL]);
    bytes webp = output_of(&arena, &ending->outputs[MEDIA_DISPLAY]);
    check_copy(&arena, png, MEDIA_PNG);
    check_copy(&arena, jpeg, MEDIA_JPEG);
    check_copy(&arena, webp, MEDIA_WEBP);
    sketch.verb = MEDIA_SKETCH_VIDEO;
    sketch.duration = SECONDS(4);
    bytes film = output_of(&arena, &desk_ask(&desk, &sketch)->outputs[MEDIA_ORIGINAL]);
    check_copy(&arena, film, MEDIA_MP4);
}

static int open_desk(void **state)
{
    desk_open(&desk, "ATELIER_MEDIA", 1);
    return 0;
}

static int close_desk(void **state)
{
    desk_close(&desk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_automatic1111_are_read),
        cmocka_unit_test(a_graph_of_comfyui_is_followed),
        cmocka_unit_test(a_graph_with_a_guider_is_followed),
        cmocka_unit_test(a_knot_of_nodes_is_left_in_time),
        cmocka_unit_test(words_of_invokeai_are_read),
        cmocka_unit_test(comments_in_exif_are_read_in_any_order),
        cmocka_unit_test(a_comment_that_is_no_parameters_is_none),
        cmocka_unit_test(texts_that_are_packed_or_long_or_torn_are_bounded),
        cmocka_unit_test(credentials_are_noticed),
        cmocka_unit_test(a_png_is_stamped_for_us_and_for_others),
        cmocka_unit_test(xmp_of_others_is_added_to),
        cmocka_unit_test(a_long_prompt_still_fits_a_jpeg),
        cmocka_unit_test(a_film_with_an_open_end_is_closed_and_stamped),
        cmocka_unit_test(edits_that_do_not_fit_are_refused),
        cmocka_unit_test(pictures_and_films_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
