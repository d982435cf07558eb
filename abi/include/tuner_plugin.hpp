// Optional C++17 conveniences over tuner_plugin.h, header-only, namespace `tuner`. They add nothing
// to the contract: a host or plugin may use some of them, all or none.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tuner_plugin.h"
#include "tuner_plugin/plugin.hpp"          // for hosts: a plugin as an object
#include "tuner_plugin/plugin_base.hpp"     // for plugins: a base class
#include "tuner_plugin/plugin_entry.hpp"    // for plugins: TUNER_DEFINE_PLUGIN
#include "tuner_plugin/result_builder.hpp"  // for hosts: trees of values
#include "tuner_plugin/streams.hpp"         // both: states
#include "tuner_plugin/structs.hpp"         // both: structs of differing size
#include "tuner_plugin/text.hpp"            // both: strings, statuses, error texts
#include "tuner_plugin/values.hpp"          // for plugins: reading trees
