# SPDX-License-Identifier: Apache-2.0
"""A host in Python: loads a plugin and calls its hooks, so that tests can tell it anything."""

import ctypes as c
import struct

STATUSES = {0: "ok", 1: "dropped", 2: "not durable", -2: "invalid argument", -5: "wrong state"}
STATUSES |= {-4: "invalid config", -6: "invalid state", -7: "io error"}


class U64(int):
    """An integer to be told as unsigned."""


class Bits(int):
    """A double by its bits."""


class Pairs(list):
    """A map by its entries, so that a key may come twice."""


class Tag(int):
    """A value of a tag that nobody knows."""


class String(c.Structure):
    _fields_ = [("data", c.c_char_p), ("length", c.c_uint64)]


class Value(c.Structure):
    _fields_ = [("tag", c.c_int32), ("reserved", c.c_uint32), ("a", c.c_uint64), ("b", c.c_uint64)]


class Entry(c.Structure):
    _fields_ = [("key", String), ("value", Value)]


class Error(c.Structure):
    _fields_ = [("size", c.c_uint32), ("capacity", c.c_uint32), ("text", c.c_void_p)]
    _fields_ += [("length", c.c_uint32), ("full_length", c.c_uint32)]


def struct_of(name, fields):
    """A growable struct; `fields` as "type:name", the size and a word behind it come first."""
    types = {"s": String, "i64": c.c_int64, "u64": c.c_uint64, "i32": c.c_int32, "u32": c.c_uint32}
    types |= {"f64": c.c_double, "p": c.c_void_p}
    pairs = [field.split(":") for field in ("u32:size " + fields).split()]
    return type(name, (c.Structure,), {"_fields_": [(name, types[kind]) for kind, name in pairs]})


TRIAL = "u64:trial_key i64:time_ns s:trial_id"
Setup = struct_of(
    "Setup",
    "i32:resumed s:job_id s:experiment_name s:experiment_dir s:host_name s:host_version"
    " s:metric_namespace p:reserved_keys u64:reserved_key_count p:stop i64:num_samples"
    " i64:total_num_samples f64:time_budget_s s:metric s:mode",
)
Trial = struct_of(
    "Trial",
    "i32:status s:id s:name s:trainable_name s:experiment_tag s:local_dir s:remote_dir s:node_ip"
    " i64:pid u32:failure_count u32:attempt p:params p:config",
)
Start = struct_of("Start", "u32:r u64:trial_key i64:time_ns p:trial s:checkpoint_path")
Result = struct_of("Result", f"u32:r {TRIAL} p:result")
Checkpoint = struct_of("Checkpoint", f"i32:has_step {TRIAL} s:path i64:step")
End = struct_of("End", f"i32:status {TRIAL}")
Failure = struct_of("Failure", f"u32:failure_count {TRIAL} s:error_text")
ExperimentEnd = struct_of("ExperimentEnd", "i32:interrupted i64:time_ns")
Step = struct_of("Step", "u32:r i64:iteration")
Flush = struct_of("Flush", "u32:timeout_ms")
Stream = struct_of("Stream", "u32:r p:stream_data p:function")
CreateArgs = struct_of(
    "CreateArgs", "u32:r s:config_path s:config_text s:base_dir p:settings u64:count p:host"
)
EntryArgs = struct_of("EntryArgs", "u32:low u32:high u32:a u32:b u32:chosen s:host_name p:error")
STATS = "events results points events_dropped events_lost values_skipped values_cut texts_repaired"
STATS += " keys_duplicated commits commit_errors events_pending pending_age_ms waits wait_ns_max"
STATS += " journal_bytes journal_used_bytes"
Stats = struct_of(
    "Stats", "i32:health " + " ".join("u64:" + name for name in STATS.split()) + " p:message"
)
SLOTS = "create destroy setup on_step_begin on_step_end on_trial_start on_trial_restore"
SLOTS += " on_trial_save on_trial_result on_trial_complete on_trial_recover on_trial_error"
SLOTS += " on_trial_pause on_checkpoint on_experiment_end get_state set_state flush get_stats"
Table = struct_of(
    "Table",
    "u32:flags u32:abi_min u32:abi_max p:name p:version "
    + " ".join("p:" + name for name in SLOTS.split()),
)
HOOK = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.POINTER(Error))
STREAM = c.CFUNCTYPE(c.c_int64, c.c_void_p, c.c_void_p, c.c_uint64)


class Tree:
    """Values as the contract has them; keeps alive what they point to."""

    def __init__(self):
        self.kept = []

    def string(self, text):
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.kept.append(data)
        return String(data, len(data))

    def value(self, value):
        if value is None:
            return Value(0)
        if isinstance(value, Tag):
            return Value(int(value))
        if isinstance(value, bool):
            return Value(1, 0, int(value))
        if isinstance(value, U64):
            return Value(3, 0, int(value))
        if isinstance(value, Bits):
            return Value(4, 0, int(value))
        if isinstance(value, int):
            return Value(2, 0, value & (2**64 - 1))
        if isinstance(value, float):
            return Value(4, 0, struct.unpack("<Q", struct.pack("<d", value))[0])
        if isinstance(value, (str, bytes)):
            text = self.string(value)
            address = c.cast(c.c_char_p(self.kept[-1]), c.c_void_p).value
            return Value(5 if isinstance(value, str) else 6, 0, address, text.length)
        if isinstance(value, (dict, Pairs)):
            pairs = list(value.items()) if isinstance(value, dict) else value
            items = (Entry * len(pairs))(*[(self.string(k), self.value(v)) for k, v in pairs])
            return self.container(8, items, len(pairs))
        return self.container(7, (Value * len(value))(*map(self.value, value)), len(value))

    def container(self, tag, items, count):
        self.kept.append(items)
        return Value(tag, 0, c.addressof(items) if count else 0, count)

    def address(self, value):
        node = self.value(value)
        self.kept.append(node)
        return c.addressof(node)

    def fill(self, kind, fields):
        """A struct of `kind`; texts, and trees behind pointers, are given as Python values."""
        made = kind(size=c.sizeof(kind))
        types = dict(kind._fields_)
        for name, value in fields.items():
            if types[name] is String:
                value = self.string(value)
            elif types[name] is c.c_void_p and value is not None and not isinstance(value, int):
                value = self.address(value)
            setattr(made, name, value)
        return made


class CreateError(Exception):
    """What create said: its status as a word, and its text."""


class Plugin:
    """One instance. Each hook returns its status as a word."""

    def __init__(self, library, config_text="", base_dir="", config_path="", settings=()):
        entry = c.CDLL(library).tuner_plugin_entry
        entry.restype = c.POINTER(Table)
        entry.argtypes = [c.c_void_p]
        args = EntryArgs(size=c.sizeof(EntryArgs), low=1, high=1)
        self.table = entry(c.addressof(args)).contents
        self.buffer = c.create_string_buffer(4096)
        self.text = Error(c.sizeof(Error), len(self.buffer), c.addressof(self.buffer))
        tree = Tree()
        create = tree.fill(CreateArgs, {"config_text": config_text, "base_dir": base_dir})
        create.config_path = tree.string(config_path)
        pairs = [(tree.string(key), tree.string(value)) for key, value in settings]
        array = (String * (2 * len(pairs)))(*[text for pair in pairs for text in pair])
        create.settings, create.count = c.addressof(array), len(pairs)
        self.instance = c.c_void_p()
        status = self.raw("create", c.addressof(create), c.addressof(self.instance), first=True)
        if status != "ok":
            raise CreateError(status, self.error())
        self.time_ns = 1000

    def error(self):
        return self.buffer.raw[: self.text.length].decode()

    def raw(self, slot, argument, out=None, first=False):
        hook = HOOK(getattr(self.table, slot))
        first_argument = argument if first else self.instance
        status = hook(first_argument, out if first else argument, c.byref(self.text))
        return STATUSES.get(status, status)

    def call(self, slot, kind, **fields):
        tree = Tree()
        if "time_ns" in dict(kind._fields_) and "time_ns" not in fields:
            self.time_ns += 1000
            fields["time_ns"] = self.time_ns
        event = tree.fill(kind, fields)
        return self.raw(slot, c.addressof(event))

    # ---- hooks
    def setup(self, reserved=(), **fields):
        tree = Tree()
        keys = (String * len(reserved))(*map(tree.string, reserved))
        fields |= {"reserved_keys": c.addressof(keys), "reserved_key_count": len(reserved)}
        event = tree.fill(Setup, fields)
        return self.raw("setup", c.addressof(event))

    def start(self, trial="t", slot="on_trial_start", checkpoint="", **fields):
        tree = Tree()
        told = tree.fill(Trial, {"id": trial, **fields})
        tree.kept.append(told)
        return self.call(slot, Start, trial=c.addressof(told), checkpoint_path=checkpoint)

    def restore(self, trial="t", **fields):
        return self.start(trial, "on_trial_restore", **fields)

    def result(self, result, trial="t", **fields):
        return self.call("on_trial_result", Result, trial_id=trial, result=result, **fields)

    def complete(self, trial="t", status=0):
        return self.call("on_trial_complete", End, trial_id=trial, status=status)

    def pause(self, trial="t"):
        return self.call("on_trial_pause", End, trial_id=trial, status=3)

    def recover(self, trial="t", text="", count=0):
        fields = {"trial_id": trial, "error_text": text, "failure_count": count}
        return self.call("on_trial_recover", Failure, **fields)

    def fail(self, trial="t", text="", count=0):
        fields = {"trial_id": trial, "error_text": text, "failure_count": count}
        return self.call("on_trial_error", Failure, **fields)

    def checkpoint(self, trial="t", slot="on_checkpoint", **fields):
        return self.call(slot, Checkpoint, trial_id=trial, **fields)

    def end(self, interrupted=0):
        return self.call("on_experiment_end", ExperimentEnd, interrupted=interrupted)

    def flush(self):
        return self.call("flush", Flush)

    def stats(self):
        stats = Stats(size=c.sizeof(Stats))
        assert self.raw("get_stats", c.addressof(stats)) == "ok"
        return {name: getattr(stats, name) for name in ["health", *STATS.split()]}

    def get_state(self):
        state = bytearray()

        def write(_, data, count):
            state.extend(c.string_at(data, count))
            return count

        function = STREAM(write)
        pointer = c.cast(function, c.c_void_p).value
        return self.call("get_state", Stream, function=pointer), bytes(state)

    def set_state(self, state):
        left = [state]

        def read(_, data, capacity):
            piece, left[0] = left[0][:capacity], left[0][capacity:]
            c.memmove(data, piece, len(piece))
            return len(piece)

        function = STREAM(read)
        return self.call("set_state", Stream, function=c.cast(function, c.c_void_p).value)

    def destroy(self):
        hook = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(Error))(self.table.destroy)
        status = STATUSES.get(hook(self.instance, c.byref(self.text)))
        self.instance = None
        return status
