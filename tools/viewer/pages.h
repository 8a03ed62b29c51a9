/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages that a window shows while there is no picture: where to connect to, how it goes, why it
 * failed. */
#ifndef VIEWER_PAGES_H
#define VIEWER_PAGES_H

#include <gtk/gtk.h>
#include "shared/failure.h"

/* Connect page: an address entry and the recent connections. connect(address, data) when the user
 * has chosen. */
GtkWidget *connect_page_new(void (*connect)(const char *address, gpointer data), gpointer data);
/* Read the recent list anew, show an error under the entry (or NULL), put the keyboard into the
 * entry. */
void connect_page_refresh(GtkWidget *page, const char *address, const char *error);

/* Status page: a spinner, a text, and Cancel. */
GtkWidget *status_page_new(void (*cancel)(gpointer data), gpointer data);
void status_page_set(GtkWidget *page, const char *title, const char *detail);

/* Failure page over the last picture of the guest, dimmed. */
typedef enum FailureChoice {
    FAILURE_RECONNECT,
    FAILURE_CONNECT_ELSEWHERE,
    FAILURE_QUIT
} FailureChoice;
GtkWidget *failure_page_new(void (*chosen)(FailureChoice choice, gpointer data), gpointer data);
/* last_frame may be NULL. */
void failure_page_set(GtkWidget *page, const Failure *failure, GdkPixbuf *last_frame);
/* A kiosk has no buttons to leave it with. */
void failure_page_set_choices(GtkWidget *page, gboolean choices);

/* A column in the middle of a page, with an icon and a title. */
GtkWidget *page_column_new(const char *icon, GtkWidget **title);

#endif
