/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes: each family of composition draws a whole picture from a mood.
 *
 * A scene is drawn anew for every frame of a film: the dice start equal, so the same things stand
 * in the same places, and only what is derived from `phase` moves. phase runs from 0 to 1 and the
 * motion is periodic in it, so a film ends where it began.
 *
 * Owns:     nothing; draws into the drawing.
 * Threads:  one scene, one thread.
 * Time:     phase only.
 * Fails:    never.
 */
#pragma once

#include "media/worker/paint_mood.h"

struct scene {
    struct drawing *drawing;
    const struct mood *mood;
    const struct palette *tones; /* of the mood */
    struct dice dice;
    float width, height; /* of the picture; the shorter is 1 */
    float phase;
    struct finish finish;
};

typedef void scene_painter(struct scene *scene);

scene_painter scene_ridges, scene_sea, scene_waves, scene_city, scene_forest, scene_botanical,
    scene_still, scene_cutout, scene_orbit, scene_woven, scene_flow, scene_dunes, scene_arches,
    scene_figure, scene_pond;

/* Parts that several scenes share (paint_parts.c). */

/* Sky over everything, with soft bands of cloud; horizon is where it ends. */
void part_sky(struct scene *scene, float horizon);
/* Sun or moon with its halo. */
void part_disc(struct scene *scene, float x, float y, float radius);
void part_stars(struct scene *scene, float below, int count);
void part_birds(struct scene *scene, float x, float y, float size, int count);
/* A veil between two heights, strongest in the middle. */
void part_mist(struct scene *scene, float top, float bottom, struct lab colour, float alpha);
/* Falling snow or slanting rain over the whole picture. */
void part_weather(struct scene *scene);

/* Flecks of paint over the whole picture, the more the longer it was worked on. */
void part_flecks(struct scene *scene);

/* Outlines the ground below a wandering line; octaves and roughness as noise_range. */
struct skyline {
    float base, height, scale; /* scale: bumps per unit */
    int octaves;
    float roughness;
    uint32_t seed;
    float shift; /* sideways, for parallax */
    float floor; /* where it may end because something covers it; 0: at the bottom */
};
float skyline_at(const struct skyline *line, float x);
void part_ground(struct scene *scene, const struct skyline *line, struct ink ink);
