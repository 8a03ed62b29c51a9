/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The WebSocket upgrade request. See upgrade.h. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "link/upgrade.h"

enum { KEY_MAX = 128 }; /* usually 24 characters */

typedef struct Text {
    const char *at;
    size_t size;
} Text;

static Text trim(Text text)
{
    while (text.size && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.size--;
    }
    while (text.size && (text.at[text.size - 1] == ' ' || text.at[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* The value of a header line with this name. */
static bool header(Text line, const char *name, Text *value)
{
    size_t size = strlen(name);

    if (line.size <= size || line.at[size] != ':' || g_ascii_strncasecmp(line.at, name, size) != 0)
        return false;
    *value = trim((Text){line.at + size + 1, line.size - size - 1});
    return true;
}

static bool list_has(Text list, const char *word)
{
    while (list.size) {
        const char *comma = memchr(list.at, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.at) : list.size;
        Text item = trim((Text){list.at, size});

        if (item.size == strlen(word) && memcmp(item.at, word, item.size) == 0)
            return true;
        list.at += MIN(size + 1, list.size);
        list.size -= MIN(size + 1, list.size);
    }
    return false;
}

static bool is_token(Text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!g_ascii_isgraph(text.at[i]))
            return false;
    return text.size > 0;
}

/* Takes the next line, without its end. */
static Text next_line(Text *rest)
{
    const char *end = memmem(rest->at, rest->size, "\r\n", 2);
    Text line = {rest->at, end ? (size_t)(end - rest->at) : rest->size};
    size_t whole = MIN(line.size + 2, rest->size);

    rest->at += whole;
    rest->size -= whole;
    return line;
}

static UpgradeResult refuse(char *answer)
{
    g_strlcpy(answer, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
              UPGRADE_ANSWER_MAX);
    return UPGRADE_REFUSED;
}

UpgradeResult upgrade_parse(const char *request, size_t size, size_t *used, char *answer)
{
    /* Nothing may be at NULL. */
    const char *end = size > 0 ? memmem(request, size, "\r\n\r\n", 4) : NULL;
    Text rest = {request, end ? (size_t)(end - request) : size}, key = {NULL, 0};
    bool has_list = false, binary = false;
    guint8 digest[20];
    gsize digest_size = sizeof digest;
    GChecksum *sum;
    char *accept;

    if (size > 0 && memcmp(request, "GET ", MIN(size, 4)) != 0)
        return refuse(answer);
    if (!end)
        return size >= UPGRADE_REQUEST_MAX ? refuse(answer) : UPGRADE_INCOMPLETE;
    *used = rest.size + 4;
    if (memchr(request, 0, rest.size))
        return refuse(answer);

    next_line(&rest); /* path and version don't matter */
    while (rest.size) {
        Text line = next_line(&rest), value;

        if (header(line, "Sec-WebSocket-Key", &value)) {
            key = value;
        } else if (header(line, "Sec-WebSocket-Protocol", &value)) {
            has_list = true;
            binary = binary || list_has(value, "binary");
        }
    }
    if (!is_token(key) || key.size > KEY_MAX || (has_list && !binary))
        return refuse(answer);

    sum = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(sum, (const guchar *)key.at, (gssize)key.size);
    g_checksum_update(sum, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    g_checksum_get_digest(sum, digest, &digest_size);
    g_checksum_free(sum);
    accept = g_base64_encode(digest, sizeof digest);
    g_snprintf(answer, UPGRADE_ANSWER_MAX,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: %s\r\n%s\r\n",
               accept, has_list ? "Sec-WebSocket-Protocol: binary\r\n" : "");
    g_free(accept);
    return UPGRADE_ACCEPTED;
}
