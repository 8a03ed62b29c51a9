/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page with the address entry and the list of recent connections. Follows client-gtk.md 15.3.
 */
#include "config.h"
#include "pages.h"
#include "recent.h"

#include <string.h>

typedef struct ConnectPage {
    GtkWidget *entry, *error, *button, *recent_title, *recent_frame, *list;
    void (*connect)(const char *address, gpointer data);
    gpointer data;
} ConnectPage;

GtkWidget *page_column_new(const char *icon, GtkWidget **title)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    gtk_widget_set_halign(column, GTK_ALIGN_CENTER);
    gtk_widget_set_valign(column, GTK_ALIGN_CENTER);
    gtk_container_set_border_width(GTK_CONTAINER(column), 24);
    gtk_style_context_add_class(gtk_widget_get_style_context(column), "viewer-column");
    GtkWidget *image = gtk_image_new_from_icon_name(icon, GTK_ICON_SIZE_DIALOG);
    gtk_image_set_pixel_size(GTK_IMAGE(image), 72);
    gtk_box_pack_start(GTK_BOX(column), image, FALSE, FALSE, 0);
    *title = gtk_label_new(NULL);
    gtk_label_set_line_wrap(GTK_LABEL(*title), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(*title), 40);
    gtk_label_set_justify(GTK_LABEL(*title), GTK_JUSTIFY_CENTER);
    gtk_style_context_add_class(gtk_widget_get_style_context(*title), "viewer-title");
    gtk_box_pack_start(GTK_BOX(column), *title, FALSE, FALSE, 0);
    return column;
}

static char *stripped_address(ConnectPage *page)
{
    return g_strstrip(g_strdup(gtk_entry_get_text(GTK_ENTRY(page->entry))));
}

static void connect_now(GtkWidget *widget, ConnectPage *page)
{
    g_autofree char *address = stripped_address(page);
    if (*address)
        page->connect(address, page->data);
}

static void entry_changed(GtkEditable *entry, ConnectPage *page)
{
    g_autofree char *address = stripped_address(page);
    gtk_widget_set_sensitive(page->button, *address != 0);
    gtk_entry_set_icon_from_icon_name(GTK_ENTRY(page->entry), GTK_ENTRY_ICON_SECONDARY,
                                      *address ? "edit-clear-symbolic" : NULL);
    gtk_widget_hide(page->error);
    gtk_style_context_remove_class(gtk_widget_get_style_context(page->entry), "error");
}

static void clear_entry(GtkEntry *entry, GtkEntryIconPosition position, GdkEvent *event,
                        gpointer data)
{
    gtk_entry_set_text(entry, "");
}

static void row_selected(GtkListBox *list, GtkListBoxRow *row, ConnectPage *page)
{
    if (row)
        gtk_entry_set_text(GTK_ENTRY(page->entry), g_object_get_data(G_OBJECT(row), "uri"));
}

/* A click selects, a second one (or Enter) connects. */
static void row_activated(GtkListBox *list, GtkListBoxRow *row, ConnectPage *page)
{
    row_selected(list, row, page);
    connect_now(NULL, page);
}

static void remove_row(GtkWidget *row, gpointer data)
{
    gtk_widget_destroy(row);
}

static void forget_row(GtkButton *button, GtkListBoxRow *row)
{
    recent_connections_remove(g_object_get_data(G_OBJECT(row), "uri"));
    gtk_widget_destroy(GTK_WIDGET(row));
}

static GtkWidget *row_new(const RecentConnection *connection)
{
    GtkWidget *row = gtk_list_box_row_new();
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *texts = gtk_box_new(GTK_ORIENTATION_VERTICAL, 2);
    g_object_set_data_full(G_OBJECT(row), "uri", g_strdup(connection->uri), g_free);
    gtk_container_set_border_width(GTK_CONTAINER(box), 8);
    gtk_box_pack_start(GTK_BOX(box),
                       gtk_image_new_from_icon_name("computer-symbolic", GTK_ICON_SIZE_BUTTON),
                       FALSE, FALSE, 4);
    GtkWidget *name = gtk_label_new(connection->name);
    gtk_label_set_xalign(GTK_LABEL(name), 0);
    gtk_label_set_ellipsize(GTK_LABEL(name), PANGO_ELLIPSIZE_END);
    gtk_box_pack_start(GTK_BOX(texts), name, FALSE, FALSE, 0);
    if (strcmp(connection->name, connection->uri) != 0) {
        GtkWidget *uri = gtk_label_new(connection->uri);
        gtk_label_set_xalign(GTK_LABEL(uri), 0);
        gtk_label_set_ellipsize(GTK_LABEL(uri), PANGO_ELLIPSIZE_END);
        gtk_style_context_add_class(gtk_widget_get_style_context(uri), "dim-label");
        gtk_box_pack_start(GTK_BOX(texts), uri, FALSE, FALSE, 0);
    }
    gtk_widget_set_valign(texts, GTK_ALIGN_CENTER);
    gtk_box_pack_start(GTK_BOX(box), texts, TRUE, TRUE, 0);
    GtkWidget *forget =
        gtk_button_new_from_icon_name("window-close-symbolic", GTK_ICON_SIZE_BUTTON);
    gtk_button_set_relief(GTK_BUTTON(forget), GTK_RELIEF_NONE);
    gtk_widget_set_valign(forget, GTK_ALIGN_CENTER);
    gtk_widget_set_tooltip_text(forget, "Forget this connection");
    g_signal_connect(forget, "clicked", G_CALLBACK(forget_row), row);
    gtk_box_pack_end(GTK_BOX(box), forget, FALSE, FALSE, 0);
    gtk_container_add(GTK_CONTAINER(row), box);
    gtk_widget_show_all(row);
    return row;
}

static GtkWidget *heading_new(const char *text)
{
    GtkWidget *label = gtk_label_new(text);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_style_context_add_class(gtk_widget_get_style_context(label), "viewer-heading");
    return label;
}

static gboolean entry_key(GtkWidget *entry, GdkEventKey *event, ConnectPage *page)
{
    if (event->keyval != GDK_KEY_Escape)
        return FALSE;
    gtk_window_close(GTK_WINDOW(gtk_widget_get_toplevel(entry)));
    return TRUE;
}

GtkWidget *connect_page_new(void (*connect)(const char *address, gpointer data), gpointer data)
{
    ConnectPage *page = g_new0(ConnectPage, 1);
    GtkWidget *title;
    GtkWidget *column = page_column_new("spice-viewer", &title);
    page->connect = connect;
    page->data = data;
    gtk_label_set_text(GTK_LABEL(title), "Connection details");
    gtk_widget_set_size_request(column, 460, -1);

    gtk_box_pack_start(GTK_BOX(column), heading_new("Connection Address"), FALSE, FALSE, 0);
    GtkWidget *line = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    page->entry = gtk_entry_new();
    gtk_entry_set_placeholder_text(GTK_ENTRY(page->entry), "spice://host:port");
    gtk_entry_set_input_purpose(GTK_ENTRY(page->entry), GTK_INPUT_PURPOSE_URL);
    gtk_widget_set_name(page->entry, "address");
    page->button = gtk_button_new_with_mnemonic("C_onnect");
    gtk_style_context_add_class(gtk_widget_get_style_context(page->button), "suggested-action");
    gtk_box_pack_start(GTK_BOX(line), page->entry, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(line), page->button, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(column), line, FALSE, FALSE, 0);

    page->error = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(page->error), 0);
    gtk_label_set_line_wrap(GTK_LABEL(page->error), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(page->error), 50);
    gtk_style_context_add_class(gtk_widget_get_style_context(page->error), "viewer-error");
    gtk_box_pack_start(GTK_BOX(column), page->error, FALSE, FALSE, 0);
    GtkWidget *hint = gtk_label_new("For example, spice://foo.example.org:5900");
    gtk_label_set_xalign(GTK_LABEL(hint), 0);
    gtk_style_context_add_class(gtk_widget_get_style_context(hint), "dim-label");
    gtk_box_pack_start(GTK_BOX(column), hint, FALSE, FALSE, 0);

    page->recent_title = heading_new("Recent connections");
    gtk_widget_set_margin_top(page->recent_title, 12);
    gtk_box_pack_start(GTK_BOX(column), page->recent_title, FALSE, FALSE, 0);
    page->list = gtk_list_box_new();
    gtk_list_box_set_activate_on_single_click(GTK_LIST_BOX(page->list), FALSE);
    GtkWidget *scroll = gtk_scrolled_window_new(NULL, NULL);
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scroll), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_propagate_natural_height(GTK_SCROLLED_WINDOW(scroll), TRUE);
    gtk_scrolled_window_set_max_content_height(GTK_SCROLLED_WINDOW(scroll), 220);
    gtk_scrolled_window_set_shadow_type(GTK_SCROLLED_WINDOW(scroll), GTK_SHADOW_IN);
    gtk_container_add(GTK_CONTAINER(scroll), page->list);
    page->recent_frame = scroll;
    gtk_box_pack_start(GTK_BOX(column), scroll, FALSE, FALSE, 0);

    g_signal_connect(page->entry, "changed", G_CALLBACK(entry_changed), page);
    g_signal_connect(page->entry, "activate", G_CALLBACK(connect_now), page);
    g_signal_connect(page->entry, "icon-release", G_CALLBACK(clear_entry), NULL);
    g_signal_connect(page->entry, "key-press-event", G_CALLBACK(entry_key), page);
    g_signal_connect(page->button, "clicked", G_CALLBACK(connect_now), page);
    g_signal_connect(page->list, "row-selected", G_CALLBACK(row_selected), page);
    g_signal_connect(page->list, "row-activated", G_CALLBACK(row_activated), page);
    g_object_set_data_full(G_OBJECT(column), "page", page, g_free);
    gtk_widget_show_all(column);
    return column;
}

void connect_page_refresh(GtkWidget *widget, const char *address, const char *error)
{
    ConnectPage *page = g_object_get_data(G_OBJECT(widget), "page");
    gtk_container_foreach(GTK_CONTAINER(page->list), remove_row, NULL);
    g_autoptr(GPtrArray) recent = recent_connections();
    for (guint i = 0; i < recent->len; i++)
        gtk_container_add(GTK_CONTAINER(page->list), row_new(recent->pdata[i]));
    gtk_widget_set_visible(page->recent_title, recent->len > 0);
    gtk_widget_set_visible(page->recent_frame, recent->len > 0);
    if (address)
        gtk_entry_set_text(GTK_ENTRY(page->entry), address);
    entry_changed(GTK_EDITABLE(page->entry), page);
    if (error) {
        gtk_label_set_text(GTK_LABEL(page->error), error);
        gtk_widget_show(page->error);
        gtk_style_context_add_class(gtk_widget_get_style_context(page->entry), "error");
    }
    gtk_widget_grab_focus(page->entry);
}
