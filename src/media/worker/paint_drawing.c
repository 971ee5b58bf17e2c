/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/paint_canvas.h"

#include <stdlib.h>
#include <string.h>

#include "media/worker/paint_math.h"

#define EDGES_MAX ((size_t)4 << 20)
#define LAYERS_MAX ((size_t)1 << 18)
#define STROKE_POINTS_MAX 64

static void *grown(void *list, size_t *room, size_t count, size_t max, size_t size)
{
    if (count < *room)
        return list;
    if (count >= max)
        abort();
    *room = *room == 0 ? 256 : *room * 2;
    list = realloc(list, *room * size);
    if (list == NULL)
        abort();
    return list;
}

void drawing_clear(struct drawing *drawing)
{
    drawing->edge_count = 0;
    drawing->layer_count = 0;
    drawing->open_edge = 0;
}

void drawing_done(struct drawing *drawing)
{
    free(drawing->edges);
    free(drawing->layers);
    memset(drawing, 0, sizeof(*drawing));
}

static void add_edge(struct drawing *drawing, float x0, float y0, float x1, float y1)
{
    drawing->edges = grown(drawing->edges, &drawing->edge_room, drawing->edge_count, EDGES_MAX,
                           sizeof(struct edge));
    drawing->edges[drawing->edge_count++] = (struct edge){x0, y0, x1, y1};
}

static void close_outline(struct drawing *drawing)
{
    if (drawing->edge_count > drawing->open_edge)
        add_edge(drawing, drawing->pen_x, drawing->pen_y, drawing->start_x, drawing->start_y);
}

void drawing_move(struct drawing *drawing, float x, float y)
{
    close_outline(drawing);
    drawing->pen_x = drawing->start_x = x;
    drawing->pen_y = drawing->start_y = y;
}

void drawing_line(struct drawing *drawing, float x, float y)
{
    add_edge(drawing, drawing->pen_x, drawing->pen_y, x, y);
    drawing->pen_x = x;
    drawing->pen_y = y;
}

void drawing_curve(struct drawing *drawing, float cx, float cy, float x, float y)
{
    float x0 = drawing->pen_x;
    float y0 = drawing->pen_y;
    drawing_cubic(drawing, mix(x0, cx, 2.0F / 3), mix(y0, cy, 2.0F / 3), mix(x, cx, 2.0F / 3),
                  mix(y, cy, 2.0F / 3), x, y);
}

void drawing_cubic(struct drawing *drawing, float ax, float ay, float bx, float by, float x,
                   float y)
{
    float x0 = drawing->pen_x;
    float y0 = drawing->pen_y;
    float reach = fabsf(ax - x0) + fabsf(ay - y0) + fabsf(bx - ax) + fabsf(by - ay) +
                  fabsf(x - bx) + fabsf(y - by);
    int pieces = (int)clamp(4.0F + sqrtf(reach) * 26.0F, 4.0F, 48.0F);

    for (int i = 1; i <= pieces; i++) {
        float t = (float)i / (float)pieces;
        float u = 1.0F - t;
        float p = u * u * u;
        float q = 3.0F * u * u * t;
        float r = 3.0F * u * t * t;
        float s = t * t * t;
        drawing_line(drawing, p * x0 + q * ax + r * bx + s * x, p * y0 + q * ay + r * by + s * y);
    }
}

void drawing_ellipse(struct drawing *drawing, float x, float y, float rx, float ry, float turn)
{
    float radius = rx > ry ? rx : ry;
    int pieces = (int)clamp(12.0F + sqrtf(radius) * 150.0F, 12.0F, 160.0F);
    float sine = wave(turn);
    float cosine = wave_cosine(turn);

    for (int i = 0; i < pieces; i++) {
        float angle = (float)i / (float)pieces;
        /* wave() is slightly off the circle; dividing by its own length puts it back. */
        float across = wave_cosine(angle);
        float along = wave(angle);
        float length = sqrtf(across * across + along * along);
        float u = across / length * rx;
        float v = along / length * ry;
        float px = x + u * cosine - v * sine;
        float py = y + u * sine + v * cosine;
        if (i == 0)
            drawing_move(drawing, px, py);
        else
            drawing_line(drawing, px, py);
    }
}

void drawing_circle(struct drawing *drawing, float x, float y, float radius)
{
    drawing_ellipse(drawing, x, y, radius, radius, 0.0F);
}

void drawing_box(struct drawing *drawing, float x, float y, float width, float height)
{
    drawing_move(drawing, x, y);
    drawing_line(drawing, x + width, y);
    drawing_line(drawing, x + width, y + height);
    drawing_line(drawing, x, y + height);
}

void drawing_blob(struct drawing *drawing, const float *points, size_t count)
{
    drawing_move(drawing, points[0], points[1]);
    for (size_t i = 0; i < count; i++) {
        const float *before = points + 2 * ((i + count - 1) % count);
        const float *from = points + 2 * i;
        const float *to = points + 2 * ((i + 1) % count);
        const float *after = points + 2 * ((i + 2) % count);
        drawing_cubic(drawing, from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6,
                      to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6, to[0],
                      to[1]);
    }
}

void drawing_stroke(struct drawing *drawing, const float *points, size_t count, float width_from,
                    float width_to)
{
    float back[2 * STROKE_POINTS_MAX];
    if (count < 2 || count > STROKE_POINTS_MAX)
        return;

    for (size_t i = 0; i < count; i++) {
        const float *before = points + 2 * (i == 0 ? 0 : i - 1);
        const float *after = points + 2 * (i + 1 == count ? i : i + 1);
        float dx = after[0] - before[0];
        float dy = after[1] - before[1];
        float length = sqrtf(dx * dx + dy * dy) + 1e-9F;
        float half = mix(width_from, width_to, (float)i / (float)(count - 1)) / 2;
        float nx = -dy / length * half;
        float ny = dx / length * half;
        back[2 * i] = points[2 * i] - nx;
        back[2 * i + 1] = points[2 * i + 1] - ny;
        if (i == 0)
            drawing_move(drawing, points[0] + nx, points[1] + ny);
        else
            drawing_line(drawing, points[2 * i] + nx, points[2 * i + 1] + ny);
    }
    for (size_t i = count; i-- > 0;)
        drawing_line(drawing, back[2 * i], back[2 * i + 1]);
}

static void measure(const struct drawing *drawing, struct layer *layer)
{
    layer->left = layer->top = 1e9F;
    layer->right = layer->bottom = -1e9F;
    for (size_t i = layer->first; i < layer->first + layer->count; i++) {
        const struct edge *edge = &drawing->edges[i];
        layer->left = fminf(layer->left, fminf(edge->x0, edge->x1));
        layer->right = fmaxf(layer->right, fmaxf(edge->x0, edge->x1));
        layer->top = fminf(layer->top, fminf(edge->y0, edge->y1));
        layer->bottom = fmaxf(layer->bottom, fmaxf(edge->y0, edge->y1));
    }
}

void drawing_fill(struct drawing *drawing, struct ink ink)
{
    close_outline(drawing);
    drawing->layers = grown(drawing->layers, &drawing->layer_room, drawing->layer_count, LAYERS_MAX,
                            sizeof(struct layer));
    struct layer *layer = &drawing->layers[drawing->layer_count++];
    *layer = (struct layer){
        .first = drawing->open_edge,
        .count = drawing->edge_count - drawing->open_edge,
        .ink = ink,
    };
    measure(drawing, layer);
    drawing->open_edge = drawing->edge_count;
    drawing->start_x = drawing->pen_x;
    drawing->start_y = drawing->pen_y;
}
