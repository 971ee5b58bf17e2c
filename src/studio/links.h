/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of files, of two kinds. A capability, /api/storage/<uuid>, is good until its owner
 * turns it: then the work's files get new ones and the old lead nowhere. A signed link,
 * /api/files/<asset>?…&exp=…&sig=…, is good until it expires, or is turned too; it names the work,
 * never the capability, and may ask for a smaller picture. What is asked is inside the signature.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/assets.h"

#define LINK_SECONDS 3600
#define LINK_SECONDS_MIN 60
#define LINK_SECONDS_MAX (7 * 24 * 3600)

enum link_fit {
    FIT_NONE,
    FIT_CONTAIN, /* so wide, and as high as it comes */
    FIT_COVER,   /* fills a square so wide, cut at the edges */
    LINK_FITS,
};
extern const char *const link_fit_names[LINK_FITS];

enum link_format {
    FORMAT_NONE,
    FORMAT_AUTO, /* the best that the client says it takes */
    FORMAT_AVIF,
    FORMAT_WEBP,
    FORMAT_JPEG,
    FORMAT_PNG,
    LINK_FORMATS,
};
extern const char *const link_format_names[LINK_FORMATS];

/* Widths that there are, rising; others are refused, so that nobody can fill the disk with them. */
extern const int64_t link_widths[];
extern const size_t link_width_count;

enum link_state {
    LINK_NONE, /* no such work, another's signature, or turned since: not told apart */
    LINK_GOOD,
    LINK_EXPIRED,
};

struct link {
    struct asset asset;
    int64_t width; /* 0: the original, byte for byte */
    enum link_fit fit;
    enum link_format format;
    bool is_download;
    bool is_stamped; /* the original with how it was made written in, where that can be */
    instant expires_at;
};

/* asset: the segment of the path; query: behind the '?'. */
enum link_state link_read(struct call *call, str asset, str query, struct link *out);

/* The address of one of the work's files as it is now; empty for an empty storage id. */
str asset_url(struct call *call, const struct asset *asset, str storage_id);

/* The file behind a capability as it is now. False: there is none, or it was turned or deleted. */
bool file_find_capability(struct call *call, str capability, struct file *out);

/* What link_id of a file of the work is to be; absent until its addresses were turned. */
str asset_link_id(struct call *call, const struct asset *asset, str storage_id);

/* To be called when a work has got another file: its address is turned as the others are. */
void asset_relink(struct call *call, const struct asset *asset);

extern const struct function link_functions[];
extern const size_t link_function_count;
