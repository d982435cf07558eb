# SPDX-License-Identifier: Apache-2.0
"""Odd values never raise, never leak, and never change what is recorded beside them."""

import gc
import math
import os
import random
import sys
import tracemalloc
import weakref

import hostile
import pytest
from json_lines import double

NAMES = hostile.NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_hostile_value_is_passed_on_somehow(either, name):
    result = {"before": 1.5, "odd": hostile.value(name), "after": 2.5}
    assert either.trial_result("t", result) == 0
    assert either.trial_start("t", params={"odd": result["odd"]}, config=result) == 0
    assert either.setup(stop=result) in (0, -5)
    assert [*result] == ["before", "odd", "after"]


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_beside_it_arrives(witness, name):
    witness.plugin.trial_result("t", {"a": 1.5, "odd": hostile.value(name), "b": 2})
    told = dict(witness.last()[1])
    assert set(told) == {"a", "odd", "b"}
    assert (told["a"], told["b"]) == (double(1.5), ("int64", 2))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("BadDict", ("map", [("a", ("int64", 1))])),
        ("BadList", ("list", [("int64", 1), ("int64", 2)])),
        ("BadStr", ("string", "text")),
        ("BadInt", ("int64", 7)),
        ("BadLongInt", ("string", str(2**80))),
        ("BadFloat", double(0.5)),
        ("BadBytes", ("bytes", "6162")),
        ("ItemIsSelf", double(2.0)),
        ("ItemIsNew", double(2.0)),
        ("Raises", ("string", "<hostile.Raises> its text raises Boom")),
        ("Recurses", ("string", "<hostile.Recurses> its text raises RecursionError")),
        ("WrongText", ("string", "<hostile.WrongText> its text raises TypeError")),
        ("HugeShape", ("string", f"<hostile.HugeShape> shape ({2**62}, {2**62})")),
        ("released", ("string", "<memoryview> <released memory>")),
    ],
)
def test_what_it_is_told_as(witness, name, told):
    kind, content = witness.told(hostile.value(name))
    if name == "released":
        content = content[:29] + ">"
    assert (kind, content) == told


def test_cycles_and_depth_are_capped(witness):
    told = witness.told(hostile.cyclic_list())
    cycle = ("string", "<list> a part of itself")
    assert told == ("list", [("int64", 1), cycle, ("map", [("again", cycle)])])
    told = witness.told(hostile.deep(500, lambda inner: [inner]))
    levels = 1  # the result itself
    while told[0] == "list":
        levels, told = levels + 1, told[1][0]
    assert (levels, told) == (64, ("string", "<list> nested too deep"))
    assert witness.plugin.stats()["values_capped"] == 3


def test_shared_parts_end_at_the_most_nodes_of_a_tree(witness):
    assert witness.plugin.trial_result("t", {"wide": hostile.wide_sharing()}) == 0
    assert witness.plugin.stats()["values_capped"] > 0
    assert os.path.getsize(witness.path) < 20_000_000


def test_long_texts_of_objects_are_cut(witness):
    text = witness.text(hostile.LongText())
    assert len(text) < 1100 and text.endswith("x...")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_out_of_a_value_is_raised_once_all_is_recorded(witness, kind):
    class Interrupted:
        def __float__(self):
            raise kind

    for _ in range(2):
        with pytest.raises(kind):
            witness.plugin.trial_result("t", {"a": Interrupted(), "b": 1.0})
        assert dict(witness.last()[1])["b"] == double(1.0)
    assert witness.plugin.trial_result("t", {"b": 1.0}) == 0


def test_a_value_may_call_the_same_plugin(witness):
    class Calls:
        def __float__(self):
            assert witness.plugin.trial_result("t", {"inner": [1.0] * 50, "text": "x" * 9}) == 0
            return 3.0

    witness.plugin.trial_result("t", {"a": "y" * 9, "v": Calls(), "w": "z" * 9})
    inner, outer = witness.lines()[-2:]
    assert inner["result"] == {"inner": [1.0] * 50, "text": "x" * 9}
    assert outer["result"] == {"a": "y" * 9, "v": 3.0, "w": "z" * 9}


def test_a_value_may_close_the_plugin(witness):
    class Closes:
        def __float__(self):
            witness.plugin.close()
            return 3.0

    with pytest.raises(ValueError, match="closed"):
        witness.plugin.trial_result("t", {"v": Closes()})


# ---- Nothing leaks ----


def grown_blocks(call, repetitions):
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(repetitions):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before


ENOUGH = 40  # blocks; fewer than one for each two calls are no leak


def blocks_after(call, repetitions):
    """How many blocks of Python's memory more there are after so many calls. The interpreter itself
    takes some when code becomes warm, so up to three times are tried."""
    for _ in range(3):
        grown = grown_blocks(call, repetitions)
        if grown < ENOUGH:
            break
    return grown


SLOW = ["deep tuple", "huge key", "huge text", "huge int", "LongText"]
SLOW += ["Recurses", "RecursesIndex"]


# The one that grows for ever does so without us; it comes below.
@pytest.mark.parametrize("name", [*sorted({*NAMES} - {"growing dict"}), "plain"])
def test_no_value_leaks(either, name):
    plain = {"a": 1.5, "b": ["x", None], "c": 2**70, 4: (1, 2)}
    value = plain if name == "plain" else hostile.value(name)
    repetitions = 80 if name not in SLOW else 20
    allowed = ENOUGH if name not in SLOW else 15
    grown = blocks_after(lambda: either.trial_result("t", {"v": value}), repetitions)
    assert grown < allowed


@pytest.mark.parametrize("changed", ["growing", "shrinking", "rebuilt"])
def test_dicts_that_change_leak_nothing(either, changed):
    make = getattr(hostile, changed + "_dict")
    assert blocks_after(lambda: either.trial_result("t", {"v": make()}), 80) < ENOUGH


def test_a_leak_is_noticed(either):
    kept = []
    assert blocks_after(lambda: kept.append([object() for _ in range(3)]), 100) > 100


def test_references_are_given_back(either):
    class Weak:
        pass

    keys = {f"key {i}": float(i) for i in range(20)}
    odd = [Weak(), "text".join("ab"), b"bytes" * 3, {"k": 1}, (1.5,), 10**30]
    counted = [keys, *keys, *keys.values(), *odd]
    before = [sys.getrefcount(value) for value in counted]
    for _ in range(100):
        either.trial_result("t", {**keys, "odd": odd, "all": keys})
        either.trial_start("t", params=keys, config={"odd": odd})
    assert [sys.getrefcount(value) for value in counted] == before
    gone = weakref.ref(odd[0])
    del odd, counted
    gc.collect()
    assert gone() is None


def test_a_program_that_makes_types_for_ever_keeps_few(either):
    made = []
    for i in range(1000):
        kind = type(f"Kind{i}", (), {"__float__": lambda self: 1.0})
        either.trial_result("t", {"v": kind()})
        made.append(weakref.ref(kind))
        del kind
    gc.collect()
    assert sum(kind() is not None for kind in made) <= 130


def test_a_warm_result_allocates_nothing(either):
    numpy = pytest.importorskip("numpy")
    result = {f"m{i}": numpy.float32(i) for i in range(10)} | {"s": "text", 3: 1.5, "é": [1, 2.0]}
    for _ in range(100):
        either.trial_result("t", result)
    tracemalloc.start()
    try:
        either.trial_result("t", result)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(10):
            either.trial_result("t", result)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 500
    # One number of NumPy's at a time, and the loop's own.
    assert peak - before < 700


# ---- Anything at all ----


def odd_value(chance, depth=0):
    simple = [
        lambda: chance.random(),
        lambda: chance.choice([math.nan, math.inf, -0.0, 5e-324]),
        lambda: chance.randint(-(2 ** chance.randint(1, 90)), 2 ** chance.randint(1, 90)),
        lambda: chance.choice([None, True, False, "", "text", "ü🎉", "\ud83d", b"\xff", 1j, ...]),
        lambda: "".join(chr(chance.randint(0, 0x10FFFF)) for _ in range(chance.randint(0, 9))),
        lambda: chance.choice([object, object(), len, Exception("x"), {1, 2}, range(3)]),
        lambda: POOL[chance.choice(QUICK)],
    ]
    nested = [
        lambda: [odd_value(chance, depth + 1) for _ in range(chance.randint(0, 4))],
        lambda: tuple(odd_value(chance, depth + 1) for _ in range(chance.randint(0, 4))),
        lambda: {odd_key(chance): odd_value(chance, depth + 1) for _ in range(3)},
    ]
    return chance.choice(simple + nested if depth < 4 else simple)()


QUICK = ["Raises", "RaisesText", "LyingMapping", "EndlessMapping", "WrongFloat", "ItemIsSelf"]
QUICK += ["BadDict", "BadList", "BadStr", "BadInt", "cyclic list", "rebuilt dict", "OddShape"]
POOL = {name: hostile.value(name) for name in QUICK}


def odd_key(chance):
    texts = ["k", "a/b", "", "ü", "\ud800", "config"]
    return chance.choice([*texts, 1, -5, 2.5, None, (1, 2), b"x", 2**70])


def test_ten_thousand_odd_results(either):
    chance = random.Random(20261124)
    count = 10_000
    made = [{odd_key(chance): odd_value(chance) for _ in range(4)} for _ in range(1_000)]
    for i in range(count):
        assert either.trial_result(f"t{i % 7}", made[i % len(made)]) in (0, 1)
    assert either.stats()["health"] in (0, 1)
    assert either.stats()["results"] >= count - either.stats()["events_dropped"]
