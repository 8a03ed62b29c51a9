/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A draw message of whatever type, for those that keep some: canvas_draw() takes each member. */
#ifndef CANVAS_MESSAGE_H
#define CANVAS_MESSAGE_H

#include "wire/wire.h"

typedef union CanvasMessage {
    WireDisplayBase base; /* each begins with it */
    WireMsgDisplayCopyBits copy_bits;
    WireMsgDisplayDrawFill fill;
    WireMsgDisplayDrawOpaque opaque;
    WireMsgDisplayDrawCopy copy;
    WireMsgDisplayDrawBlend blend;
    WireMsgDisplayDrawBlackness blackness;
    WireMsgDisplayDrawWhiteness whiteness;
    WireMsgDisplayDrawInvers invers;
    WireMsgDisplayDrawRop3 rop3;
    WireMsgDisplayDrawStroke stroke;
    WireMsgDisplayDrawText text;
    WireMsgDisplayDrawTransparent transparent;
    WireMsgDisplayDrawAlphaBlend alpha_blend;
    WireMsgDisplayDrawComposite composite;
} CanvasMessage;

#endif
