/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables from keycodes and keysyms to scancodes. */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <gdk/gdkkeysyms.h>

#include "keycodes.h"

typedef struct {
    uint16_t keysym, code;
} KeysymCode;

#include "keycode-tables.h"

static guint find_keysym(const KeysymCode *pairs, gsize n, guint keysym)
{
    gsize low = 0, high = n;

    while (low < high) {
        gsize middle = low + (high - low) / 2;

        if (pairs[middle].keysym == keysym)
            return pairs[middle].code;
        if (pairs[middle].keysym < keysym)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

guint keycodes_to_scancode(KeycodeTable table, guint hardware_keycode, guint keysym)
{
    if (table == KEYCODES_KEYSYM)
        return find_keysym(keysyms_x11, G_N_ELEMENTS(keysyms_x11), keysym);
    if (hardware_keycode >= 256)
        return 0;
    switch (table) {
    case KEYCODES_EVDEV:
        return keycodes_xorgevdev[hardware_keycode];
    case KEYCODES_XFREE86:
        return keycodes_xorgkbd[hardware_keycode];
    case KEYCODES_XQUARTZ:
        return keycodes_xorgxquartz[hardware_keycode];
    case KEYCODES_XWIN:
        return keycodes_xorgxwin[hardware_keycode];
    default:
        return 0;
    }
}

/* In keysym order. Keys of the main block whose place depends on the layout are absent on purpose.
 */
static const KeysymCode fixed_codes[] = {
    {GDK_KEY_ISO_Level3_Shift, 0x138},
    {GDK_KEY_ISO_Left_Tab, 0x00f},
    {GDK_KEY_BackSpace, 0x00e},
    {GDK_KEY_Tab, 0x00f},
    {GDK_KEY_Return, 0x01c},
    {GDK_KEY_Pause, 0x21d},
    {GDK_KEY_Scroll_Lock, 0x046},
    {GDK_KEY_Sys_Req, 0x054},
    {GDK_KEY_Escape, 0x001},
    {GDK_KEY_Home, 0x147},
    {GDK_KEY_Left, 0x14b},
    {GDK_KEY_Up, 0x148},
    {GDK_KEY_Right, 0x14d},
    {GDK_KEY_Down, 0x150},
    {GDK_KEY_Page_Up, 0x149},
    {GDK_KEY_Page_Down, 0x151},
    {GDK_KEY_End, 0x14f},
    {GDK_KEY_Print, 0x137},
    {GDK_KEY_Insert, 0x152},
    {GDK_KEY_Menu, 0x15d},
    {GDK_KEY_Break, 0x146},
    {GDK_KEY_Num_Lock, 0x045},
    {GDK_KEY_KP_Enter, 0x11c},
    {GDK_KEY_KP_Home, 0x047},
    {GDK_KEY_KP_Left, 0x04b},
    {GDK_KEY_KP_Up, 0x048},
    {GDK_KEY_KP_Right, 0x04d},
    {GDK_KEY_KP_Down, 0x050},
    {GDK_KEY_KP_Page_Up, 0x049},
    {GDK_KEY_KP_Page_Down, 0x051},
    {GDK_KEY_KP_End, 0x04f},
    {GDK_KEY_KP_Begin, 0x04c},
    {GDK_KEY_KP_Insert, 0x052},
    {GDK_KEY_KP_Delete, 0x053},
    {GDK_KEY_KP_Multiply, 0x037},
    {GDK_KEY_KP_Add, 0x04e},
    {GDK_KEY_KP_Subtract, 0x04a},
    {GDK_KEY_KP_Decimal, 0x053},
    {GDK_KEY_KP_Divide, 0x135},
    {GDK_KEY_KP_0, 0x052},
    {GDK_KEY_KP_1, 0x04f},
    {GDK_KEY_KP_2, 0x050},
    {GDK_KEY_KP_3, 0x051},
    {GDK_KEY_KP_4, 0x04b},
    {GDK_KEY_KP_5, 0x04c},
    {GDK_KEY_KP_6, 0x04d},
    {GDK_KEY_KP_7, 0x047},
    {GDK_KEY_KP_8, 0x048},
    {GDK_KEY_KP_9, 0x049},
    {GDK_KEY_F1, 0x03b},
    {GDK_KEY_F2, 0x03c},
    {GDK_KEY_F3, 0x03d},
    {GDK_KEY_F4, 0x03e},
    {GDK_KEY_F5, 0x03f},
    {GDK_KEY_F6, 0x040},
    {GDK_KEY_F7, 0x041},
    {GDK_KEY_F8, 0x042},
    {GDK_KEY_F9, 0x043},
    {GDK_KEY_F10, 0x044},
    {GDK_KEY_F11, 0x057},
    {GDK_KEY_F12, 0x058},
    {GDK_KEY_F13, 0x05d}, /* F13..F24: where the evdev table has these keys */
    {GDK_KEY_F14, 0x05e},
    {GDK_KEY_F15, 0x05f},
    {GDK_KEY_F16, 0x055},
    {GDK_KEY_F17, 0x103},
    {GDK_KEY_F18, 0x177},
    {GDK_KEY_F19, 0x104},
    {GDK_KEY_F20, 0x05a},
    {GDK_KEY_F21, 0x074},
    {GDK_KEY_F22, 0x179},
    {GDK_KEY_F23, 0x06d},
    {GDK_KEY_F24, 0x06f},
    {GDK_KEY_Shift_L, 0x02a},
    {GDK_KEY_Shift_R, 0x036},
    {GDK_KEY_Control_L, 0x01d},
    {GDK_KEY_Control_R, 0x11d},
    {GDK_KEY_Caps_Lock, 0x03a},
    {GDK_KEY_Alt_L, 0x038},
    {GDK_KEY_Alt_R, 0x138},
    {GDK_KEY_Super_L, 0x15b},
    {GDK_KEY_Super_R, 0x15c},
    {GDK_KEY_Delete, 0x153},
};

guint keycodes_fixed_scancode(guint keysym)
{
    return find_keysym(fixed_codes, G_N_ELEMENTS(fixed_codes), keysym);
}

KeycodeTable keycodes_choose_x11(const char *vendor, gboolean has_apple_extension,
                                 const char *keycodes_name, guint page_up_keycode)
{
    if (vendor && strstr(vendor, "Cygwin/X"))
        return KEYCODES_XWIN;
    if (has_apple_extension)
        return KEYCODES_XQUARTZ;
    if ((keycodes_name && g_str_has_prefix(keycodes_name, "evdev")) || page_up_keycode == 0x70)
        return KEYCODES_EVDEV;
    if ((keycodes_name && g_str_has_prefix(keycodes_name, "xfree86")) || page_up_keycode == 0x63)
        return KEYCODES_XFREE86;
    return KEYCODES_NONE;
}
