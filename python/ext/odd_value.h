/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/kinds.h"
#include "python/ext/tree.h"

/* Values for what the contract has no type for. All of them always give something. */

/* The text of an object: what str() says for the kinds whose value that is, else with the type in
 * front, "<module.Type> text", cut to a page. */
void odd_value_text(value_tree* tree, PyObject* object, type_kind kind, tuner_value* out);
/* "<module.Type> remark", without asking the object anything. */
void odd_value_remark(value_tree* tree, PyObject* object, const char* remark, tuner_value* out);
/* An int beyond 64 bits: its digits, hexadecimal ones where Python refuses decimal ones. */
void odd_value_big_int(value_tree* tree, PyObject* number, tuner_value* out);
/* The key of a map's entry: a str as it is, anything else as text. */
void odd_value_key(value_tree* tree, PyObject* key, tuner_string* out);
/* A scalar of another library by item(), once; a small array, or a masked scalar, by tolist().
 * False if it is neither. */
int odd_value_foreign(value_tree* tree, PyObject* object, type_kind kind, tuner_value* out);
