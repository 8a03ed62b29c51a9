/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A truth beside a reference that executes one command after the other, and beside a model of a
 * client; with drawings made from the random messages of the canvas tests. */
#ifndef TESTS_SERVER_TRUTH_MODEL_H
#define TESTS_SERVER_TRUTH_MODEL_H

#include "canvas/scene.h"
#include "display/truth.h"

#define MODEL_SURFACES (2 * SCENE_TARGETS)

typedef struct Model {
    Scene scene;  /* its surfaces are the reference's */
    Scene client; /* its surfaces are the client's */
    bool has_client;
    Truth *truth;
    uint8_t *memory[MODEL_SURFACES];
    ptrdiff_t strides[MODEL_SURFACES];
    uint32_t width, height;
    uint64_t serial;
    GQueue queue; /* Drawable, references: what the client still has to walk over */
    unsigned n_commands, n_released; /* guest resources */
    unsigned n_dropped, n_rendered, n_merged, n_moved;
} Model;

/* Parts of drawings: a rectangle, and a fill with a colour. */
WireRect model_rect(int32_t left, int32_t top, int32_t right, int32_t bottom);
SceneMessage model_fill(uint32_t surface, WireRect box, uint32_t color, uint16_t rop);

void model_init(Model *model, uint64_t seed, uint32_t width, uint32_t height, bool has_client);
void model_clear(Model *model);

/* A resource that counts, and on release frees the memory given. */
GuestResource *model_resource(Model *model, void *memory);
/* A drawing for the truth: region, reads, put, and pixels that are borrowed if it is one and
 * the caller says so. The message must live as long as the drawing. */
Drawable *model_drawable(Model *model, uint16_t type, const SceneMessage *message, bool borrow);
/* An effect that the message keeps. */
uint8_t model_effect(Model *model, uint16_t type, const SceneMessage *message);
/* To truth, reference and queue. False: truth_add() said so. */
bool model_add(Model *model, uint16_t type, const SceneMessage *message, uint8_t effect,
               bool borrow);
/* The client walks over n drawings. */
void model_walk(Model *model, unsigned n);
/* Are the pixels of an area equal to the reference's? */
bool model_check_area(Model *model, uint32_t id, const pixman_box32_t *area);
/* Everything rendered and walked: are all surfaces of all three equal? */
bool model_check_all(Model *model);
/* A surface of the truth on new memory, in any order of rows; keep: with the reference's pixels. */
Surface *model_create(Model *model, uint32_t id, bool keep);
/* Destroy a surface and make it anew, of zeros. */
void model_recreate(Model *model, uint32_t id);

#endif
