/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawings, and the guest's commands that they came from: memory and references. */
#include "display/truth.h"
#include "slices.h"

/* What a command may decode to: a path or a text of the largest message that a client takes, with
 * room for the structures around it. */
#define ARENA_LIMIT ((size_t)256 << 20)

GuestResource *guest_resource_ref(GuestResource *resource)
{
    if (resource)
        resource->refs++;
    return resource;
}

void guest_resource_unref(GuestResource *resource)
{
    if (resource && --resource->refs == 0)
        resource->release(resource);
}

Drawable *drawable_new(void)
{
    Drawable *drawable = slice_new0(Drawable);

    drawable->refs = 1;
    pixman_region32_init(&drawable->region);
    pixman_region32_init(&drawable->visible);
    pixman_region32_init(&drawable->changed);
    pixman_region32_init(&drawable->rest);
    wire_arena_init(&drawable->arena, ARENA_LIMIT);
    return drawable;
}

Drawable *drawable_ref(Drawable *drawable)
{
    drawable->refs++;
    return drawable;
}

void drawable_unref(Drawable *drawable)
{
    if (!drawable || --drawable->refs > 0)
        return;
    guest_resource_unref(drawable->resource);
    for (unsigned i = 0; i < drawable->n_blobs; i++)
        blob_unref(drawable->blobs[i]);
    for (unsigned i = 0; i < drawable->n_reads; i++)
        surface_unref(drawable->reads[i].surface);
    if (drawable->target)
        surface_unref(drawable->target);
    pixman_region32_fini(&drawable->region);
    pixman_region32_fini(&drawable->visible);
    pixman_region32_fini(&drawable->changed);
    pixman_region32_fini(&drawable->rest);
    wire_arena_clear(&drawable->arena);
    slice_free(Drawable, drawable);
}
