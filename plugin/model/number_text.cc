#include "plugin/model/number_text.h"

namespace aimlog {

std::string exact_text(const Number& number) {
  if (number.type == NumberType::boolean) return number.bits != 0 ? "true" : "false";
  if (number.is_nan()) return "NaN";
  if (number.is_infinite()) return number.as_double() > 0 ? "Infinity" : "-Infinity";
  return to_text(number);
}

}  // namespace aimlog
