// What stands in a repo of Aim 3.29. Stored on disk: never renumber; it is somebody else's format.
#pragma once

#include <cstdint>

namespace aimlog::aim {

inline constexpr const char* repo_version = "1.3";  // the file VERSION
inline constexpr const char* readable_versions[] = {"1.0", "1.1", "1.2", "1.3"};  // of Aim 3
inline constexpr const char* schema_revision = "46b89d830ad8";  // alembic_version of its SQLite

// The first byte of each value in a tree.
enum class ValueType : uint8_t {
  none = 0x00,
  boolean = 0x01,
  integer = 0x02,
  real = 0x03,
  text = 0x04,
  bytes = 0x05,
  array = 0x06,   // elements follow at path + index
  object = 0x07,  // an empty dict; others write nothing at their own path
  custom = 0x0f,  // texts, images: the name of a type
};

// Ends each key of a path; doubled it begins an integer.
inline constexpr char key_end = '\xfe';

// Salts of the hashes behind context ids and step keys.
inline constexpr int64_t none_hash = 1393794177995070132;
inline constexpr int64_t number_salt = -7494597716789683807;
inline constexpr int64_t text_salt = 7540324813251503183;
inline constexpr int64_t bytes_salt = -6836296829636613855;
inline constexpr int64_t list_salt = 2965039128708897743;
inline constexpr int64_t map_salt = -2435585119574290752;

}  // namespace aimlog::aim
