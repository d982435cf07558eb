/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The stable ABI of Python 3.11 and later: one build for all of them. */
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
