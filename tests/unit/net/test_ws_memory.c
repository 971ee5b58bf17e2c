/* SPDX-License-Identifier: Apache-2.0 */
/* Of the plain suite: sanitizers have a malloc of their own, of which mallinfo says nothing. */
#include "wire.h"

#include <malloc.h>

static const str handshake = {
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    142};

static int open_used_socket(struct wire *wire)
{
    AUTO(buffer_done) struct buffer in = {0};
    int fd = wire_connect(wire);
    wire_say(wire, fd, handshake);
    wire_hear(wire, fd, &in, "\r\n\r\n");
    wire_say(wire, fd, STR("\x81\x82\0\0\0\0hi"));
    return fd;
}

static void an_idle_socket_costs_less_than_300_bytes(void **state)
{
    enum { COUNT = 200 };
    struct wire wire = {.is_quiet = true};
    int fds[COUNT];
    wire_begin(&wire);
    int warm = open_used_socket(&wire);
    wire_turn(&wire, 5);
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < COUNT; i++)
        fds[i] = open_used_socket(&wire);
    wire_turn(&wire, 5);
    struct mallinfo2 after = mallinfo2();
    size_t each = (after.uordblks - before.uordblks) / COUNT;
    if (each == 0 || each >= 300)
        fail_msg("an idle socket costs %zu bytes", each);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    close(warm);
    wire_end(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_socket_costs_less_than_300_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
