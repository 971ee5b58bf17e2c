/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/certificates.h"

#include "serve/route.h"
#include "studio/certificates.h"

#include <string.h>

#define CERTIFICATE_MAX MIB(4) /* a thousand files are a quarter of it */

static bool read_certificate(struct front *front, struct arena *arena, str token, str after,
                             struct buffer *body)
{
    static const struct function nobody = {.name = "certificates"};
    struct view view;
    if (!front_view(front, arena, &view))
        return false;
    struct call call = {.arena = arena,
                        .view = &view,
                        .program = front->options.program,
                        .function = &nobody,
                        .now = front_now()};
    const struct certificate_wire *wire = certificate_find(&call, token, after);
    bool is_there = wire != NULL && !call_failed(&call);
    if (is_there)
        shape_write(body, &certificate_wire_shape, wire);
    view_end(&view);
    return is_there;
}

FUNCTIONS_HANDLER(certificates_get)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(CERTIFICATE_MAX);
    struct arena *arena = exchange_arena(exchange);
    struct http_header headers[CORS_HEADERS_MAX + 4];
    size_t count = cors_headers(exchange, headers);
    str after = {0};
    str token = str_slice(request->path, strlen("/api/certificates/"), request->path.len);
    http_query(arena, request, "after", &after);
    if (!read_certificate(front, arena, token, after, &body) || body.is_over) {
        answer_error(exchange, 404, "NotFound", STR("There is no such certificate (any more)."),
                     NULL);
        return;
    }
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct http_header){STR("Cache-Control"), STR("no-store")};
    headers[count++] = (struct http_header){STR("X-Content-Type-Options"), STR("nosniff")};
    headers[count++] = (struct http_header){
        STR("Content-Disposition"), STR("attachment; filename=\"certificate-of-deletion.json\"")};
    http_answer(exchange, 200, headers, count, buffer_text(&body));
}
