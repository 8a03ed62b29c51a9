/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The save dialog for screenshots. */
#include "config.h"
#include "screenshot.h"

#include <string.h>

typedef struct Save {
    GdkPixbuf *picture;
    void (*done)(const char *path, const char *error, gpointer data);
    gpointer data;
} Save;

/* PNG unless the name says otherwise. */
static const char *format_of(const char *path)
{
    g_autofree char *lower = g_ascii_strdown(path, -1);
    if (g_str_has_suffix(lower, ".jpg") || g_str_has_suffix(lower, ".jpeg"))
        return "jpeg";
    if (g_str_has_suffix(lower, ".bmp"))
        return "bmp";
    if (g_str_has_suffix(lower, ".tif") || g_str_has_suffix(lower, ".tiff"))
        return "tiff";
    return "png";
}

static void responded(GtkNativeDialog *dialog, int response, Save *save)
{
    if (response == GTK_RESPONSE_ACCEPT) {
        g_autofree char *path = gtk_file_chooser_get_filename(GTK_FILE_CHOOSER(dialog));
        g_autoptr(GError) error = NULL;
        gboolean ok = path && gdk_pixbuf_save(save->picture, path, format_of(path), &error, NULL);
        if (save->done)
            save->done(path, ok ? NULL : error ? error->message : "no file was chosen", save->data);
    }
    g_object_unref(save->picture);
    g_free(save);
    g_object_unref(dialog);
}

void screenshot_save(GtkWindow *parent, GdkPixbuf *picture, const char *title,
                     void (*done)(const char *path, const char *error, gpointer data),
                     gpointer data)
{
    Save *save = g_new0(Save, 1);
    save->picture = picture;
    save->done = done;
    save->data = data;
    GtkFileChooserNative *dialog = gtk_file_chooser_native_new(
        "Save screenshot", parent, GTK_FILE_CHOOSER_ACTION_SAVE, "_Save", "_Cancel");
    GtkFileChooser *chooser = GTK_FILE_CHOOSER(dialog);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%d %H-%M-%S");
    g_autofree char *name = g_strdup_printf("%s %s.png", title ? title : "Screenshot", time);
    const char *pictures = g_get_user_special_dir(G_USER_DIRECTORY_PICTURES);
    g_strdelimit(name, "/", '-');
    gtk_file_chooser_set_do_overwrite_confirmation(chooser, TRUE);
    gtk_file_chooser_set_current_name(chooser, name);
    gtk_file_chooser_set_current_folder(chooser, pictures ? pictures : g_get_home_dir());
    g_signal_connect(dialog, "response", G_CALLBACK(responded), save);
    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(dialog), TRUE);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(dialog));
}
