/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page that is shown while a connection is made. */
#include "config.h"
#include "pages.h"

typedef struct StatusPage {
    GtkWidget *title, *detail;
    void (*cancel)(gpointer data);
    gpointer data;
} StatusPage;

static void cancelled(GtkButton *button, StatusPage *page)
{
    page->cancel(page->data);
}

GtkWidget *status_page_new(void (*cancel)(gpointer data), gpointer data)
{
    StatusPage *page = g_new0(StatusPage, 1);
    GtkWidget *column = page_column_new("spice-viewer", &page->title);
    page->cancel = cancel;
    page->data = data;
    page->detail = gtk_label_new(NULL);
    gtk_label_set_ellipsize(GTK_LABEL(page->detail), PANGO_ELLIPSIZE_MIDDLE);
    gtk_style_context_add_class(gtk_widget_get_style_context(page->detail), "dim-label");
    gtk_box_pack_start(GTK_BOX(column), page->detail, FALSE, FALSE, 0);
    GtkWidget *spinner = gtk_spinner_new();
    gtk_widget_set_size_request(spinner, 32, 32);
    gtk_spinner_start(GTK_SPINNER(spinner));
    gtk_box_pack_start(GTK_BOX(column), spinner, FALSE, FALSE, 0);
    if (cancel) {
        GtkWidget *button = gtk_button_new_with_mnemonic("_Cancel");
        gtk_widget_set_halign(button, GTK_ALIGN_CENTER);
        g_signal_connect(button, "clicked", G_CALLBACK(cancelled), page);
        gtk_box_pack_start(GTK_BOX(column), button, FALSE, FALSE, 0);
    }
    g_object_set_data_full(G_OBJECT(column), "page", page, g_free);
    gtk_widget_show_all(column);
    return column;
}

void status_page_set(GtkWidget *widget, const char *title, const char *detail)
{
    StatusPage *page = g_object_get_data(G_OBJECT(widget), "page");
    gtk_label_set_text(GTK_LABEL(page->title), title);
    gtk_label_set_text(GTK_LABEL(page->detail), detail ? detail : "");
}
