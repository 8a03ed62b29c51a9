/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page that tells why there is no connection, over the last picture. */
#include "config.h"
#include "pages.h"

typedef struct FailurePage {
    GtkWidget *card, *title, *reason, *advice, *buttons, *reconnect;
    GdkPixbuf *frame;
    void (*chosen)(FailureChoice choice, gpointer data);
    gpointer data;
} FailurePage;

static void page_free(FailurePage *page)
{
    g_clear_object(&page->frame);
    g_free(page);
}

static gboolean draw_frame(GtkWidget *area, cairo_t *cr, FailurePage *page)
{
    if (!page->frame)
        return FALSE;
    double width = gtk_widget_get_allocated_width(area);
    double height = gtk_widget_get_allocated_height(area);
    double scale =
        MIN(width / gdk_pixbuf_get_width(page->frame), height / gdk_pixbuf_get_height(page->frame));
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_paint(cr);
    cairo_save(cr);
    cairo_translate(cr, (width - scale * gdk_pixbuf_get_width(page->frame)) / 2,
                    (height - scale * gdk_pixbuf_get_height(page->frame)) / 2);
    cairo_scale(cr, scale, scale);
    gdk_cairo_set_source_pixbuf(cr, page->frame, 0, 0);
    cairo_paint(cr);
    cairo_restore(cr);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.6);
    cairo_paint(cr);
    return FALSE;
}

static void choose(GtkWidget *button, FailurePage *page)
{
    FailureChoice choice =
        (FailureChoice)GPOINTER_TO_INT(g_object_get_data(G_OBJECT(button), "choice"));
    page->chosen(choice, page->data);
}

static GtkWidget *choice_new(FailurePage *page, const char *label, FailureChoice choice)
{
    GtkWidget *button = gtk_button_new_with_mnemonic(label);
    g_object_set_data(G_OBJECT(button), "choice", GINT_TO_POINTER(choice));
    g_signal_connect(button, "clicked", G_CALLBACK(choose), page);
    gtk_box_pack_start(GTK_BOX(page->buttons), button, TRUE, TRUE, 0);
    return button;
}

static GtkWidget *paragraph_new(GtkWidget *column)
{
    GtkWidget *label = gtk_label_new(NULL);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_line_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 56);
    gtk_label_set_justify(GTK_LABEL(label), GTK_JUSTIFY_CENTER);
    gtk_label_set_selectable(GTK_LABEL(label), TRUE);
    gtk_widget_set_can_focus(label, FALSE);
    gtk_box_pack_start(GTK_BOX(column), label, FALSE, FALSE, 0);
    return label;
}

GtkWidget *failure_page_new(void (*chosen)(FailureChoice choice, gpointer data), gpointer data)
{
    FailurePage *page = g_new0(FailurePage, 1);
    page->chosen = chosen;
    page->data = data;
    GtkWidget *overlay = gtk_overlay_new();
    GtkWidget *area = gtk_drawing_area_new();
    g_signal_connect(area, "draw", G_CALLBACK(draw_frame), page);
    gtk_container_add(GTK_CONTAINER(overlay), area);

    page->card = page_column_new("network-offline-symbolic", &page->title);
    gtk_style_context_add_class(gtk_widget_get_style_context(page->card), "viewer-card");
    page->reason = paragraph_new(page->card);
    page->advice = paragraph_new(page->card);
    gtk_style_context_add_class(gtk_widget_get_style_context(page->advice), "dim-label");
    page->buttons = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
    gtk_widget_set_halign(page->buttons, GTK_ALIGN_CENTER);
    gtk_widget_set_margin_top(page->buttons, 12);
    page->reconnect = choice_new(page, "_Reconnect", FAILURE_RECONNECT);
    gtk_style_context_add_class(gtk_widget_get_style_context(page->reconnect), "suggested-action");
    choice_new(page, "Connect _elsewhere", FAILURE_CONNECT_ELSEWHERE);
    choice_new(page, "_Quit", FAILURE_QUIT);
    gtk_box_pack_start(GTK_BOX(page->card), page->buttons, FALSE, FALSE, 0);
    gtk_overlay_add_overlay(GTK_OVERLAY(overlay), page->card);

    g_object_set_data_full(G_OBJECT(overlay), "page", page, (GDestroyNotify)page_free);
    gtk_widget_show_all(overlay);
    return overlay;
}

void failure_page_set(GtkWidget *widget, const Failure *failure, GdkPixbuf *last_frame)
{
    FailurePage *page = g_object_get_data(G_OBJECT(widget), "page");
    gtk_label_set_text(GTK_LABEL(page->title), failure->title);
    gtk_label_set_text(GTK_LABEL(page->reason), failure->reason ? failure->reason : "");
    gtk_widget_set_visible(page->reason, failure->reason != NULL);
    gtk_label_set_text(GTK_LABEL(page->advice), failure->advice ? failure->advice : "");
    gtk_widget_set_visible(page->advice, failure->advice != NULL);
    g_set_object(&page->frame, last_frame);
    gtk_widget_queue_draw(widget);
    gtk_widget_grab_focus(page->reconnect);
}

void failure_page_set_choices(GtkWidget *widget, gboolean choices)
{
    FailurePage *page = g_object_get_data(G_OBJECT(widget), "page");
    gtk_widget_set_visible(page->buttons, choices);
}
