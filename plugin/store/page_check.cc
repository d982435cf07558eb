#include "plugin/store/page_check.h"

namespace aimlog {
void check_pages(const RepoPaths&, bool, bool) {}
}  // namespace aimlog
