/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keycode tables, the delay and release rules, and grab sequences: the keyboard's logic without a
 * window. */
#include <glib.h>
#include <gdk/gdkkeysyms.h>
#include <string.h>

#include "grab-match.h"
#include "key-state.h"
#include "vectors.h"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "vector-tables.h"

static void test_tables(void)
{
    guint n[KEYCODES_KEYSYM + 1] = {0}, found[KEYCODES_KEYSYM + 1] = {0};

    for (guint i = 0; i < G_N_ELEMENTS(table_vectors); i++) {
        const TableVector *v = &table_vectors[i];

        n[v->table]++;
        g_assert_cmphex(keycodes_to_scancode(v->table, v->key, v->key), ==, v->code);
    }
    /* and no key more than these */
    for (guint table = KEYCODES_EVDEV; table <= KEYCODES_KEYSYM; table++) {
        for (guint key = 0; key < 0x10000; key++)
            found[table] += keycodes_to_scancode(table, key, key) != 0;
        g_assert_cmpuint(found[table], ==, n[table]);
    }
    g_assert_cmpuint(n[KEYCODES_EVDEV], ==, 236);
    g_assert_cmpuint(keycodes_to_scancode(KEYCODES_NONE, 9, GDK_KEY_Escape), ==, 0);

    for (guint i = 0; i < G_N_ELEMENTS(evdev_vectors); i++)
        g_assert_cmphex(keycodes_to_scancode(KEYCODES_EVDEV, evdev_vectors[i].x_keycode, 0), ==,
                        evdev_vectors[i].code);
    for (guint i = 0; i < G_N_ELEMENTS(xfree86_vectors); i++)
        g_assert_cmphex(keycodes_to_scancode(KEYCODES_XFREE86, xfree86_vectors[i].x_keycode, 0), ==,
                        xfree86_vectors[i].code);
}

static void test_choose(void)
{
    const char *vendor = "The X.Org Foundation";

    g_assert_cmpint(keycodes_choose_x11(vendor, FALSE, "evdev+aliases(qwerty)", 0), ==,
                    KEYCODES_EVDEV);
    g_assert_cmpint(keycodes_choose_x11(vendor, FALSE, "xfree86+aliases(qwerty)", 0), ==,
                    KEYCODES_XFREE86);
    g_assert_cmpint(keycodes_choose_x11(vendor, FALSE, NULL, 0x70), ==, KEYCODES_EVDEV);
    g_assert_cmpint(keycodes_choose_x11(vendor, FALSE, "", 0x63), ==, KEYCODES_XFREE86);
    g_assert_cmpint(keycodes_choose_x11(vendor, FALSE, "sun", 0), ==, KEYCODES_NONE);
    g_assert_cmpint(keycodes_choose_x11(vendor, TRUE, "evdev", 0x70), ==, KEYCODES_XQUARTZ);
    g_assert_cmpint(keycodes_choose_x11("The Cygwin/X Project", FALSE, NULL, 0), ==, KEYCODES_XWIN);
}

/* A sink that writes what it is told: "+1e" press, "-1e" release, "!1e" click, "(100" and ")" the
 * timer. */
static void log_press(void *ctx, guint code)
{
    g_string_append_printf(ctx, "+%x ", code);
}

static void log_release(void *ctx, guint code)
{
    g_string_append_printf(ctx, "-%x ", code);
}

static void log_click(void *ctx, guint code)
{
    g_string_append_printf(ctx, "!%x ", code);
}

static void log_start(void *ctx, guint ms)
{
    g_string_append_printf(ctx, "(%u ", ms);
}

static void log_stop(void *ctx)
{
    g_string_append(ctx, ") ");
}

static const KeySink sink = {log_press, log_release, log_click, log_start, log_stop};

/* Steps: "p1e" press with delay, "n1e" press without, "r1e" release, "t" flush, "a" release all. */
static void check_steps(const char *steps, const char *expected)
{
    GString *log = g_string_new(NULL);
    g_auto(GStrv) parts = g_strsplit(steps, " ", -1);
    KeyState state;

    key_state_init(&state, &sink, log);
    for (guint i = 0; parts[i]; i++) {
        guint code = (guint)g_ascii_strtoull(parts[i] + 1, NULL, 16);

        switch (parts[i][0]) {
        case 'p':
            key_state_press(&state, code, 100);
            break;
        case 'n':
            key_state_press(&state, code, 0);
            break;
        case 'r':
            key_state_release(&state, code);
            break;
        case 't':
            key_state_flush(&state);
            break;
        case 'a':
            key_state_release_all(&state);
            break;
        case 'x':
            key_state_reset(&state);
            break;
        }
    }
    g_strchomp(log->str);
    g_assert_cmpstr(log->str, ==, expected);
    g_string_free(log, TRUE);
}

/* docs/spec/client-gtk.md 6.5, line by line */
static void test_delay(void)
{
    check_steps("p1e r1e", "(100 ) !1e");
    check_steps("p1e t r1e", "(100 ) +1e -1e");
    check_steps("p1e p1f", "(100 ) +1e (100");
    check_steps("p1e n2a", "(100 ) +1e +2a");
    check_steps("p1e p1e", "(100 ) +1e +1e");
    check_steps("n2a p1e r2a", "+2a (100 ) +1e -2a");
    check_steps("n1e r1e", "+1e -1e");
    check_steps("t r1e", "");
}

static void test_release(void)
{
    check_steps("r1e", "");
    check_steps("n1e r1e r1e", "+1e -1e");
    check_steps("n11d n1e n2a a a", "+11d +1e +2a -1e -2a -11d");
    check_steps("n2a p1e a", "+2a (100 ) !1e -2a");
    check_steps("p1e x a r1e", "(100 )");
    check_steps("n21d r21d", "+21d +45 -21d -45");
    check_steps("n0 n400 nffff r400", "");
}

/* A fixed key is where every keyboard table has it, or where the spec says that the tables are
 * wrong (6.3, 6.9). */
static void test_fixed(void)
{
    static const struct {
        guint keysym, x_keycode;
    } keys[] = {
        {GDK_KEY_Escape, 9},      {GDK_KEY_F1, 67},        {GDK_KEY_F10, 76},
        {GDK_KEY_F11, 95},        {GDK_KEY_F12, 96},       {GDK_KEY_Delete, 119},
        {GDK_KEY_Insert, 118},    {GDK_KEY_Up, 111},       {GDK_KEY_KP_Enter, 104},
        {GDK_KEY_KP_Divide, 106}, {GDK_KEY_Super_L, 133},  {GDK_KEY_Menu, 135},
        {GDK_KEY_Control_R, 105}, {GDK_KEY_Alt_R, 108},    {GDK_KEY_Break, 127},
        {GDK_KEY_F13, 191},       {GDK_KEY_F24, 202},      {GDK_KEY_Num_Lock, 77},
        {GDK_KEY_Shift_R, 62},    {GDK_KEY_Caps_Lock, 66}, {GDK_KEY_KP_Begin, 84},
    };

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        g_assert_cmphex(keycodes_fixed_scancode(keys[i].keysym), ==,
                        keycodes_to_scancode(KEYCODES_EVDEV, keys[i].x_keycode, 0));
    g_assert_cmphex(keycodes_fixed_scancode(GDK_KEY_Pause), ==, 0x21d);
    g_assert_cmphex(keycodes_fixed_scancode(GDK_KEY_ISO_Level3_Shift), ==, 0x138);
    g_assert_cmphex(keycodes_fixed_scancode(GDK_KEY_a), ==, 0);
    g_assert_cmphex(keycodes_fixed_scancode(GDK_KEY_less), ==, 0);
}

/* Keys of a sequence as letters; upper case: press, lower case: release, '.': the pointer moves.
 * The results: P, C, -. */
static void check_match(const char *sequence, const char *keys, const char *expected)
{
    g_autoptr(GString) log = g_string_new(NULL);
    GrabMatch match = {0};
    guint keysyms[8], n = (guint)strlen(sequence);

    for (guint i = 0; i < n; i++)
        keysyms[i] = sequence[i];
    grab_match_set(&match, keysyms, n);
    for (; *keys; keys++) {
        if (*keys == '.') {
            grab_match_cancel(&match);
            continue;
        }
        switch (grab_match_key(&match, g_ascii_tolower(*keys), g_ascii_isupper(*keys))) {
        case GRAB_MATCH_PRESSED:
            g_string_append_c(log, 'P');
            break;
        case GRAB_MATCH_COMPLETED:
            g_string_append_c(log, 'C');
            break;
        case GRAB_MATCH_NONE:
            g_string_append_c(log, '-');
            break;
        }
    }
    g_assert_cmpstr(log->str, ==, expected);
    grab_match_clear(&match);
}

static void test_match(void)
{
    check_match("ca", "CAac", "-P-C");
    check_match("ca", "ACca", "-P-C");
    check_match("ca", "CXAxac", "--P--C"); /* another key in between doesn't matter */
    check_match("ca", "CXxA", "----");     /* but any release does */
    check_match("ca", "CADdac", "-P----"); /* Ctrl+Alt+Del: the grab keys, but no completion */
    check_match("ca", "CA.ac", "-P--");    /* the pointer moved */
    check_match("ca", "CAacCAac", "-P-C-P-C");
    check_match("ca", "CAAAac", "-P---C"); /* the window system repeats Alt */
    check_match("c", "Cc", "PC");
    check_match("", "CAac", "----");
    check_match("cc", "Cc", "PC");
}

/* dangers.md, "keyboard state overflow": codes outside of the table are no keys. */
static void test_keyboard_state_overflow(void)
{
    static const guint codes[] = {0,          KEY_STATE_CODES, KEY_STATE_CODES + 1, 0x7fff,
                                  0x7fffffff, 0x80000000,      G_MAXUINT - 1,       G_MAXUINT};
    g_autoptr(GString) log = g_string_new(NULL);
    struct {
        guint8 before[64];
        KeyState state;
        guint8 after[64];
    } area;

    memset(&area, 0xa5, sizeof area);
    key_state_init(&area.state, &sink, log);
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
        key_state_press(&area.state, codes[i], i % 2 ? 50 : 0);
        g_assert_false(key_state_is_down(&area.state, codes[i]));
        key_state_release(&area.state, codes[i]);
    }
    key_state_press(&area.state, KEY_STATE_CODES - 1, 0);
    g_assert_true(key_state_is_down(&area.state, KEY_STATE_CODES - 1));
    key_state_release_all(&area.state);
    g_assert_cmpstr(log->str, ==, "+3ff -3ff ");
    for (guint i = 0; i < sizeof area.before; i++) {
        g_assert_cmphex(area.before[i], ==, 0xa5);
        g_assert_cmphex(area.after[i], ==, 0xa5);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keys/tables", test_tables);
    g_test_add_func("/keys/choose", test_choose);
    g_test_add_func("/keys/delay", test_delay);
    g_test_add_func("/keys/release", test_release);
    g_test_add_func("/keys/fixed", test_fixed);
    g_test_add_func("/keys/grab-match", test_match);
    g_test_add_func("/keys/keyboard_state_overflow", test_keyboard_state_overflow);
    return g_test_run();
}
