/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the catalogue's two files share: override rows, and how one is laid over the file.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/catalogue.h"

enum part {
    PART_NONE,
    PART_PLANS,
    PART_MODELS,
    PART_PACKAGES,
    CATALOGUE_PARTS,
};

/* A list of the configuration whose items can be overridden. */
struct catalogue_part {
    const char *name;
    const char *key; /* wire name of the items' first member, a str */
    size_t list;     /* offset in struct studio_config */
    const struct field *item;
};
extern const struct catalogue_part catalogue_parts[CATALOGUE_PARTS];

struct override {
    doc_id id;
    tick created;
    enum part part;
    str key, body;
    instant updated_at;
};
extern const struct doc_type override_type, edition_type;
extern const char *const override_part_names[CATALOGUE_PARTS];

struct list *catalogue_list(const struct studio_config *config, enum part part);
void *catalogue_item(const struct studio_config *config, enum part part, str key); /* or NULL */

/* Lays the body over the item of that key, or adds it. False: it does not fit, *config is spoilt.
 */
bool catalogue_join(struct arena *arena, struct studio_config *config, enum part part, str key,
                    str body, struct field_error *error) MUST_CHECK;

/* The file with all rows of the call's view over it. False: they do not all fit; those that do not
 * are left out. */
bool catalogue_build(struct call *call, struct arena *arena, const struct studio_config *file,
                     struct studio_config *out, struct fault *fault);

/* After any change of rows: every call from here on sees it, and live queries are asked again. */
void catalogue_changed(struct call *call);
