/* The configuration of the JSON-lines plugin: one key, `path`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef JSONL_CONFIG_H
#define JSONL_CONFIG_H

#include "tuner_plugin.h"

#define JSONL_PATH_MAX 4096
#define JSONL_PROBLEM_MAX 6000

/* Finds the file to write. 1 and `path`, or 0 and a text that says what to mend. The setting "path"
 * wins over the configuration; a relative path rests on base_dir, for a configuration file on the
 * file's own directory, else on the working directory. */
int jsonl_config_path(const tuner_create_args* args, char path[JSONL_PATH_MAX],
                      char problem[JSONL_PROBLEM_MAX]);

#endif
