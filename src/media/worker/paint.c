/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/paint.h"

#include <stdlib.h>

#include "media/worker/paint_scene.h"

static scene_painter *const painters[FAMILY_COUNT] = {
    [FAMILY_RIDGES] = scene_ridges, [FAMILY_SEA] = scene_sea,
    [FAMILY_WAVES] = scene_waves,   [FAMILY_CITY] = scene_city,
    [FAMILY_FOREST] = scene_forest, [FAMILY_BOTANICAL] = scene_botanical,
    [FAMILY_STILL] = scene_still,   [FAMILY_CUTOUT] = scene_cutout,
    [FAMILY_ORBIT] = scene_orbit,   [FAMILY_WOVEN] = scene_woven,
    [FAMILY_FLOW] = scene_flow,     [FAMILY_DUNES] = scene_dunes,
    [FAMILY_ARCHES] = scene_arches, [FAMILY_FIGURE] = scene_figure,
    [FAMILY_POND] = scene_pond,
};

struct painting {
    struct mood mood;
    struct drawing drawing;
    struct canvas *canvas;
};

struct painting *painting_new(const struct paint_order *order)
{
    struct painting *painting = calloc(1, sizeof(*painting));
    if (painting == NULL)
        abort();
    painting->mood = mood_of(order);
    uint32_t seed = (uint32_t)(painting->mood.seed >> 32);
    painting->canvas = canvas_new(seed, order->width, order->height);
    return painting;
}

void painting_free(struct painting *painting)
{
    if (painting == NULL)
        return;
    drawing_done(&painting->drawing);
    canvas_free(painting->canvas);
    free(painting);
}

bool painting_frame(struct painting *painting, float phase, uint8_t *rgb, canvas_progress *progress,
                    void *context)
{
    struct scene scene = {
        .drawing = &painting->drawing,
        .mood = &painting->mood,
        .tones = &painting->mood.palette,
        .dice = {painting->mood.seed},
        .width = painting->mood.aspect_x,
        .height = painting->mood.aspect_y,
        .phase = phase,
        .finish = {.grain = 0.0085F, .vignette = 0.11F, .centre_x = 0.5F, .centre_y = 0.45F},
    };
    drawing_clear(&painting->drawing);
    drawing_fill(&painting->drawing, ink_flat(painting->mood.palette.low, 1.0F));
    painters[painting->mood.family](&scene);
    part_flecks(&scene);
    return canvas_paint(painting->canvas, &painting->drawing, &scene.finish, rgb, progress,
                        context);
}
