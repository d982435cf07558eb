/* What every plugin written in C needs, whatever it records.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PLUGIN_BASICS_H
#define PLUGIN_BASICS_H

#include "tuner_plugin.h"

/* Convention 1: copies what both sides know of a GROWABLE struct over zeros. 0 if it is to be
 * refused. `least` is the size that the struct had in ABI version 1. */
int read_struct(void* own, uint32_t own_size, uint32_t least, const void* given);
#define READ(own, given, least) read_struct(&(own), (uint32_t)sizeof(own), (least), (given))

/* Writes a text for people into the host's sink (NULL is allowed), cut between two characters if
 * it does not fit, and returns `status`. The text may have up to 8 KB. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
tuner_status
fail(tuner_error* error, tuner_status status, const char* format, ...);

/* Nothing to say: empties the sink. */
void clear_error(tuner_error* error);

/* Convention 2 of the entry: 1 if the ranges meet, and then abi_chosen is set; else 0 and a text.
 */
int negotiate(tuner_entry_args* args, const char* plugin_name);

#endif
