/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of a US keyboard: characters and key names to scan codes. */
#include "config.h"
#include "keys.h"

#include <string.h>

/* Rows of the keyboard, without and with Shift, from the scan code of the first key on. */
static const struct KeyRow {
    guint first;
    const char *plain, *shifted;
} rows[] = {
    {0x02, "1234567890-=", "!@#$%^&*()_+"},
    {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
    {0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
};

static const struct KeyName {
    const char *name;
    guint scancode;
} names[] = {
    {"Escape", 0x01},
    {"esc", 0x01},
    {"BackSpace", 0x0e},
    {"Tab", 0x0f},
    {"Return", 0x1c},
    {"enter", 0x1c},
    {"space", 0x39},
    {"Control_L", 0x1d},
    {"ctrl", 0x1d},
    {"control", 0x1d},
    {"Control_R", 0x11d},
    {"Shift_L", 0x2a},
    {"shift", 0x2a},
    {"Shift_R", 0x36},
    {"Alt_L", 0x38},
    {"alt", 0x38},
    {"Alt_R", 0x138},
    {"altgr", 0x138},
    {"Super_L", 0x15b},
    {"super", 0x15b},
    {"win", 0x15b},
    {"meta", 0x15b},
    {"Super_R", 0x15c},
    {"Menu", 0x15d},
    {"Caps_Lock", 0x3a},
    {"Num_Lock", 0x45},
    {"Scroll_Lock", 0x46},
    {"Print", 0x137},
    {"Sys_Req", 0x54},
    {"Pause", 0x21d},
    {"Break", 0x146},
    {"Insert", 0x152},
    {"ins", 0x152},
    {"Delete", 0x153},
    {"del", 0x153},
    {"Home", 0x147},
    {"End", 0x14f},
    {"Page_Up", 0x149},
    {"pageup", 0x149},
    {"pgup", 0x149},
    {"Page_Down", 0x151},
    {"pagedown", 0x151},
    {"pgdn", 0x151},
    {"Up", 0x148},
    {"Down", 0x150},
    {"Left", 0x14b},
    {"Right", 0x14d},
    {"F1", 0x3b},
    {"F2", 0x3c},
    {"F3", 0x3d},
    {"F4", 0x3e},
    {"F5", 0x3f},
    {"F6", 0x40},
    {"F7", 0x41},
    {"F8", 0x42},
    {"F9", 0x43},
    {"F10", 0x44},
    {"F11", 0x57},
    {"F12", 0x58},
    {"KP_0", 0x52},
    {"KP_1", 0x4f},
    {"KP_2", 0x50},
    {"KP_3", 0x51},
    {"KP_4", 0x4b},
    {"KP_5", 0x4c},
    {"KP_6", 0x4d},
    {"KP_7", 0x47},
    {"KP_8", 0x48},
    {"KP_9", 0x49},
    {"KP_Enter", 0x11c},
    {"KP_Add", 0x4e},
    {"KP_Subtract", 0x4a},
    {"KP_Multiply", 0x37},
    {"KP_Divide", 0x135},
    {"KP_Decimal", 0x53},
    {"exclam", 0x02},
    {"at", 0x03},
    {"minus", 0x0c},
    {"equal", 0x0d},
    {"plus", 0x0d},
    {"comma", 0x33},
    {"period", 0x34},
    {"slash", 0x35},
    {"question", 0x35},
    {"backslash", 0x2b},
    {"bar", 0x2b},
    {"semicolon", 0x27},
    {"apostrophe", 0x28},
    {"grave", 0x29},
    {"bracketleft", 0x1a},
    {"bracketright", 0x1b},
    {"less", 0x33},
    {"greater", 0x34},
    {"102nd", 0x56},
    {"Henkan", 0x79},
    {"Muhenkan", 0x7b},
    {"Hiragana_Katakana", 0x70},
    {"Hangul", 0x72},
    {"Hangul_Hanja", 0x71},
    {"XF86AudioMute", 0x120},
    {"XF86AudioLowerVolume", 0x12e},
    {"XF86AudioRaiseVolume", 0x130},
    {"XF86AudioPlay", 0x122},
};

gboolean key_for_character(gunichar character, guint *scancode, gboolean *shift)
{
    *shift = FALSE;
    switch (character) {
    case '\n':
    case '\r':
        *scancode = 0x1c;
        return TRUE;
    case '\t':
        *scancode = 0x0f;
        return TRUE;
    case '\b':
        *scancode = 0x0e;
        return TRUE;
    case 0x1b:
        *scancode = 0x01;
        return TRUE;
    case ' ':
        *scancode = 0x39;
        return TRUE;
    }
    if (character == 0 || character > 0x7e)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *at = strchr(rows[i].plain, (int)character);
        if (at) {
            *scancode = rows[i].first + (guint)(at - rows[i].plain);
            return TRUE;
        }
        at = strchr(rows[i].shifted, (int)character);
        if (at) {
            *scancode = rows[i].first + (guint)(at - rows[i].shifted);
            *shift = TRUE;
            return TRUE;
        }
    }
    return FALSE;
}

guint key_by_name(const char *name)
{
    guint scancode;
    gboolean shift;
    if (name[0] && !name[1] && key_for_character((guchar)name[0], &scancode, &shift))
        return scancode;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_ascii_strcasecmp(names[i].name, name) == 0)
            return names[i].scancode;
    return 0;
}

GArray *key_parse_chord(const char *text, char **bad)
{
    g_autoptr(GArray) chord = g_array_new(FALSE, FALSE, sizeof(guint));
    /* "ctrl++" and "+" mean the key with the plus sign. */
    g_autofree char *copy = g_strdup(text);
    gsize length = strlen(copy);
    gboolean plus = length && copy[length - 1] == '+' && (length == 1 || copy[length - 2] == '+');
    if (plus)
        copy[length > 1 ? length - 2 : 0] = 0;
    g_auto(GStrv) parts = g_strsplit(copy, "+", -1);
    for (char **part = parts; *part; part++) {
        guint scancode = key_by_name(*part);
        if (!scancode) {
            *bad = g_strdup(*part);
            return NULL;
        }
        g_array_append_val(chord, scancode);
    }
    if (plus) {
        guint scancode = 0x0d;
        g_array_append_val(chord, scancode);
    }
    if (!chord->len) {
        *bad = g_strdup(text);
        return NULL;
    }
    return g_steal_pointer(&chord);
}
