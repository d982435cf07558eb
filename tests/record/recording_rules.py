# SPDX-License-Identifier: Apache-2.0
"""What a recorder must have recorded of a job, worked out from the job's JSON lines.

Shares no code with the plugin: the rules are those of the project's documentation, written down a
second time. Values are as in json_lines.py.
"""

import math

from json_lines import from_line, number_of

ANY = "any"  # equals everything: what nobody but the recorder can know
STATUS = {0: "completed", 4: "completed", 6: "stopped"}
OPEN = ("pending", "running", "paused")


class Attempt:
    def __init__(self, time_ns):
        self.status, self.started_ns, self.ended_ns = "running", time_ns, None
        self.results, self.host_attempt, self.restored, self.pid = 0, 0, False, 0
        self.node_ip = self.checkpoint_path = self.error = None

    def end(self, status, time_ns):
        self.status, self.ended_ns = status, time_ns


class Run:
    def __init__(self, trial_id, time_ns):
        self.texts = {"trial_id": trial_id}
        self.status, self.created_ns, self.ended_ns = "pending", time_ns, None
        self.failures, self.error, self.settled = 0, None, False
        self.attempts, self.history, self.checkpoints = [], [], []
        self.series, self.objects = {}, {}

    @property
    def attempt(self):
        return self.attempts[-1] if self.attempts else None

    def begin(self, time_ns):
        if self.attempt and self.attempt.status in ("running", "paused"):
            paused = self.attempt.status == "paused"
            self.attempt.end("paused" if paused else "stopped", time_ns)
        self.attempts.append(Attempt(time_ns))
        self.status, self.ended_ns, self.settled = "running", None, False

    def end(self, status, time_ns):
        if self.attempt and self.attempt.status == "running":
            self.attempt.end(status, time_ns)
        self.status, self.ended_ns = status, time_ns


class Job:
    """Takes a job's events one after the other."""

    def __init__(self):
        self.runs, self.setup = {}, {}
        self.ended_ns, self.interrupted = None, False

    def take(self, events):
        for event in events:
            name = event["event"]
            if name == "setup":
                self.setup = event
            elif name == "experiment_end":
                self.ended_ns, self.interrupted = event["time_ns"], bool(event["interrupted"])
                self.close(event["time_ns"])
            elif "trial_id" in event:
                trial = event["trial_id"]
                if trial not in self.runs:
                    self.runs[trial] = Run(trial, event["time_ns"])
                getattr(self, name)(self.runs[trial], event)
        return self

    def close(self, time_ns):
        for run in self.runs.values():
            if run.status in OPEN:
                run.end("stopped", time_ns)

    # ---- events of a trial

    def trial_start(self, run, event):
        run.begin(event["time_ns"])
        self.describe(run, event)

    def trial_restore(self, run, event):
        attempt = run.attempt
        same_start = run.status == "running" and attempt.results == 0 and not attempt.restored
        if not same_start:
            run.begin(event["time_ns"])
        run.attempt.restored = True
        self.describe(run, event)

    def describe(self, run, event):
        for field in ("name", "trainable_name", "experiment_tag", "local_dir", "remote_dir"):
            if field in event:
                run.texts["trial_name" if field == "name" else field] = event[field]
        run.failures = max(run.failures, event.get("failure_count", 0))
        attempt = run.attempt
        attempt.host_attempt = event.get("attempt", attempt.host_attempt)
        attempt.pid = event.get("pid", attempt.pid)
        attempt.node_ip = event.get("node_ip", attempt.node_ip)
        attempt.checkpoint_path = event.get("checkpoint_path", attempt.checkpoint_path)
        newest = run.history[-1][2:] if run.history else (None, None)
        params = from_line(event["params"]) if "params" in event else newest[0]
        config = from_line(event["config"]) if "config" in event else newest[1]
        if (params, config) != newest:
            run.history.append((event["time_ns"], len(run.attempts), params, config))

    def trial_result(self, run, event):
        if not run.attempts or run.status == "pending":
            run.begin(event["time_ns"])
        run.attempt.results += 1
        result = dict(event["result"])
        step = result.get("timesteps_total") or result.get("training_iteration")
        if step is None:
            step = run.attempt.results
        context = result.pop("context", None)
        epoch = result.pop("epoch", None)
        for key in self.setup.get("reserved_keys", ()):
            result.pop(key, None)
        context = from_line(context) if context else None
        epoch = None if epoch is None else from_line(epoch)
        for name, value in flatten(result):
            key = (name, repr(context))
            if number_of(value) is None:
                count = run.objects.get(key, (0,))[0]
                run.objects[key] = (count + 1, step, value)
            else:
                point = (len(run.attempts), step, event["time_ns"], epoch, value)
                run.series.setdefault(key, []).append(point)

    def trial_pause(self, run, event):
        if run.settled:
            return
        if run.attempt and run.attempt.status == "running":
            run.attempt.end("paused", event["time_ns"])
        run.status = "paused"

    def trial_complete(self, run, event):
        if run.settled:
            return
        idle = not run.attempts or run.status == "pending"
        run.end("stopped" if idle else STATUS[event.get("status", 0)], event["time_ns"])
        run.settled = True

    def trial_recover(self, run, event):
        if self.fail(run, event):
            if run.attempt and run.attempt.status in OPEN:
                run.attempt.end("failed", event["time_ns"])
                run.attempt.error = event.get("error_text")
            run.status, run.ended_ns = "pending", None

    def trial_error(self, run, event):
        if self.fail(run, event):
            if run.attempt and run.attempt.status == "running":
                run.attempt.error = event.get("error_text")
            run.end("failed", event["time_ns"])
            run.settled = True

    def fail(self, run, event):
        if run.settled:
            return False
        run.failures = max(run.failures, event.get("failure_count", run.failures + 1))
        run.error = event.get("error_text")
        return True

    def checkpoint(self, run, event, saved=False):
        place = (event["time_ns"], len(run.attempts), saved, event.get("step"), event.get("path"))
        run.checkpoints.append(place)

    def trial_save(self, run, event):
        self.checkpoint(run, event, saved=True)


def flatten(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict) and not any(mark.startswith("$") for mark in value):
            yield from flatten(value, prefix + key + "/")
        else:
            yield prefix + key, from_line(value)


def default_view(points):
    """For each step the newest attempt that has it, in it the later point; by rising step."""
    chosen = {}
    for point in points:
        if point[1] not in chosen or point[0] >= chosen[point[1]][0]:
            chosen[point[1]] = point
    return [chosen[step] for step in sorted(chosen)]


def summarize(points):
    view = default_view(points)
    numbers = [number_of(point[4]) for point in view]
    summary = {"count": len(view), "first": view[0][4], "last": view[-1][4]}
    summary["first_step"], summary["last_step"] = view[0][1], view[-1][1]
    summary["nan_count"] = sum(math.isnan(number) for number in numbers)
    summary["inf_count"] = sum(math.isinf(number) for number in numbers)
    sound = [i for i, number in enumerate(numbers) if not math.isnan(number)]
    for name, choose in (("min", min), ("max", max)):
        # The first place at which it is reached.
        place = choose(sound, key=lambda i: numbers[i], default=None)
        summary[name] = None if place is None else view[place][4]
        summary[name + "_step"] = None if place is None else view[place][1]
    finite = [float(number) for number in numbers if math.isfinite(number)]
    summary["mean"] = math.fsum(finite) / len(finite) if finite else None
    return summary
