# SPDX-License-Identifier: Apache-2.0
"""Values that hurt: whose own code raises, recurses, lies, or changes what is being read."""


class Boom(Exception):
    def __str__(self):
        raise RuntimeError("the text of the exception fails too")


def boom(*_):
    raise Boom


class Raises:
    """Everything that a host could ask raises."""

    __float__ = __index__ = __int__ = __bool__ = __str__ = __repr__ = __hash__ = boom
    item = tolist = keys = items = __getitem__ = __len__ = __iter__ = __fspath__ = boom
    shape = property(boom)


class RaisesText:
    __str__ = __repr__ = boom


class RaisesHashless(RaisesText):
    __hash__ = object.__hash__


class Recurses:
    def __float__(self):
        return float(self)

    def __str__(self):
        return str(self)

    __repr__ = __str__


class RecursesIndex:
    def __index__(self):
        return self.__index__()


class LyingMapping:
    """Says it has many entries; gives endless ones, none of them a pair."""

    def __len__(self):
        return 10

    def keys(self):
        return iter(())

    def items(self):
        while True:
            yield 1

    def __getitem__(self, key):
        raise KeyError(key)


class EndlessMapping(LyingMapping):
    def items(self):
        while True:
            yield ("key", self)


class NegativeLength(LyingMapping):
    def __len__(self):
        return -1


class LongText:
    def __str__(self):
        return "x" * 10_000_000


class WrongText:
    def __str__(self):
        return 3


class WrongFloat:
    def __float__(self):
        return "1.0"


class BadDict(dict):
    __len__ = __iter__ = __getitem__ = keys = values = items = __contains__ = get = boom


class BadList(list):
    __len__ = __iter__ = __getitem__ = boom


class BadStr(str):
    __str__ = __repr__ = __len__ = encode = __eq__ = boom
    __hash__ = str.__hash__


class BadInt(int):
    __int__ = __index__ = __float__ = __str__ = __repr__ = bit_length = boom


class BadFloat(float):
    __float__ = __str__ = __repr__ = boom


class BadBytes(bytes):
    __len__ = __bytes__ = boom


class Meta(type):
    def __getattribute__(cls, name):
        raise Boom


class WithMeta(metaclass=Meta):
    pass


class ItemIsSelf:
    shape = ()

    def item(self):
        return self

    def __float__(self):
        return 2.0


class ItemIsNew(ItemIsSelf):
    def item(self):
        return type(self)()


class ItemIsMapping(ItemIsSelf):
    def item(self):
        return EndlessMapping()


class HugeShape(ItemIsSelf):
    shape = (2**62, 2**62)

    def tolist(self):
        raise AssertionError("far too many to ask for")


class OddShape(ItemIsSelf):
    shape = ("a", None, -5, Raises())


def cyclic_list():
    made = [1]
    made += [made, {"again": made}]
    return made


def cyclic_dict():
    made = {}
    made["self"] = made
    made["list"] = [made, made]
    return made


def deep(levels, wrap):
    made = 1
    for _ in range(levels):
        made = wrap(made)
    return made


def wide_sharing():
    """2^40 leaves, if one counts them."""
    made = [0.0]
    for _ in range(40):
        made = [made, made]
    return made


class Mutator:
    """Changes its container while that is being read."""

    def __init__(self, change):
        self.change = change

    def __float__(self):
        self.change()
        return 1.0


def growing_dict():
    made = {}

    def grow():
        for i in range(1000):
            made[f"new {len(made)} {i}"] = "text " * 3

    made.update({f"key {i}": Mutator(grow) for i in range(5)})
    return made


def shrinking_dict():
    made = {}
    made.update({"first": Mutator(made.clear)})
    made.update({f"key {i}": "".join(["text", str(i)]) for i in range(50)})
    return made


def rebuilt_dict():
    made = {}

    def rebuild():
        made.clear()
        made.update({"other " + "x" * 50 + str(i): str(i) * 50 for i in range(3)})

    made.update({"a" * 40 + str(i): Mutator(rebuild) for i in range(20)})
    return made


def shrinking_list():
    made = []
    made += ["text" + str(i) for i in range(5)]
    made += [Mutator(made.clear)] + [str(i) for i in range(50)]
    return made


def replacing_list():
    made = []

    def replace():
        made[:] = [object() for _ in range(len(made))]

    made += [Mutator(replace) for _ in range(30)]
    return made


def released_view():
    view = memoryview(b"abc")
    view.release()
    return view


_KINDS = [Raises, RaisesText, Recurses, RecursesIndex, LyingMapping, EndlessMapping]
_KINDS += [NegativeLength, LongText, WrongText, WrongFloat, ItemIsSelf, ItemIsNew]
_KINDS += [ItemIsMapping, HugeShape, OddShape]
_MAKERS = {kind.__name__: kind for kind in _KINDS} | {
    "WithMeta": WithMeta,
    "BadDict": lambda: BadDict(a=1),
    "BadList": lambda: BadList([1, 2]),
    "BadStr": lambda: BadStr("text"),
    "BadInt": lambda: BadInt(7),
    "BadLongInt": lambda: BadInt(2**80),
    "BadFloat": lambda: BadFloat(0.5),
    "BadBytes": lambda: BadBytes(b"ab"),
    "bad keys": lambda: {RaisesHashless(): 1, BadStr("k"): 2, BadInt(3): 3, WithMeta(): 4},
    "class": lambda: Raises,
    "generator": lambda: (i for i in range(3)),
    "lambda": lambda: lambda: None,
    "exception": Boom,
    "type error": lambda: TypeError("x"),
    "huge int": lambda: 1 << 4_000_000,
    "huge key": lambda: {1 << 100_000: 1, "k" * 2_000_000: 2},
    "huge text": lambda: "é" * 3_000_000,
    "surrogates": lambda: "\ud800\udcff" * 1000,
    "cyclic list": cyclic_list,
    "cyclic dict": cyclic_dict,
    "deep list": lambda: deep(500, lambda inner: [inner]),
    "deep dict": lambda: deep(500, lambda inner: {"k": inner}),
    "deep tuple": lambda: deep(100_000, lambda inner: (inner,)),
    "growing dict": growing_dict,
    "shrinking dict": shrinking_dict,
    "rebuilt dict": rebuilt_dict,
    "shrinking list": shrinking_list,
    "replacing list": replacing_list,
    "released": released_view,
}
NAMES = sorted(_MAKERS)


def value(name):
    """A fresh one of that name."""
    return _MAKERS[name]()
