// Which of two versions of a row is the newer one: pages that are no longer in use hold old ones,
// and nothing on them says how old.
#pragma once

#include "plugin/store/environment.h"

namespace aimlog {

// Whether `a` holds what was written after `b` under the same key, as far as the rows tell. Of two
// copies of a chunk, which nobody writes twice: whether more of `a` can be read.
bool is_newer(Table table, ByteView key, ByteView a, ByteView b);

}  // namespace aimlog
