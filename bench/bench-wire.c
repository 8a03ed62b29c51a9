/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parser and the writer alone, on recorded display channels: bench-wire FILE.s2c.gz... (mini
 * headers). Prints the time for a message, and as a ratio to copying the message's bytes once,
 * which is what any receiver does at least. */
#include "wire/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

typedef struct Body {
    uint16_t type;
    size_t at, size;
} Body;

static WireBuffer stream;
static Body *bodies;
static size_t n_bodies;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void load(const char *path)
{
    gzFile file = gzopen(path, "rb");
    uint8_t piece[65536];
    size_t at = stream.size;
    int got;

    while (file && (got = gzread(file, piece, sizeof piece)) > 0)
        wire_buffer_append(&stream, piece, (size_t)got);
    if (file)
        gzclose(file);
    while (stream.size - at >= WIRE_MINI_HEADER_SIZE) {
        WireHeader header;

        wire_header_read(true, stream.data + at, &header);
        at += WIRE_MINI_HEADER_SIZE;
        if (header.size > stream.size - at)
            break;
        if (wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, header.type)) {
            bodies = realloc(bodies, (n_bodies + 1) * sizeof *bodies);
            if (!bodies)
                exit(2);
            bodies[n_bodies++] = (Body){header.type, at, header.size};
        }
        at += header.size;
    }
}

/* Seconds for all messages, the best of several rounds. */
static double measure(bool (*one)(const Body *body))
{
    double best = 1e9;

    for (int round = 0; round < 40; round++) {
        double start = now();

        for (size_t i = 0; i < n_bodies; i++) {
            if (!one(&bodies[i])) {
                fprintf(stderr, "message %zu failed\n", i);
                exit(1);
            }
        }
        if (now() - start < best)
            best = now() - start;
    }
    return best;
}

static WireArena arena;
static WireBuffer out;

static const void *parsed(const Body *body)
{
    wire_arena_reset(&arena);
    return wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, body->type, stream.data + body->at,
                      body->size, &arena, NULL);
}

static bool parse(const Body *body)
{
    return parsed(body) != NULL;
}

static bool parse_and_write(const Body *body)
{
    const void *message = parsed(body);

    wire_buffer_reset(&out);
    return message && wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, body->type, message, &out);
}

static bool copy(const Body *body)
{
    wire_buffer_reset(&out);
    return wire_buffer_append(&out, stream.data + body->at, body->size);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        load(argv[i]);
    if (!n_bodies) {
        fprintf(stderr, "bench-wire FILE.s2c.gz...\n");
        return 2;
    }
    wire_arena_init(&arena, 256 << 20);
    double copying = measure(copy), parsing = measure(parse), both = measure(parse_and_write);
    printf("%zu messages, %.1f MB\n", n_bodies, (double)stream.size / 1e6);
    printf("copy %.0f ns a message\n", copying / (double)n_bodies * 1e9);
    printf("parse %.0f ns a message, %.2f of a copy\n", parsing / (double)n_bodies * 1e9,
           parsing / copying);
    printf("parse and write %.0f ns a message, %.2f of a copy\n", both / (double)n_bodies * 1e9,
           both / copying);
    wire_arena_clear(&arena);
    wire_buffer_clear(&out);
    wire_buffer_clear(&stream);
    free(bodies);
    return 0;
}
