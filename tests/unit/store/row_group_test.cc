#include "plugin/store/row_group.h"

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <set>

#include "plugin/store/bit_packing.h"
#include "plugin/store/block_codec.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/number_column.h"
#include "plugin/store/real_block.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

using Words = std::vector<uint64_t>;

// The codec chosen; checks that all bits come back.
BlockCodec round_trip(const Words& words, WordKind kind, size_t* size = nullptr) {
  BlockEncoder encoder;
  Bytes block;
  encoder.append(block, words, kind);
  ByteReader in(block, "block");
  Words back(words.size());
  read_block(in, back);
  CHECK(back == words);
  if (size != nullptr) *size = block.size();
  return block_codec(block);
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string to_hex_number(uint64_t word) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(word));
  return text;
}

template <typename Make>
Words reals(size_t count, const Make& make) {
  Words words;
  for (size_t i = 0; i < count; ++i) words.push_back(std::bit_cast<uint64_t>(make(i)));
  return words;
}

std::vector<Number> special_numbers() {
  const double inf = std::numeric_limits<double>::infinity();
  return {Number::of(0.0),
          Number::of(-0.0),
          Number::of(std::nan("")),
          {NumberType::float64, 0x7ff0000000000001},  // signalling
          {NumberType::float64, 0xfff8dead0000beef},
          Number::of(inf),
          Number::of(-inf),
          Number::of(std::numeric_limits<double>::denorm_min()),
          Number::of(std::numeric_limits<double>::max()),
          Number::of(std::numeric_limits<int64_t>::min()),
          Number::of(std::numeric_limits<int64_t>::max()),
          Number::of(std::numeric_limits<uint64_t>::max()),
          Number::of(int64_t{-1}),
          Number::of(true),
          Number::of(false),
          Number::of(0.1),
          Number()};
}

RowGroup random_group(std::mt19937_64& random, uint32_t rows, size_t columns) {
  const std::vector<Number> special = special_numbers();
  RowGroup group;
  group.first_sequence = random();
  group.last_sequence = group.first_sequence / 2 + UINT64_MAX / 2;
  if (group.last_sequence < group.first_sequence) group.last_sequence = group.first_sequence;
  const int shape = static_cast<int>(random() % 3);
  for (uint32_t i = 0; i < rows; ++i) {
    group.steps.push_back(shape == 0 ? static_cast<int64_t>(random()) : int64_t{10} * i);
    group.times_ns.push_back(1700000000000000000 + int64_t{i} * 1000000007 +
                             static_cast<int64_t>(random() % 5000));
    group.epochs.push_back(shape == 1 ? Number() : Number::of(static_cast<int64_t>(i / 7)));
  }
  for (size_t c = 0; c < columns; ++c) {
    RowGroup::Column column;
    column.key = {static_cast<NameId>(columns - c), static_cast<ContextId>(random() % 3)};
    const int kind = static_cast<int>(random() % 6);
    for (uint32_t i = 0; i < rows; ++i) {
      const double noise = static_cast<double>(random()) / 1e19;
      const Number values[] = {special[random() % special.size()],
                               Number::of(noise),
                               Number::of(static_cast<double>(static_cast<float>(noise))),
                               Number::of(std::round(noise * 1000) / 1000),
                               Number::of(static_cast<int64_t>(i) - 5),
                               random() % 4 == 0 ? Number() : Number::of(random() % 2 == 0)};
      column.values.push_back(values[kind]);
    }
    group.columns.push_back(std::move(column));
  }
  return group;
}

void check_equal(const RowGroupReader& reader, const RowGroup& group) {
  CHECK(reader.rows() == group.steps.size());
  CHECK(reader.first_sequence() == group.first_sequence);
  CHECK(reader.last_sequence() == group.last_sequence);
  CHECK(reader.steps() == group.steps);
  CHECK(reader.times_ns() == group.times_ns);
  CHECK(reader.epochs() == group.epochs);
  CHECK(reader.keys().size() == group.columns.size());
  for (const RowGroup::Column& column : group.columns) {
    const bool same = reader.column(column.key) == column.values;
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("EveryWidthOfIntegersComesBack") {
  std::mt19937_64 random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t count : {1u, 127u, 128u, 129u, 300u}) {
      Words words;
      for (size_t i = 0; i < count; ++i) words.push_back(width == 0 ? 7 : random() >> (64 - width));
      Bytes packed;
      append_packed(packed, words);
      Words back(count);
      ByteReader in(packed, "test");
      read_packed(in, back);
      CHECK(in.at_end());
      CHECK(back == words);
    }
  }
  const Words extremes = {0, UINT64_MAX, uint64_t{1} << 63, (uint64_t{1} << 63) - 1, 1};
  CHECK(round_trip(extremes, WordKind::integer) != BlockCodec::constant);
}

TEST_CASE("EachKindOfSeriesGetsTheCodecThatSuitsIt") {
  std::mt19937_64 random(2);
  const auto noise = [&] { return static_cast<double>(random()) / 1e19; };
  size_t size = 0;
  CHECK(round_trip(reals(1000, [](size_t) { return 0.1; }), WordKind::real, &size) ==
        BlockCodec::constant);
  CHECK(size == 9);
  CHECK(round_trip(reals(1000, [](size_t i) { return static_cast<double>(i); }), WordKind::real,
                   &size) == BlockCodec::decimal);
  CHECK(size < 100);
  CHECK(round_trip(reals(1000, [&](size_t) { return std::round(noise() * 1e4) / 1e4; }),
                   WordKind::real, &size) == BlockCodec::decimal);
  CHECK(size < 2000);
  CHECK(round_trip(reals(1000, [&](size_t) { return double{static_cast<float>(noise())}; }),
                   WordKind::real, &size) == BlockCodec::real_packed);
  CHECK(size < 3700);
  CHECK(round_trip(reals(1000, [&](size_t) { return 0.8 + noise() / 10; }), WordKind::real,
                   &size) == BlockCodec::real_packed);
  CHECK(size < 6800);
  CHECK(round_trip(reals(1000, [](size_t i) { return std::cos(static_cast<double>(i) / 3000); }),
                   WordKind::real, &size) == BlockCodec::real_packed);
  CHECK(size < 3500);
  const auto accuracy = [&](size_t) { return static_cast<double>(random() % 360) / 360; };
  CHECK(round_trip(reals(1000, accuracy), WordKind::real, &size) == BlockCodec::fraction);
  CHECK(size < 1300);
  const auto error_rate = [&](size_t) {
    return double{1 - static_cast<float>(random() % 998) / 997.0f};
  };
  CHECK(round_trip(reals(1000, error_rate), WordKind::real, &size) == BlockCodec::fraction);
  CHECK(size < 1400);
  const double few[] = {0.123456789012345678, 3.3e77, -1.7e-9, 2.0 / 3 * 1e9, 1.1e-200};
  CHECK(round_trip(reals(1000, [&](size_t i) { return few[i * i % 5]; }), WordKind::real, &size) ==
        BlockCodec::dictionary);
  CHECK(size < 500);
  // Around zero the exponents go everywhere, most of them to few places.
  const auto centred = [&] { return (noise() - 0.9) * noise(); };
  CHECK(round_trip(reals(1000, [&](size_t) { return centred(); }), WordKind::real, &size) ==
        BlockCodec::planes);
  CHECK(size < 7500);
  CHECK(round_trip(reals(1000, [&](size_t) { return double{static_cast<float>(centred())}; }),
                   WordKind::real, &size) == BlockCodec::float32_planes);
  CHECK(size < 3800);
  Words counter(1000);
  for (size_t i = 0; i < counter.size(); ++i) counter[i] = i * 64;
  CHECK(round_trip(counter, WordKind::integer, &size) == BlockCodec::differences_packed);
  CHECK(size < 50);
  Words wild(1000);
  for (uint64_t& word : wild) word = random();
  CHECK(round_trip(wild, WordKind::integer, &size) == BlockCodec::raw);
  CHECK(size == 8001);
}

TEST_CASE("RealsOfEverySignAndExponentComeBack") {
  std::mt19937_64 random(4);
  for (const uint64_t mask : {~uint64_t{0}, ~uint64_t{0} << 40, uint64_t{0xbff0} << 48}) {
    for (const size_t count : {1u, 2u, 3u, 4u, 5u, 130u}) {
      Words words;
      for (size_t i = 0; i < count; ++i) words.push_back(random() & mask);
      const Bytes block = real_block(words, std::nullopt);
      ByteReader in(ByteView(block).substr(1), "block");
      Words back(count);
      read_real_block(in, back);
      CHECK(back == words);
      round_trip(words, WordKind::real);
    }
  }
}

TEST_CASE("DifferencesOfEachOrderComeBack") {
  for (const unsigned order : {1u, 2u, 3u, 4u}) {
    Words words(400);
    std::mt19937_64 random(order);
    for (uint64_t& word : words) word = random() % 8;
    for (unsigned times = 0; times < order; ++times)
      for (size_t i = 1; i < words.size(); ++i) words[i] += words[i - 1];
    size_t size = 0;
    const BlockCodec codec = round_trip(words, WordKind::integer, &size);
    CHECK(codec == (order == 1 ? BlockCodec::delta_packed : BlockCodec::differences_packed));
    CHECK(size < (order < 4 ? 200 : 2500));
  }
}

TEST_CASE("BlocksAndChunksOfTheFirstVersionAreRead") {
  std::ifstream file(std::string(AIMLOG_STORE_GOLDEN) + "/chunks_v1.txt");
  std::set<BlockCodec> seen;
  std::string kind, bytes, words;
  size_t count = 0;
  while (file >> kind) {
    if (kind == "block") {
      file >> count >> bytes >> words;
      const Bytes block = from_hex(bytes);
      seen.insert(block_codec(block));
      ByteReader in(block, "block");
      Words values(count);
      read_block(in, values);
      std::string back;
      for (const uint64_t word : values) back += to_hex_number(word);
      CHECK(back == words);
    } else {
      file >> bytes;
      const Bytes chunk = from_hex(bytes);
      const RowGroupReader reader(chunk);
      CHECK(chunk[0] == 1);
      CHECK(reader.steps() == std::vector<int64_t>{0, 10, 20, 30, 40});
      CHECK(reader.epochs()[2] == Number());
      CHECK(reader.column({1, 0}) == std::vector<Number>{Number::of(0.5), Number::of(-0.0),
                                                         Number::of(int64_t{3}), Number(),
                                                         Number::of(true)});
      CHECK(reader.column({2, 1})->back() == Number::of(1e300));
    }
  }
  CHECK(seen.size() == 9);
}

TEST_CASE("FractionsWithExceptionsComeBack") {
  std::mt19937_64 random(8);
  for (const uint64_t below : {3u, 7u, 360u, 60000u, 1048575u, 2000003u}) {
    for (int way = 0; way < 4; ++way) {
      Words words = reals(300, [&](size_t) {
        const auto above = static_cast<double>(random() % (2 * below)) - 5;
        const double wide = above / static_cast<double>(below);
        const float narrow = static_cast<float>(above) / static_cast<float>(below);
        return way == 0   ? wide
               : way == 1 ? double{narrow}
               : way == 2 ? 1 - wide
                          : double{1 - narrow};
      });
      words[17] = std::bit_cast<uint64_t>(-0.0);
      words[100] = 0x7ff0000000000001;
      words[299] = std::bit_cast<uint64_t>(1e300);
      round_trip(words, WordKind::real);
    }
  }
}

TEST_CASE("DecimalsWithExceptionsComeBack") {
  Words words = reals(500, [](size_t i) { return static_cast<double>(i % 97) / 100; });
  words[0] = std::bit_cast<uint64_t>(-0.0);
  words[100] = 0x7ff0000000000001;
  words[499] = std::bit_cast<uint64_t>(1e300);
  CHECK(round_trip(words, WordKind::real) == BlockCodec::decimal);
}

TEST_CASE("AnyColumnComesBackBitForBit") {
  BlockEncoder encoder;
  std::vector<std::vector<Number>> columns = {special_numbers(), std::vector<Number>(9)};
  for (const Number number : special_numbers()) {
    columns.push_back({number});
    columns.push_back({number, number, Number(), number});
    columns.push_back({Number::of(0.5), number});
  }
  for (const std::vector<Number>& column : columns) {
    Bytes bytes;
    append_number_column(bytes, column, encoder);
    ByteReader in(bytes, "column");
    CHECK(read_number_column(in, static_cast<uint32_t>(column.size())) == column);
  }
}

TEST_CASE("RandomRowGroupsComeBackBitForBit") {
  std::mt19937_64 random(3);
  for (const uint32_t rows : {1u, 2u, 3u, 17u, 128u, 500u, 1000u, row_group_rows_max}) {
    const RowGroup group = random_group(random, rows, rows % 2 == 0 ? 8 : 3);
    const Bytes bytes = encode_row_group(group);
    check_equal(RowGroupReader(bytes), group);
  }
}

TEST_CASE("AColumnThatIsNotThereIsNotFound") {
  std::mt19937_64 random(4);
  const Bytes bytes = encode_row_group(random_group(random, 5, 2));
  CHECK_FALSE(RowGroupReader(bytes).column({99, 0}).has_value());
}

TEST_CASE("AnyFlippedByteOfAChunkIsDetected") {
  std::mt19937_64 random(5);
  const RowGroup group = random_group(random, 20, 3);
  const Bytes good = encode_row_group(group);
  const auto read_all = [](ByteView bytes) {
    const RowGroupReader reader(bytes);
    (void)reader.steps();
    (void)reader.times_ns();
    (void)reader.epochs();
    for (const SeriesKey key : reader.keys()) (void)reader.column(key);
  };
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    CHECK_THROWS_AS(read_all(bad), Error);
    CHECK_THROWS_AS(read_all(ByteView(good).substr(0, i)), Error);
  }
  CHECK_THROWS_AS(read_all(good + "x"), Error);
}

TEST_CASE("PartsOfAnotherChunkAreNotTakenForItsOwn") {
  RowGroup group;
  group.first_sequence = group.last_sequence = 1;
  group.steps = group.times_ns = {1, 2};
  group.columns = {{{1, 0}, {Number::of(0.5), Number::of(0.5)}}};
  const Bytes one = encode_row_group(group);
  group.first_sequence = group.last_sequence = 2;
  const Bytes other = encode_row_group(group);
  REQUIRE(one.size() == other.size());
  const size_t head = one.size() - 16;  // within the parts, whose bytes are the same in both
  const Bytes mixed = one.substr(0, head) + other.substr(head);
  const RowGroupReader reader(mixed);
  CHECK_THROWS_AS(reader.column({1, 0}), Error);
}

TEST_CASE("AChunkBelongsToItsKey") {
  const Bytes chunk(100, '\x02');
  const Bytes value = with_checksum(Table::chunks, "a", chunk);
  CHECK(verified(Table::chunks, "a", value, "file") == chunk);
  CHECK_THROWS_AS(verified(Table::chunks, "b", value, "file"), Error);
  CHECK_THROWS_AS(verified(Table::tails, "a", value, "file"), Error);
  const Bytes longer = value.substr(0, 90) + "x" + value.substr(90);
  CHECK_THROWS_AS(verified(Table::chunks, "a", longer, "file"), Error);
}

TEST_CASE("AChunkOfALaterVersionIsRefused") {
  std::mt19937_64 random(6);
  Bytes bytes = encode_row_group(random_group(random, 2, 1));
  bytes[0] = 3;
  try {
    RowGroupReader reader(bytes);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::too_new);
  }
}

TEST_CASE("ChunksAreOrderedByAttemptJournalAndSequence") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  std::mt19937_64 random(7);
  const Bytes bytes = encode_row_group(random_group(random, 2, 1));
  with_write_transaction(*env, [&](WriteTransaction& txn) {
    put_chunk(txn, {1, 2, 1, 5}, bytes);
    put_chunk(txn, {1, 1, 9, 300}, bytes);
    put_chunk(txn, {1, 1, 9, 4}, bytes);
    put_chunk(txn, {2, 1, 1, 1}, bytes);
  });
  std::vector<std::pair<uint32_t, uint64_t>> seen;
  const Transaction txn(*env);
  each_chunk(txn, 1, [&](const ChunkKey& key, ByteView encoded) {
    seen.emplace_back(key.attempt, key.first_sequence);
    CHECK(encoded == bytes);
  });
  CHECK(seen == std::vector<std::pair<uint32_t, uint64_t>>{{1, 4}, {1, 300}, {2, 5}});
}

}  // namespace aimlog::test
