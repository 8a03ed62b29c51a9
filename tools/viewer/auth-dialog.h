/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dialog that asks for a password, and a user name where the server wants one. Follows
 * client-gtk.md 15.8. */
#ifndef VIEWER_AUTH_DIALOG_H
#define VIEWER_AUTH_DIALOG_H

#include <gtk/gtk.h>

/* answer: password is NULL when the user has cancelled. The dialog is destroyed before the call.
 * error (may be NULL): why the previous answer wasn't accepted. user_name: what to fill in; NULL
 * for the login name. */
GtkWidget *auth_dialog_show(GtkWindow *parent, const char *kind, const char *address,
                            gboolean ask_user_name, const char *user_name, const char *error,
                            void (*answer)(const char *user_name, const char *password,
                                           gpointer data),
                            gpointer data);

#endif
