/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A SASL library for tests. See fake-sasl.h. */
#include <glib.h>
#include <string.h>

#include "link/link-sasl.h"

#include "fake-sasl.h"

struct LinkSasl {
    bool weak;
    uint8_t *answer;
};

char fake_sasl_last[200];
bool fake_sasl_refuses;

bool link_sasl_library_init(const char *application)
{
    return true;
}

LinkSasl *link_sasl_new(const char *local, const char *peer, unsigned tls_bits)
{
    return g_new0(LinkSasl, 1);
}

void link_sasl_free(LinkSasl *sasl)
{
    if (sasl)
        g_free(sasl->answer);
    g_free(sasl);
}

const char *link_sasl_begin(LinkSasl *sasl, const char *application)
{
    return fake_sasl_refuses ? NULL : FAKE_SASL_LIST;
}

bool link_sasl_offers(const LinkSasl *sasl, const uint8_t *name, size_t size)
{
    return (size == 4 && !memcmp(name, "ECHO", 4)) ||
           (size == 100 && !memcmp(name, FAKE_SASL_LONG_NAME, 100));
}

LinkSaslStep link_sasl_step(LinkSasl *sasl, const char *mechanism, const void *data, size_t size,
                            const void **out, size_t *out_size)
{
    const uint8_t *bytes = data;

    if (data)
        g_snprintf(fake_sasl_last, sizeof fake_sasl_last, "%.20s %zu", mechanism ? mechanism : "-",
                   size);
    else
        g_snprintf(fake_sasl_last, sizeof fake_sasl_last, "%.20s none",
                   mechanism ? mechanism : "-");
    g_free(sasl->answer);
    sasl->answer = size > 1 ? g_memdup2(bytes + 1, size - 1) : NULL;
    *out = sasl->answer;
    *out_size = size > 1 ? size - 1 : 0;
    if (!data || size == 0 || bytes[0] == 'c')
        return LINK_SASL_CONTINUE;
    sasl->weak = bytes[0] == 'w';
    return bytes[0] == 'd' || bytes[0] == 'w' ? LINK_SASL_COMPLETE : LINK_SASL_FAILED;
}

bool link_sasl_is_strong(const LinkSasl *sasl)
{
    return !sasl->weak;
}

struct sasl_conn *link_sasl_take_layer(LinkSasl *sasl)
{
    return NULL;
}

const char *link_sasl_error(const LinkSasl *sasl)
{
    return "the test wants it so";
}
