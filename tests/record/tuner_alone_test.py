#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example tuner by itself and with the JSON-lines plugin: what it tells, and how it ends.

usage: tuner_alone_test.py TUNER JSONL_PLUGIN [TEST...]
"""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

TUNER, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
README = os.path.join(os.path.dirname(__file__), "../../host-example/README.md")
SCHEDULERS = ("random", "asha", "pbt")
# In memory where that is possible: the tuner waits for the disk at each save of its state.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Job:
    """A directory in which the tuner runs, and what its plugin wrote there."""

    def __init__(self, root, name):
        self.directory = os.path.join(root, name)
        os.mkdir(self.directory)

    def config(self, record):
        name = record + ".conf"
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write("path: %s.jsonl\n" % record)
        return name

    def with_plugin(self, record="record"):
        return ["--plugin", PLUGIN, "--config", self.config(record)]

    def start(self, *options):
        return subprocess.Popen(
            [TUNER, "--job-dir", "job", *map(str, options)],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options, expect=0):
        process = self.start(*options)
        out, err = process.communicate(timeout=60)
        assert process.returncode == expect, (process.returncode, out, err)
        return out, err

    def raw(self, record="record"):
        with open(os.path.join(self.directory, record + ".jsonl"), "rb") as file:
            return file.read()

    def events(self, record="record"):
        return [json.loads(line) for line in self.raw(record).splitlines()]

    def wait_for_results(self, count, process):
        path = os.path.join(self.directory, "record.jsonl")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert process.poll() is None, process.communicate()
            if os.path.exists(path) and self.raw().count(b'"trial_result"') >= count:
                return
            time.sleep(0.01)
        raise AssertionError("the tuner reports nothing")

    def path(self, *names):
        return os.path.join(self.directory, *names)


def of_kind(events, *kinds):
    return [event for event in events if event["event"] in kinds]


def without_seq(events):
    """What was told, whatever the plugin's own numbering; its setup is not the job's."""
    return [
        {key: value for key, value in event.items() if key != "seq"}
        for event in events
        if event["event"] != "setup"
    ]


def acknowledged(path):
    """The records of an ack file; the layout is in host-example/ack_file.h."""
    with open(path, "rb") as file:
        header = file.read(64)
        magic, version, size, count = struct.unpack_from("<8sIIQ", header)
        assert (magic, version, size) == (b"TUNERACK", 1, 64)
        return [struct.unpack("<24sIIqQIIq", file.read(size)) for _ in range(count)]


def missing_acknowledged(records, events):
    """Acknowledged results that the JSON lines do not have."""
    told = set()
    for event in of_kind(events, "trial_result"):
        result = event["result"]
        loss = result["loss"]
        if isinstance(loss, dict):
            bits = int(loss["bits"], 16)
        else:
            (bits,) = struct.unpack("<Q", struct.pack("<d", loss))
        subset = ("train", "val").index(result["context"]["subset"])
        step = result["training_iteration"]
        told.add((event["trial_id"], subset, step, bits, event["time_ns"]))
    missing = []
    for trial, _, subset, step, bits, _, _, time_ns in records:
        key = (trial.rstrip(b"\0").decode(), subset, step, bits, time_ns)
        if key not in told:
            missing.append(key)
    return missing


def runs_without_a_plugin(root):
    for scheduler in SCHEDULERS:
        out, _ = Job(root, scheduler).run("--scheduler", scheduler, "--samples", 6, "--epochs", 6)
        assert "6 trials: " in out and "trial_0000" in out, out
    out, err = Job(root, "quiet").run("--samples", 1, "--epochs", 1, "--quiet")
    assert out == err == "", (out, err)


def same_seed_tells_the_same(root):
    for scheduler in SCHEDULERS:
        jobs = [Job(root, "%s-%d" % (scheduler, i)) for i in range(3)]
        for job, seed in zip(jobs, (5, 5, 6)):
            options = ["--fixed-clock", "--scheduler", scheduler, "--seed", seed, "--workers", 3]
            options += ["--samples", 8, "--epochs", 6, "--fail-rate", 0.3]
            job.run(*options, *job.with_plugin())
        records = [job.raw() for job in jobs]
        assert records[0] == records[1], scheduler
        assert records[0] != records[2], "the comparison sees no difference between seeds"


def results_have_what_they_promise(root):
    job = Job(root, "job")
    job.run("--samples", 6, *job.with_plugin())
    events = job.events()
    results = of_kind(events, "trial_result")
    assert len(results) == 6 * 12 * 2, len(results)
    train, val = (results[i]["result"] for i in (0, 1))
    assert (train["context"], val["context"]) == ({"subset": "train"}, {"subset": "val"})
    assert set(val["recall"]) == set("0123456789")
    assert isinstance(train["samples_seen"], int) and train["done"] is False
    assert train["batches_seen"].keys() == {"$uint64"} and isinstance(train["note"], str)
    assert [event["result"]["done"] for event in results].count(True) == 12
    starts = of_kind(events, "trial_start")
    assert len({event["params"]["learning_rate"] for event in starts}) == 6
    assert starts[0]["params"].items() < starts[0]["config"].items()
    accuracy = max(event["result"]["accuracy"] for event in results)
    assert accuracy > 0.9, accuracy


def every_trial_ends_once(root):
    for scheduler, seed in (("random", 1), ("asha", 2), ("pbt", 3)):
        job = Job(root, scheduler)
        options = ["--scheduler", scheduler, "--seed", seed, "--samples", 10, "--fail-rate", 0.7]
        job.run(*options, *job.with_plugin())
        events = job.events()
        ends = of_kind(events, "trial_complete", "trial_error")
        assert len({event["trial_id"] for event in ends}) == len(ends) == 10, scheduler
        assert of_kind(events, "trial_recover"), scheduler
        # Under ASHA few starts live long enough to fail three times.
        assert of_kind(events, "trial_error") or scheduler == "asha", scheduler
        assert {event["failure_count"] for event in of_kind(events, "trial_error")} <= {3}
        for trial in {event["trial_id"] for event in events if "trial_id" in event}:
            own = [event for event in events if event.get("trial_id") == trial]
            attempts = [event["attempt"] for event in of_kind(own, "trial_start")]
            assert attempts == sorted(set(attempts)), (scheduler, trial, attempts)
        assert events[-1]["event"] == "experiment_end" and events[-1]["interrupted"] == 0


def asha_pauses_and_stops(root):
    job = Job(root, "job")
    job.run("--scheduler", "asha", "--samples", 12, *job.with_plugin())
    events = job.events()
    statuses = [event["status"] for event in of_kind(events, "trial_complete")]
    assert statuses.count(6) >= 8 and statuses.count(4) >= 1, statuses
    assert of_kind(events, "trial_pause") and of_kind(events, "trial_restore")


def pbt_changes_params_and_goes_back(root):
    changed = went_back = False
    # With a place for each trial nobody pauses; with fewer, they take turns.
    for workers in (8, 2):
        job = Job(root, "workers-%d" % workers)
        job.run("--scheduler", "pbt", "--samples", 8, "--workers", workers, *job.with_plugin())
        events = job.events()
        assert bool(of_kind(events, "trial_pause")) == (workers == 2)
        for trial in {event["trial_id"] for event in of_kind(events, "trial_start")}:
            own = [event for event in events if event.get("trial_id") == trial]
            rates = [e["params"]["learning_rate"] for e in of_kind(own, "trial_start")]
            changed |= len(set(rates)) > 1
            steps = [e["result"]["training_iteration"] for e in of_kind(own, "trial_result")]
            went_back |= steps != sorted(steps)
    assert changed and went_back


def a_signal_ends_the_job_in_order(root):
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        job = Job(root, "signal-%d" % number)
        process = job.start("--samples", 6, "--throttle-ms", 20, *job.with_plugin())
        job.wait_for_results(10, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code, (process.returncode, out, err)
        events = job.events()
        assert events[-1]["event"] == "experiment_end" and events[-1]["interrupted"] == 1
        job.run("--resume", *job.with_plugin())
        setups = of_kind(job.events(), "setup")
        assert [setup["resumed"] for setup in setups] == [0, 1]
        assert setups[0]["job_id"] == setups[1]["job_id"]
        ends = of_kind(job.events(), "trial_complete")
        assert len({event["trial_id"] for event in ends}) == 6


def a_second_signal_ends_it_at_once(root):
    job = Job(root, "job")
    process = job.start("--samples", 6, "--throttle-ms", 20, *job.with_plugin())
    job.wait_for_results(4, process)
    # Both wait for the process while it is stopped.
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode in (130, 143), process.returncode
    assert not of_kind(job.events(), "experiment_end")


def a_killed_job_goes_on(root):
    for scheduler in SCHEDULERS:
        job = Job(root, scheduler)
        options = ["--samples", 8, "--scheduler", scheduler, "--ack-file", "acks"]
        process = job.start(*options, "--throttle-ms", 30, *job.with_plugin())
        job.wait_for_results(40, process)
        process.kill()
        process.communicate()
        before = job.events()
        job.run("--resume", "--ack-file", "acks", *job.with_plugin())
        events = job.events()
        assert [event["resumed"] for event in of_kind(events, "setup")] == [0, 1]
        assert len({event["job_id"] for event in of_kind(events, "setup")}) == 1
        ended = {event["trial_id"] for event in of_kind(events, "trial_complete")}
        assert ended == {"trial_%05d" % i for i in range(8)}, ended
        starts = of_kind(events, "trial_start")
        told = [(event["trial_id"], event["attempt"]) for event in starts]
        assert len(told) == len(set(told)), "an attempt number came twice"
        records = acknowledged(job.path("acks"))
        assert {record[6] for record in records} == {0, 1}
        assert len(records) == len(of_kind(events, "trial_result"))
        assert missing_acknowledged(records, events) == []
        assert missing_acknowledged(records, before[:-5]) != [], "a loss would not be seen"


def a_lost_state_does_not_stop_the_job(root):
    for name, damage in (("gone", None), ("cut", 100)):
        job = Job(root, name)
        job.run("--samples", 4, "--stop-after", 0.05, "--throttle-ms", 5, *job.with_plugin())
        for state in ("job.state", "plugin-0.state"):
            if damage is None:
                os.remove(job.path("job", state))
            else:
                os.truncate(job.path("job", state), min(damage, 3))
        _, err = job.run("--resume", "--samples", 4, *job.with_plugin())
        assert "begin again" in err and "without its saved state" in err, err
        setup = of_kind(job.events(), "setup")[-1]
        assert setup["resumed"] == 1 and "job_id" not in setup, setup
    job = Job(root, "plugin-only")
    job.run("--samples", 4, "--stop-after", 0.05, "--throttle-ms", 5, *job.with_plugin())
    os.truncate(job.path("job", "plugin-0.state"), 3)
    _, err = job.run("--resume", *job.with_plugin())
    assert "begin again" not in err and "without its saved state" in err, err
    assert len({setup["job_id"] for setup in of_kind(job.events(), "setup")}) == 1


def a_job_that_cannot_be_saved_goes_on(root):
    job = Job(root, "job")
    process = job.start("--samples", 4, "--throttle-ms", 20, *job.with_plugin())
    job.wait_for_results(10, process)
    os.rename(job.path("job"), job.path("moved"))
    with open(job.path("job"), "w", encoding="utf-8"):
        pass  # a file where the directory was: nothing can be saved below it
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err.count("could not be saved") == 1, err
    assert len(of_kind(job.events(), "trial_complete")) == 4


def plugins_are_told_the_same_and_swapped_in_mid_job(root):
    options = ["--fixed-clock", "--samples", 5, "--scheduler", "pbt", "--fail-rate", 0.3]
    whole = Job(root, "whole")
    whole.run(*options, *whole.with_plugin())
    both = Job(root, "both")
    both.run(*options, *both.with_plugin("a"), *both.with_plugin("b"))
    assert both.raw("a") == both.raw("b") == whole.raw()
    swapped = Job(root, "swapped")
    swap = ["--swap-after", 41, "--swap-to", "%s,%s" % (PLUGIN, swapped.config("second"))]
    swapped.run(*options, *swapped.with_plugin(), *swap)
    first, second = swapped.events(), swapped.events("second")
    assert len(of_kind(first, "trial_result")) == 41
    assert second[0]["event"] == "setup" and second[0]["resumed"] == 1
    assert without_seq(first + second) == without_seq(whole.events())
    assert without_seq(first[:-1] + second) != without_seq(whole.events())


def wrong_usage_is_told(root):
    job = Job(root, "job")
    for options, text in (
        (["--sample", 3], "--sample"),
        (["--samples", 0], "1 to 1e+06"),
        (["--samples", "3x"], "3x"),
        (["--scheduler", "grid"], "random, asha or pbt"),
        (["--config", "x"], "--plugin"),
        (["--swap-after", 3], "--swap-to"),
        (["--seed"], "needs a value"),
    ):
        _, err = job.run(*options, expect=2)
        assert text in err, (options, err)
    out, _ = job.run("--help")
    assert "--swap-to" in out
    for options, text in (
        (["--plugin", "nowhere.so"], "nowhere.so"),
        (["--plugin", PLUGIN, "--config", "nowhere.conf"], "nowhere.conf"),
        (["--data", "nowhere.csv"], "nowhere.csv"),
    ):
        _, err = job.run(*options, expect=1)
        assert text in err, (options, err)


def the_page_names_every_option(root):
    out, _ = Job(root, "job").run("--help")
    options = set(re.findall(r"^  (--[a-z-]+)", out, re.MULTILINE))
    with open(README, encoding="utf-8") as file:
        page = file.read()
    named = set(re.findall(r"`(--[a-z-]+)", page.split("## Options")[1]))
    assert len(options) > 20 and options == named, options ^ named


def main():
    tests = (
        runs_without_a_plugin,
        same_seed_tells_the_same,
        results_have_what_they_promise,
        every_trial_ends_once,
        asha_pauses_and_stops,
        pbt_changes_params_and_goes_back,
        a_signal_ends_the_job_in_order,
        a_second_signal_ends_it_at_once,
        a_killed_job_goes_on,
        a_lost_state_does_not_stop_the_job,
        a_job_that_cannot_be_saved_goes_on,
        plugins_are_told_the_same_and_swapped_in_mid_job,
        wrong_usage_is_told,
        the_page_names_every_option,
    )
    chosen = [test for test in tests if test.__name__ in sys.argv[3:]] or tests
    failed = 0
    for test in chosen:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tuner_alone_", dir=SCRATCH) as root:
            try:
                test(root)
                result = "ok"
            except Exception:  # the report goes on with the next test
                traceback.print_exc()
                result = "FAILED"
                failed += 1
        print("%-6s %5.1f s  %s" % (result, time.monotonic() - begin, test.__name__), flush=True)
    print("%d passed, %d failed" % (len(chosen) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
