/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client library's header: applications include this one only. */
#ifndef SPICE_CLIENT_CLIENT_H
#define SPICE_CLIENT_CLIENT_H

#include <glib.h>
#include <glib-object.h>

#define __SPICE_CLIENT_H_INSIDE__

#include <spice/enums.h>
#include <spice/protocol.h>

#include "spice-types.h"
#include "spice-session.h"
#include "spice-channel.h"
#include "spice-option.h"
#include "spice-uri.h"
#include "spice-version.h"

#include "channel-main.h"
#include "channel-display.h"
#include "channel-cursor.h"
#include "channel-inputs.h"

G_BEGIN_DECLS

/**
 * SPICE_CLIENT_ERROR:
 *
 * The error domain of this library; its codes are #SpiceClientError.
 */
#define SPICE_CLIENT_ERROR spice_client_error_quark()

/**
 * SpiceClientError:
 * @SPICE_CLIENT_ERROR_FAILED: any failure without a code of its own; the message says which
 * @SPICE_CLIENT_ERROR_USB_DEVICE_REJECTED: the server does not accept the USB device
 * @SPICE_CLIENT_ERROR_USB_DEVICE_LOST: the USB device failed or was unplugged
 * @SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD: the server wants a password, or another one
 * @SPICE_CLIENT_ERROR_AUTH_NEEDS_USERNAME: the server wants a user name, or another one
 * @SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD_AND_USERNAME: the server wants both, or others
 * @SPICE_CLIENT_ERROR_USB_SERVICE: the USB service failed
 *
 * Codes of the errors of this library.
 */
typedef enum {
    SPICE_CLIENT_ERROR_FAILED,
    SPICE_CLIENT_ERROR_USB_DEVICE_REJECTED,
    SPICE_CLIENT_ERROR_USB_DEVICE_LOST,
    SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD,
    SPICE_CLIENT_ERROR_AUTH_NEEDS_USERNAME,
    SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD_AND_USERNAME,
    SPICE_CLIENT_ERROR_USB_SERVICE,
} SpiceClientError;

#ifndef SPICE_DISABLE_DEPRECATED
#define SPICE_CLIENT_USB_DEVICE_REJECTED SPICE_CLIENT_ERROR_USB_DEVICE_REJECTED
#define SPICE_CLIENT_USB_DEVICE_LOST SPICE_CLIENT_ERROR_USB_DEVICE_LOST
#endif

GQuark spice_client_error_quark(void);

G_END_DECLS

#undef __SPICE_CLIENT_H_INSIDE__

#endif
