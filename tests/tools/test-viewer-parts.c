/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the viewer's parts that need no window: hotkeys, key maps, the send-key menu, monitor
 * mappings. */
#include "config.h"
#include "../../tools/viewer/hotkeys.h"
#include "../../tools/viewer/key-map.h"
#include "../../tools/viewer/key-menu.h"
#include "../../tools/viewer/settings.h"

static void expect_warning(const char *pattern)
{
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, pattern);
}

static void check_hotkey(const char *text, guint keyval, GdkModifierType modifiers)
{
    Hotkey key;
    g_assert_true(hotkey_parse(text, &key));
    g_assert_cmphex(key.keyval, ==, keyval);
    g_assert_cmphex(key.modifiers, ==, modifiers);
}

static void hotkey_grammar(void)
{
    check_hotkey("f11", GDK_KEY_F11, 0);
    check_hotkey("Shift+F12", GDK_KEY_F12, GDK_SHIFT_MASK);
    check_hotkey("ctrl+alt+end", GDK_KEY_End, GDK_CONTROL_MASK | GDK_MOD1_MASK);
    check_hotkey("CTRL+plus", GDK_KEY_plus, GDK_CONTROL_MASK);
    check_hotkey("ctrl+0", GDK_KEY_0, GDK_CONTROL_MASK);
    check_hotkey("left-ctrl+rshift+R", GDK_KEY_r, GDK_CONTROL_MASK | GDK_SHIFT_MASK);
    check_hotkey("cmd+pgup", GDK_KEY_Page_Up, GDK_CONTROL_MASK);
    check_hotkey("win+del", GDK_KEY_Delete, GDK_SUPER_MASK);
    check_hotkey("right-alt+enter", GDK_KEY_Return, GDK_MOD1_MASK);
    static const char *const wrong[] = {"", "ctrl", "ctrl+", "f11+f12", "ctrl+nokey", "+"};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        Hotkey key;
        g_assert_false(hotkey_parse(wrong[i], &key));
    }
}

static void hotkey_defaults(void)
{
    Hotkeys hotkeys;
    hotkeys_init_default(&hotkeys);
    g_assert_false(hotkeys.given);
    g_assert_cmphex(hotkeys.keys[HOTKEY_TOGGLE_FULLSCREEN].keyval, ==, GDK_KEY_F11);
    g_assert_cmphex(hotkeys.keys[HOTKEY_RELEASE_CURSOR].keyval, ==, GDK_KEY_F12);
    g_assert_cmphex(hotkeys.keys[HOTKEY_RELEASE_CURSOR].modifiers, ==, GDK_SHIFT_MASK);
    g_assert_cmphex(hotkeys.keys[HOTKEY_SECURE_ATTENTION].keyval, ==, GDK_KEY_End);
}

static void hotkey_text(void)
{
    Hotkeys hotkeys;
    hotkeys_init_from_text(&hotkeys, "toggle-fullscreen=shift+f11,zoom-in=ctrl+up");
    g_assert_true(hotkeys.given);
    g_assert_cmphex(hotkeys.keys[HOTKEY_TOGGLE_FULLSCREEN].keyval, ==, GDK_KEY_F11);
    g_assert_cmphex(hotkeys.keys[HOTKEY_ZOOM_IN].keyval, ==, GDK_KEY_Up);
    g_assert_cmphex(hotkeys.keys[HOTKEY_RELEASE_CURSOR].keyval, ==, 0);

    expect_warning("Unknown hotkey name nonsense*");
    expect_warning("Missing value for hotkey zoom-in*");
    expect_warning("Invalid hotkey ctrl+nokey*");
    hotkeys_init_from_text(&hotkeys, "nonsense=f1,zoom-in=,zoom-out=ctrl+nokey,zoom-reset=f2");
    g_test_assert_expected_messages();
    g_assert_cmphex(hotkeys.keys[HOTKEY_ZOOM_RESET].keyval, ==, GDK_KEY_F2);
    g_assert_cmphex(hotkeys.keys[HOTKEY_ZOOM_OUT].keyval, ==, 0);

    hotkeys_init_from_text(&hotkeys, "");
    g_assert_true(hotkeys.given);
    for (int i = 0; i < HOTKEY_N_ACTIONS; i++)
        g_assert_cmphex(hotkeys.keys[i].keyval, ==, 0);
}

static void key_maps(void)
{
    g_autoptr(KeyMap) map = key_map_parse("Super_L=Alt_L,Menu=Control_R+c,Print=");
    const GArray *keys = key_map_lookup(map, GDK_KEY_Menu);
    g_assert_cmpuint(keys->len, ==, 2);
    g_assert_cmphex(g_array_index(keys, guint, 0), ==, GDK_KEY_Control_R);
    g_assert_cmphex(g_array_index(keys, guint, 1), ==, GDK_KEY_c);
    g_assert_cmpuint(key_map_lookup(map, GDK_KEY_Print)->len, ==, 0);
    g_assert_null(key_map_lookup(map, GDK_KEY_a));
    g_assert_null(key_map_lookup(NULL, GDK_KEY_a));

    expect_warning("Unknown key in keymap: nokey*");
    expect_warning("Missing '=' in keymap: a*");
    expect_warning("Unknown key in keymap: other*");
    g_autoptr(KeyMap) bad = key_map_parse("nokey=a,a,b=other,c=d");
    g_test_assert_expected_messages();
    g_assert_null(key_map_lookup(bad, GDK_KEY_b));
    g_assert_cmpuint(key_map_lookup(bad, GDK_KEY_c)->len, ==, 1);
}

static void count_items(GMenuModel *menu, GHashTable *seen)
{
    for (int i = 0; i < g_menu_model_get_n_items(menu); i++) {
        g_autofree char *keys = NULL;
        g_autoptr(GMenuModel) section = g_menu_model_get_item_link(menu, i, G_MENU_LINK_SECTION);
        g_autoptr(GMenuModel) submenu = g_menu_model_get_item_link(menu, i, G_MENU_LINK_SUBMENU);
        if (section)
            count_items(section, seen);
        if (submenu)
            count_items(submenu, seen);
        if (g_menu_model_get_item_attribute(menu, i, G_MENU_ATTRIBUTE_TARGET, "s", &keys)) {
            /* Every item must be sendable, whole. */
            g_auto(GStrv) names = g_strsplit(keys, "+", -1);
            g_autoptr(GArray) parsed = key_menu_parse(keys);
            g_assert_cmpuint(parsed->len, ==, g_strv_length(names));
            g_hash_table_add(seen, g_steal_pointer(&keys));
        }
    }
}

static void key_menus(void)
{
    Hotkeys hotkeys;
    hotkeys_init_default(&hotkeys);
    g_autoptr(GMenuModel) menu = key_menu_new(&hotkeys);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    count_items(menu, seen);
    g_assert_true(g_hash_table_contains(seen, "Control_L+Alt_L+Delete"));
    g_assert_true(g_hash_table_contains(seen, "Control_L+Alt_L+BackSpace"));
    g_assert_true(g_hash_table_contains(seen, "Control_L+Alt_L+F12"));
    g_assert_true(g_hash_table_contains(seen, "Print"));
    g_assert_true(g_hash_table_contains(seen, "Shift_L+F12"));
}

static void check_mapping_refused(const char *text, const char *warning)
{
    g_auto(GStrv) entries = g_strsplit(text, ";", -1);
    expect_warning(warning);
    g_assert_null(monitor_mapping_parse((const char *const *)entries, 3));
    g_test_assert_expected_messages();
}

static void monitor_mappings(void)
{
    const char *const entries[] = {"2:3", "1:2", NULL};
    g_autoptr(GArray) mapping = monitor_mapping_parse(entries, 3);
    g_assert_cmpuint(mapping->len, ==, 2);
    g_assert_cmpint(g_array_index(mapping, int, 0), ==, 1);
    g_assert_cmpint(g_array_index(mapping, int, 1), ==, 2);
    check_mapping_refused("1:4", "*Invalid*");
    check_mapping_refused("0:1", "*Invalid*");
    check_mapping_refused("2:1", "*missing*");
    check_mapping_refused("1:1;1:2", "*twice*");
    check_mapping_refused("1:1;2:1", "*twice*");
    check_mapping_refused("1", "*Invalid*");
    check_mapping_refused("a:b", "*Invalid*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hotkeys/grammar", hotkey_grammar);
    g_test_add_func("/hotkeys/defaults", hotkey_defaults);
    g_test_add_func("/hotkeys/text", hotkey_text);
    g_test_add_func("/key-map/parse", key_maps);
    g_test_add_func("/key-menu/items", key_menus);
    g_test_add_func("/settings/monitor-mapping", monitor_mappings);
    return g_test_run();
}
