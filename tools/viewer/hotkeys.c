/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses and matches the viewer's hotkeys. */
#include "config.h"
#include "hotkeys.h"

#include <string.h>

static const struct ActionInfo {
    const char *name, *label;
    guint keyval;
    GdkModifierType modifiers;
} actions[HOTKEY_N_ACTIONS] = {
    [HOTKEY_TOGGLE_FULLSCREEN] = {"toggle-fullscreen", "Full screen", GDK_KEY_F11, 0},
    [HOTKEY_RELEASE_CURSOR] = {"release-cursor", "Release pointer and keyboard", GDK_KEY_F12,
                               GDK_SHIFT_MASK},
    [HOTKEY_ZOOM_IN] = {"zoom-in", "Zoom in", GDK_KEY_plus, GDK_CONTROL_MASK},
    [HOTKEY_ZOOM_OUT] = {"zoom-out", "Zoom out", GDK_KEY_minus, GDK_CONTROL_MASK},
    [HOTKEY_ZOOM_RESET] = {"zoom-reset", "Normal size", GDK_KEY_0, GDK_CONTROL_MASK},
    [HOTKEY_SECURE_ATTENTION] = {"secure-attention", "Send Ctrl+Alt+Del", GDK_KEY_End,
                                 GDK_CONTROL_MASK | GDK_MOD1_MASK},
    [HOTKEY_USB_DEVICE_RESET] = {"usb-device-reset", "Reset USB devices", GDK_KEY_r,
                                 GDK_CONTROL_MASK | GDK_SHIFT_MASK},
    [HOTKEY_SMARTCARD_INSERT] = {"smartcard-insert", "Insert smartcard", GDK_KEY_F8,
                                 GDK_SHIFT_MASK},
    [HOTKEY_SMARTCARD_REMOVE] = {"smartcard-remove", "Remove smartcard", GDK_KEY_F9,
                                 GDK_SHIFT_MASK},
};

static const struct KeyAlias {
    const char *name;
    guint keyval;
} aliases[] = {
    {"esc", GDK_KEY_Escape},     {"escape", GDK_KEY_Escape},
    {"ins", GDK_KEY_Insert},     {"insert", GDK_KEY_Insert},
    {"del", GDK_KEY_Delete},     {"delete", GDK_KEY_Delete},
    {"pgup", GDK_KEY_Page_Up},   {"pageup", GDK_KEY_Page_Up},
    {"pgdn", GDK_KEY_Page_Down}, {"pagedown", GDK_KEY_Page_Down},
    {"end", GDK_KEY_End},        {"home", GDK_KEY_Home},
    {"enter", GDK_KEY_Return},   {"return", GDK_KEY_Return},
    {"space", GDK_KEY_space},    {"tab", GDK_KEY_Tab},
    {"up", GDK_KEY_Up},          {"down", GDK_KEY_Down},
    {"left", GDK_KEY_Left},      {"right", GDK_KEY_Right},
    {"+", GDK_KEY_plus},         {"-", GDK_KEY_minus},
};

#define HOTKEY_MODIFIERS                                                                  \
    (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_MOD1_MASK | GDK_SUPER_MASK | GDK_META_MASK | \
     GDK_HYPER_MASK)

void hotkeys_init_default(Hotkeys *hotkeys)
{
    memset(hotkeys, 0, sizeof *hotkeys);
    for (int i = 0; i < HOTKEY_N_ACTIONS; i++)
        hotkeys->keys[i] = (Hotkey){actions[i].keyval, actions[i].modifiers};
}

/* A modifier by name, the side of the keyboard ignored; 0 for anything else. */
static GdkModifierType parse_modifier(const char *text)
{
    static const struct {
        const char *name;
        GdkModifierType modifier;
    } modifiers[] = {
        {"shift", GDK_SHIFT_MASK}, {"ctrl", GDK_CONTROL_MASK}, {"control", GDK_CONTROL_MASK},
        {"alt", GDK_MOD1_MASK},    {"cmd", GDK_CONTROL_MASK},  {"win", GDK_SUPER_MASK},
        {"super", GDK_SUPER_MASK},
    };
    static const char *const sides[] = {"", "left-", "right-", "left", "right", "l", "r"};
    for (guint s = 0; s < G_N_ELEMENTS(sides); s++) {
        if (!g_str_has_prefix(text, sides[s]))
            continue;
        for (guint i = 0; i < G_N_ELEMENTS(modifiers); i++)
            if (!strcmp(text + strlen(sides[s]), modifiers[i].name))
                return modifiers[i].modifier;
    }
    return 0;
}

static guint parse_key(const char *text)
{
    for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (!strcmp(text, aliases[i].name))
            return aliases[i].keyval;
    /* Keysym names differ in case: plus, but F11 and Page_Up. */
    g_autofree char *upper = g_ascii_strup(text, -1);
    guint keyval = gdk_keyval_from_name(upper);
    if (keyval == GDK_KEY_VoidSymbol || !keyval)
        keyval = gdk_keyval_from_name(text);
    if (keyval == GDK_KEY_VoidSymbol || !keyval) {
        g_autofree char *capital = g_strdup_printf("%c%s", g_ascii_toupper(text[0]), text + 1);
        keyval = gdk_keyval_from_name(capital);
    }
    return keyval == GDK_KEY_VoidSymbol ? 0 : gdk_keyval_to_lower(keyval);
}

gboolean hotkey_parse(const char *text, Hotkey *hotkey)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_auto(GStrv) parts = g_strsplit(lower, "+", -1);
    Hotkey result = {0, 0};
    for (char **part = parts; *part; part++) {
        GdkModifierType modifier = parse_modifier(g_strstrip(*part));
        if (modifier)
            result.modifiers |= modifier;
        else if (result.keyval || !**part || !(result.keyval = parse_key(*part)))
            return FALSE;
    }
    if (!result.keyval)
        return FALSE;
    *hotkey = result;
    return TRUE;
}

void hotkeys_init_from_text(Hotkeys *hotkeys, const char *text)
{
    memset(hotkeys, 0, sizeof *hotkeys);
    hotkeys->given = TRUE;
    g_auto(GStrv) entries = g_strsplit(text, ",", -1);
    for (char **entry = entries; *entry; entry++) {
        g_auto(GStrv) pair = g_strsplit(g_strstrip(*entry), "=", 2);
        if (!pair[0] || !*pair[0])
            continue;
        int action = 0;
        while (action < HOTKEY_N_ACTIONS && strcmp(actions[action].name, pair[0]) != 0)
            action++;
        if (!pair[1] || !*pair[1])
            g_warning("Missing value for hotkey %s", pair[0]);
        else if (action == HOTKEY_N_ACTIONS)
            g_warning("Unknown hotkey name %s", pair[0]);
        else if (!hotkey_parse(pair[1], &hotkeys->keys[action]))
            g_warning("Invalid hotkey %s for %s", pair[1], pair[0]);
    }
}

static guint without_keypad(guint keyval)
{
    switch (keyval) {
    case GDK_KEY_KP_Add:
        return GDK_KEY_plus;
    case GDK_KEY_KP_Subtract:
        return GDK_KEY_minus;
    case GDK_KEY_KP_0:
        return GDK_KEY_0;
    default:
        return gdk_keyval_to_lower(keyval);
    }
}

HotkeyAction hotkeys_match(const Hotkeys *hotkeys, const GdkEventKey *event)
{
    guint keyval = event->keyval;
    GdkModifierType consumed = 0;
    GdkKeymap *keymap = gdk_keymap_get_for_display(gdk_display_get_default());
    gdk_keymap_translate_keyboard_state(keymap, event->hardware_keycode, event->state, event->group,
                                        &keyval, NULL, NULL, &consumed);
    GdkModifierType held = event->state & HOTKEY_MODIFIERS;
    /* Shift that was needed to reach the sign doesn't count; Shift with F12 does. */
    GdkModifierType counted = held & ~(consumed & GDK_SHIFT_MASK);
    guint plain = without_keypad(keyval);
    for (int i = 0; i < HOTKEY_N_ACTIONS; i++) {
        const Hotkey *key = &hotkeys->keys[i];
        if (key->keyval && key->keyval == plain &&
            (key->modifiers == held || key->modifiers == counted))
            return (HotkeyAction)i;
    }
    return HOTKEY_NONE;
}

const char *hotkey_action_name(HotkeyAction action)
{
    return actions[action].name;
}

const char *hotkey_action_label(HotkeyAction action)
{
    return actions[action].label;
}

char *hotkey_label(const Hotkey *hotkey)
{
    return hotkey->keyval ? gtk_accelerator_get_label(hotkey->keyval, hotkey->modifiers) : NULL;
}
