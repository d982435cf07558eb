# SPDX-License-Identifier: Apache-2.0
"""What Python values arrive as at a plugin, bit for bit."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import struct
import types
import uuid

import pytest
from json_lines import double

numpy = pytest.importorskip("numpy")


def double_of_bits(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


FLOAT_BITS = [0, 1 << 63, 1, 0x7FF0 << 48, 0xFFF0 << 48, 0x7FF8 << 48, 0x7FF8 << 48 | 77]
FLOAT_BITS += [0x3FB999999999999A, 0x7FEFFFFFFFFFFFFF, 0x000FFFFFFFFFFFFF]


@pytest.mark.parametrize("bits", FLOAT_BITS)
@pytest.mark.parametrize("make", [float, numpy.float64, lambda x: numpy.array(x), lambda x: [x]])
def test_each_bit_of_a_double_arrives(witness, bits, make):
    told = witness.told(make(double_of_bits(bits)))
    assert (told[1][0] if told[0] == "list" else told) == ("double", bits)


INTEGERS = [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1]


@pytest.mark.parametrize("number", INTEGERS)
def test_integers_of_64_bits_are_exact(witness, number):
    assert witness.told(number) == ("uint64" if number > 2**63 - 1 else "int64", number)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**4000])
def test_longer_integers_are_text_and_counted(witness, number):
    assert witness.text(number) == str(number)
    assert witness.plugin.stats()["ints_as_text"] == 1


def test_an_integer_that_python_refuses_to_write_is_hexadecimal(witness):
    assert witness.text(-(7**8000)) == hex(-(7**8000))


def test_a_huge_integer_is_told_by_its_size(witness):
    assert witness.text(1 << 1_000_000) == "<int> of 1000001 bits"
    assert witness.plugin.stats()["values_capped"] == 1


NUMPY_INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NUMPY_INTEGERS += ["intc", "longlong", "ulonglong", "intp", "uintp"]


@pytest.mark.parametrize("name", NUMPY_INTEGERS)
@pytest.mark.parametrize("wrap", [lambda x: x, numpy.array, lambda x: numpy.array([x])[0]])
def test_numpy_integers_are_exact_at_both_ends(witness, name, wrap):
    kind = getattr(numpy, name)
    for number in (int(numpy.iinfo(kind).min), int(numpy.iinfo(kind).max)):
        told = witness.told(wrap(kind(number)))
        assert told == ("uint64" if number > 2**63 - 1 else "int64", number)


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("wrap", [lambda x: x, numpy.array])
def test_numpy_floats_are_widened_exactly(witness, name, wrap):
    kind = getattr(numpy, name)
    tiny = numpy.finfo(kind).tiny if name != "longdouble" else 1e-300
    for number in (0.1, -0.0, math.inf, -math.inf, 65504, tiny, tiny / 4):
        assert witness.told(wrap(kind(number))) == double(float(kind(number)))
    kind_of_nan, bits = witness.told(wrap(kind(math.nan)))
    assert kind_of_nan == "double" and math.isnan(double_of_bits(bits))


def test_every_half_precision_number_is_exact(witness):
    every = numpy.arange(2**16, dtype=numpy.uint16).view(numpy.float16)
    for part in every[numpy.isfinite(every)].reshape(-1, 992):
        assert witness.told(part) == ("list", [double(float(x)) for x in part])


def test_truth_values_are_truth_values(witness):
    for truth in (True, False):
        for value in (truth, numpy.bool_(truth), numpy.array(truth)):
            assert witness.told(value) == ("bool", truth)


def test_texts_bytes_and_none(witness):
    assert witness.told(None) == ("null", None)
    for text in ("", "loss", "Größe 🎉\0x", numpy.str_("text")):
        assert witness.told(text) == ("string", str(text))
    for data in (b"", b"\0\xff", bytearray(b"ab"), memoryview(b"abc"), numpy.bytes_(b"x")):
        assert witness.told(data) == ("bytes", bytes(data).hex())
    assert witness.told(memoryview(b"abcd")[::2])[0] == "string"


def test_surrogates_do_not_stop_a_text(witness):
    assert witness.text("a\ud800b") == "a\ufffd\ufffd\ufffdb"
    assert witness.text(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\ufffd"
    assert witness.plugin.stats()["texts_repaired"] == 2


def test_containers_nest(witness):
    value = {"a": [1, (2.5, None), {}], "b": {"c": {"d": []}}}
    inner = ("list", [double(2.5), ("null", None)])
    assert witness.told(value) == (
        "map",
        [
            ("a", ("list", [("int64", 1), inner, ("map", [])])),
            ("b", ("map", [("c", ("map", [("d", ("list", []))]))])),
        ],
    )


class Point(collections.namedtuple("Point", "x y")):
    pass


@pytest.mark.parametrize(
    "value",
    [
        collections.OrderedDict(a=1),
        collections.defaultdict(int, a=1),
        collections.Counter(a=1),
        collections.ChainMap({"a": 1}),
        collections.UserDict(a=1),
        types.MappingProxyType({"a": 1}),
    ],
)
def test_every_mapping_is_a_map(witness, value):
    assert witness.told(value) == ("map", [("a", ("int64", 1))])
    assert witness.plugin.trial_result("t", value) == 0
    assert witness.last() == ("map", [("a", ("int64", 1))])


class GivesMore:
    """As a data frame, whose length is that of its columns."""

    def __init__(self, count, failing=False):
        self.count, self.failing = count, failing

    def __len__(self):
        return 2

    def keys(self):
        return [str(i) for i in range(self.count)]

    def __getitem__(self, key):
        return int(key)

    def items(self):
        for key in self.keys():
            yield key, int(key)
        if self.failing:
            raise OSError("it is gone")


def test_a_mapping_may_give_more_than_its_length(witness):
    assert len(witness.told(GivesMore(4))[1]) == 4
    assert witness.plugin.stats()["values_capped"] == 0
    assert len(witness.told(GivesMore(1000))[1]) >= 256
    assert witness.plugin.stats()["values_capped"] == 1


def test_what_a_failing_mapping_did_not_give_is_counted(witness):
    assert len(witness.told(GivesMore(3, failing=True))[1]) == 3
    assert witness.plugin.stats()["values_capped"] == 1


def test_tuples_with_names_are_lists(witness):
    assert witness.told(Point(1, 2)) == ("list", [("int64", 1), ("int64", 2)])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", ">f4", "i1", "<i2", ">i4", "u8", "?"])
def test_small_arrays_are_lists_of_what_they_hold(witness, dtype):
    made = numpy.array([[0, 1, 1], [0, 0, 1]], dtype=dtype)
    for view in (made, made.T, made[:, ::2], made[::-1]):
        told = witness.told(view)
        plain = {"f": double, "i": int, "u": int, "b": bool}[made.dtype.kind]
        for row, expected in zip(told[1], view.tolist(), strict=True):
            values = [item if plain is double else item[1] for item in row[1]]
            assert values == [plain(number) for number in expected]


def test_arrays_of_other_things_are_lists_as_well(witness):
    assert witness.told(numpy.array(["ab", "c"])) == ("list", [("string", "ab"), ("string", "c")])
    assert witness.told(numpy.array([None, 1], dtype=object))[1][1] == ("int64", 1)
    assert witness.told(array.array("h", [-1, 2])) == ("list", [("int64", -1), ("int64", 2)])
    assert witness.told(numpy.array([1 + 2j]))[1] == [("string", "<complex> (1+2j)")]
    assert witness.told(numpy.zeros((0, 3))) == ("list", [])


def test_what_is_masked_is_null(witness):
    masked = numpy.ma.array([1.5, 2.5], mask=[False, True])
    assert witness.told(masked) == ("list", [double(1.5), ("null", None)])
    assert witness.told(numpy.ma.masked) == ("null", None)


def test_large_arrays_are_told_by_their_shape(witness):
    assert witness.told(numpy.zeros(1024))[0] == "list"
    assert witness.text(numpy.zeros((1000, 1000))) == "<numpy.ndarray> shape (1000, 1000)"
    assert witness.text(array.array("d", [0] * 5000)) == "<array.array> length 5000"


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    ADAM = "adam"


class Path:
    def __fspath__(self):
        return "/a/path"


def function():
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Color.RED, "Color.RED"),
        (Word.ADAM, "adam"),
        (pathlib.Path("/tmp/x"), "/tmp/x"),
        (Path(), "/a/path"),
        (decimal.Decimal("1.20"), "1.20"),
        (datetime.datetime(2026, 11, 24, 10, 0), "2026-11-24 10:00:00"),
        (datetime.date(2026, 11, 24), "2026-11-24"),
        (datetime.timedelta(seconds=90), "0:01:30"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (numpy.datetime64("2026-11-24"), "2026-11-24"),
        (numpy.timedelta64(3, "s"), "3 seconds"),
        (1 + 2j, "<complex> (1+2j)"),
        ({1}, "<set> {1}"),
        (range(3), "<range> range(0, 3)"),
        (function, "<function> values_test.function"),
        (Path, "<type> values_test.Path"),
        (object(), "<object>"),
    ],
)
def test_other_objects_are_text(witness, value, text):
    assert witness.text(value) == text
    assert witness.plugin.stats()["objects_as_text"] == (0 if isinstance(value, str) else 1)


def test_numbers_of_ones_own_are_numbers(witness):
    assert witness.told(Level.HIGH) == ("int64", 3)
    assert witness.told(fractions.Fraction(1, 4)) == double(0.25)


class Tensor:
    """As torch's and jax's: item() for one number, tolist() for several."""

    def __init__(self, *values, shape=()):
        self.values, self.shape, self.calls = values, shape, 0

    def item(self):
        self.calls += 1
        (value,) = self.values
        return value

    def tolist(self):
        return list(self.values)

    def __float__(self):
        raise AssertionError("item() is what says which number it is")

    __index__ = __float__


def test_scalars_of_other_libraries_are_asked_once(witness):
    for value, told in ((3, ("int64", 3)), (0.5, double(0.5)), (True, ("bool", True))):
        tensor = Tensor(value)
        assert witness.told(tensor) == told
        assert tensor.calls == 1
    assert witness.told(Tensor(1.0, 2.0, shape=(2,))) == ("list", [double(1.0), double(2.0)])
    assert witness.text(Tensor(shape=(4096,))) == "<values_test.Tensor> shape (4096,)"


class SelfItem(float):
    def item(self):
        raise AssertionError("a float is read directly")


def test_builtin_content_is_read_past_overrides(witness):
    assert witness.told(SelfItem(2.0)) == double(2.0)


def test_keys_that_are_no_text_become_text(witness):
    keys = {True: 0, 2**70: 0, None: 0, (1, 2): 0, 1.5: 0, b"x": 0, Color.RED: 0}
    keys |= {7: 0, -3: 0, numpy.int64(9): 0}
    witness.plugin.trial_result("t", keys)
    assert [key for key, _ in witness.last()[1]] == [str(key) for key in keys]


def test_one_key_of_the_top_level_can_be_left_out(witness):
    result = {"config": {"a": 1}, "x": {"config": 2}, "other": 3}
    for skip, left in (("config", ["x", "other"]), ("x", ["config", "other"]), (None, [*result])):
        witness.plugin.trial_result("t", result, skip=skip)
        assert [key for key, _ in witness.last()[1]] == left


def test_the_order_of_a_dict_is_kept(witness):
    names = [f"metric {i * 7919 % 100}" for i in range(100)]
    witness.plugin.trial_result("t", dict.fromkeys(names, 1.0))
    assert [key for key, _ in witness.last()[1]] == names


def test_a_wrong_expectation_is_noticed(witness):
    with pytest.raises(AssertionError):
        assert witness.told(0.1) == double(0.1 + 2**-54)
    with pytest.raises(AssertionError):
        assert witness.told(numpy.int8(1)) == double(1.0)
