/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds the send-key menu. */
#include "config.h"
#include "key-menu.h"

static void add_item(GMenu *menu, const char *label, const char *keys)
{
    g_autoptr(GMenuItem) item = g_menu_item_new(label, NULL);
    g_menu_item_set_action_and_target(item, "win.send-key", "s", keys);
    g_menu_append_item(menu, item);
}

/* A hotkey's own combination as keys to press. */
static char *hotkey_keys(const Hotkey *key)
{
    static const struct {
        GdkModifierType modifier;
        const char *name;
    } modifiers[] = {{GDK_CONTROL_MASK, "Control_L+"},
                     {GDK_MOD1_MASK, "Alt_L+"},
                     {GDK_SHIFT_MASK, "Shift_L+"},
                     {GDK_SUPER_MASK, "Super_L+"}};
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(modifiers); i++)
        if (key->modifiers & modifiers[i].modifier)
            g_string_append(text, modifiers[i].name);
    g_string_append(text, gdk_keyval_name(key->keyval));
    return g_string_free(text, FALSE);
}

GMenuModel *key_menu_new(const Hotkeys *hotkeys)
{
    GMenu *menu = g_menu_new();
    g_autoptr(GMenu) common = g_menu_new();
    add_item(common, "Ctrl+Alt+_Del", "Control_L+Alt_L+Delete");
    add_item(common, "Ctrl+Alt+_Backspace", "Control_L+Alt_L+BackSpace");
    add_item(common, "_PrintScreen", "Print");
    add_item(common, "Alt+_Tab", "Alt_L+Tab");
    add_item(common, "Alt+F4", "Alt_L+F4");
    add_item(common, "_Super", "Super_L");
    g_menu_append_section(menu, NULL, G_MENU_MODEL(common));

    g_autoptr(GMenu) consoles = g_menu_new();
    for (int i = 1; i <= 12; i++) {
        g_autofree char *label = g_strdup_printf("Ctrl+Alt+F%d", i);
        g_autofree char *keys = g_strdup_printf("Control_L+Alt_L+F%d", i);
        add_item(consoles, label, keys);
    }
    g_menu_append_submenu(menu, "_Consoles", G_MENU_MODEL(consoles));

    /* What the viewer keeps for itself must still be able to reach the guest. */
    g_autoptr(GMenu) own = g_menu_new();
    for (int i = 0; i < HOTKEY_N_ACTIONS; i++) {
        g_autofree char *label = hotkey_label(&hotkeys->keys[i]);
        if (!label || i == HOTKEY_SECURE_ATTENTION)
            continue;
        g_autofree char *keys = hotkey_keys(&hotkeys->keys[i]);
        add_item(own, label, keys);
    }
    if (g_menu_model_get_n_items(G_MENU_MODEL(own)))
        g_menu_append_submenu(menu, "_Hotkeys of the viewer", G_MENU_MODEL(own));
    return G_MENU_MODEL(menu);
}

GArray *key_menu_parse(const char *text)
{
    GArray *keys = g_array_new(FALSE, FALSE, sizeof(guint));
    g_auto(GStrv) names = g_strsplit(text, "+", -1);
    for (char **name = names; *name; name++) {
        guint keyval = gdk_keyval_from_name(*name);
        if (keyval != GDK_KEY_VoidSymbol)
            g_array_append_val(keys, keyval);
    }
    return keys;
}
