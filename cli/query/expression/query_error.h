// Why a query cannot be used, and where in its text.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace aimlog::cli {

class QueryError : public std::runtime_error {
 public:
  enum class About { query, runs };  // runs: it asks for what none of them has

  // `at` counts bytes of the query.
  QueryError(size_t at, const std::string& text, About about = About::query)
      : std::runtime_error(text), at_(at), about_(about) {}
  size_t at() const { return at_; }
  About about() const { return about_; }

 private:
  size_t at_;
  About about_;
};

}  // namespace aimlog::cli
