/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The password dialog. */
#include "config.h"
#include "auth-dialog.h"

typedef struct AuthDialog {
    GtkWidget *user_name, *password;
    void (*answer)(const char *user_name, const char *password, gpointer data);
    gpointer data;
} AuthDialog;

static void toggle_visible(GtkEntry *entry, GtkEntryIconPosition position, GdkEvent *event,
                           gpointer data)
{
    gboolean visible = !gtk_entry_get_visibility(entry);
    gtk_entry_set_visibility(entry, visible);
    gtk_entry_set_icon_from_icon_name(entry, GTK_ENTRY_ICON_SECONDARY,
                                      visible ? "view-conceal-symbolic" : "view-reveal-symbolic");
}

static void responded(GtkDialog *dialog, int response, AuthDialog *self)
{
    AuthDialog copy = *self;
    g_autofree char *user_name = g_strdup(gtk_entry_get_text(GTK_ENTRY(self->user_name)));
    g_autofree char *password = g_strdup(gtk_entry_get_text(GTK_ENTRY(self->password)));
    gtk_widget_destroy(GTK_WIDGET(dialog));
    copy.answer(user_name, response == GTK_RESPONSE_OK ? password : NULL, copy.data);
}

static GtkWidget *row_new(GtkGrid *grid, int row, const char *label)
{
    GtkWidget *name = gtk_label_new_with_mnemonic(label);
    GtkWidget *entry = gtk_entry_new();
    gtk_label_set_xalign(GTK_LABEL(name), 1);
    gtk_label_set_mnemonic_widget(GTK_LABEL(name), entry);
    gtk_entry_set_activates_default(GTK_ENTRY(entry), TRUE);
    gtk_widget_set_hexpand(entry, TRUE);
    gtk_entry_set_width_chars(GTK_ENTRY(entry), 28);
    gtk_grid_attach(grid, name, 0, row, 1, 1);
    gtk_grid_attach(grid, entry, 1, row, 1, 1);
    g_object_set_data(G_OBJECT(entry), "label", name);
    return entry;
}

GtkWidget *auth_dialog_show(GtkWindow *parent, const char *kind, const char *address,
                            gboolean ask_user_name, const char *user_name, const char *error,
                            void (*answer)(const char *user_name, const char *password,
                                           gpointer data),
                            gpointer data)
{
    AuthDialog *self = g_new0(AuthDialog, 1);
    self->answer = answer;
    self->data = data;
    GtkWidget *dialog = gtk_dialog_new_with_buttons(
        "Authentication required", parent, GTK_DIALOG_MODAL | GTK_DIALOG_USE_HEADER_BAR, "_Cancel",
        GTK_RESPONSE_CANCEL, "_OK", GTK_RESPONSE_OK, NULL);
    gtk_dialog_set_default_response(GTK_DIALOG(dialog), GTK_RESPONSE_OK);
    gtk_window_set_resizable(GTK_WINDOW(dialog), FALSE);
    gtk_window_set_position(GTK_WINDOW(dialog), GTK_WIN_POS_CENTER_ON_PARENT);

    GtkWidget *grid = gtk_grid_new();
    gtk_grid_set_row_spacing(GTK_GRID(grid), 10);
    gtk_grid_set_column_spacing(GTK_GRID(grid), 12);
    gtk_container_set_border_width(GTK_CONTAINER(grid), 18);
    gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(dialog))), grid);

    g_autofree char *text = g_markup_printf_escaped(
        "Authentication is required for the %s connection to:\n<b>%s</b>", kind, address);
    GtkWidget *label = gtk_label_new(NULL);
    gtk_label_set_markup(GTK_LABEL(label), text);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_grid_attach(GTK_GRID(grid), label, 0, 0, 2, 1);
    if (error) {
        GtkWidget *wrong = gtk_label_new(error);
        gtk_label_set_xalign(GTK_LABEL(wrong), 0);
        gtk_label_set_line_wrap(GTK_LABEL(wrong), TRUE);
        gtk_label_set_max_width_chars(GTK_LABEL(wrong), 44);
        gtk_style_context_add_class(gtk_widget_get_style_context(wrong), "viewer-error");
        gtk_grid_attach(GTK_GRID(grid), wrong, 0, 1, 2, 1);
    }
    self->user_name = row_new(GTK_GRID(grid), 2, "_User name:");
    self->password = row_new(GTK_GRID(grid), 3, "_Password:");
    gtk_entry_set_text(GTK_ENTRY(self->user_name), user_name ? user_name : g_get_user_name());
    gtk_entry_set_visibility(GTK_ENTRY(self->password), FALSE);
    gtk_entry_set_input_purpose(GTK_ENTRY(self->password), GTK_INPUT_PURPOSE_PASSWORD);
    gtk_entry_set_icon_from_icon_name(GTK_ENTRY(self->password), GTK_ENTRY_ICON_SECONDARY,
                                      "view-reveal-symbolic");
    gtk_entry_set_icon_tooltip_text(GTK_ENTRY(self->password), GTK_ENTRY_ICON_SECONDARY,
                                    "Show the password");
    g_signal_connect(self->password, "icon-release", G_CALLBACK(toggle_visible), NULL);
    g_signal_connect_data(dialog, "response", G_CALLBACK(responded), self,
                          (GClosureNotify)(void (*)(void))g_free, 0);
    gtk_widget_show_all(dialog);
    if (!ask_user_name) {
        gtk_widget_hide(self->user_name);
        gtk_widget_hide(g_object_get_data(G_OBJECT(self->user_name), "label"));
    }
    gtk_widget_grab_focus(self->password);
    return dialog;
}
