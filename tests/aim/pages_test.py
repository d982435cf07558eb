#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A search of the example tuner, exported, as `aim up` shows it in a real browser: the table of
runs, the metrics explorer with its lines, the page of a run. What the pages say is compared with
what the `aimlog` command says, and nothing goes wrong on them.

usage: pages_test.py AIMLOG PLUGIN TUNER [DIR]  (run by a Python that has Aim)

It needs a browser, so only ./do test --long does more than say that. With DIR the pictures of
docs/aim.md are made there, at any time.
"""

import json
import os
import pathlib
import sys
import tempfile

import serve_test
from aim_support import LONG, Fault, check, check_equal, export, run_command
from browser import Browser, find_browser
from PIL import Image

AIMLOG, PLUGIN, TUNER = (os.path.abspath(path) for path in sys.argv[1:4])
PICTURES = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
LOSS, ACCURACY = "loss{subset=val}", "accuracy{subset=val}"
SHOWN = {LOSS: 'tuner/loss subset="val"', ACCURACY: 'tuner/accuracy subset="val"'}
# Aim's pages also ask for these, which this browser may not reach; no page of runs needs them.
ELSEWHERE = ["cdn.jsdelivr.net", "fonts.googleapis.com", "window.loadPyodide is not a function"]
NOTICES = "[...document.querySelectorAll('.NotificationContainer, .ExplorerNotifications__item')]"
# How many points each line of the charts has.
LINES = (
    "[...document.querySelectorAll('path.Line')]"
    ".map(line => (line.getAttribute('d') || '').split(/[ML]/).length - 1)"
)
# The address of the page with another query in its state.
WRONG_QUERY = """(() => {
  const address = new URL(location.href);
  const packed = address.searchParams.get('select').slice(2).replace(/-/g, '+').replace(/_/g, '/');
  const state = JSON.parse(decodeURI(atob(packed)));
  state.query = 'run.hparams.(';
  address.searchParams.set('select', 'O-' + btoa(encodeURI(JSON.stringify(state))));
  return address.href;
})()"""


def search(folder):
    """Twelve trials under ASHA. Gives what `aimlog ls` says of them, the newest first."""
    config = folder / "aimlog.yaml"
    config.write_text(f"repo: {folder}\nexperiment: digits\ntags: [first-look]\n")
    run_command(TUNER, "--plugin", PLUGIN, "--config", config, "--job-dir", folder / "job",
                "--scheduler", "asha", "--samples", 12, "--epochs", 30, "--workers", 2,
                "--seed", 11, "--quiet")  # fmt: skip
    columns = f"id,trial,step,status,{ACCURACY}.last,learning_rate"
    out, _ = run_command(AIMLOG, "ls", "--repo", folder, "--columns", columns, "--format", "json")
    return json.loads(out)


def metric_names(folder, run):
    """Without their contexts, as `aimlog show` tells them."""
    out, _ = run_command(AIMLOG, "show", run["id"], "--repo", folder, "--json")
    return {metric["name"] for metric in json.loads(out)["metrics"]}


def no_trouble(browser, where):
    """Nobody complained: the page to its user, its code to the console, the server to the page."""
    notices = browser.run(f"{NOTICES}.map(notice => notice.innerText)")
    troubles = [t for t in browser.troubles if not any(other in t for other in ELSEWHERE)]
    check_equal(notices + troubles, [], f"what went wrong on {where}")
    check("Something went wrong" not in browser.text(), where, "has crashed")


def picture(browser, name):
    """Keeps the page as a picture of few colours, which is a small file."""
    if not PICTURES:
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    browser.picture(path)
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def shown_number(value):
    """As Aim writes it into its tables."""
    return f"{round(value, 8):.8f}".rstrip("0").rstrip(".")


def look_at_table(browser, runs):
    browser.wait_text("Mlp_" + runs[0]["trial"])
    browser.click("button", "Skip")  # an invitation that covers the page
    browser.wait("!document.body.innerText.includes('JOIN THE AIM')", "the invitation stays")
    browser.wait_text("tuner/accuracy")
    words = browser.text().splitlines()
    for run in runs:
        check("Mlp_" + run["trial"] in words, run["trial"], "is not in the table:", words)
        number = shown_number(run[f"{ACCURACY}.last"])
        check(number in words, number, "is not in the table:", words)
    check_equal(words.count("digits"), len(runs), "runs of the experiment")
    check_equal(words.count("first-look"), len(runs), "runs with the tag")
    no_trouble(browser, "the table of runs")
    picture(browser, "aim-runs")


def look_at_lines(browser, runs):
    """Every run is a line in each of two charts, with all of its points."""
    wanted = sorted(2 * [run["last_step"] for run in runs])
    browser.wait(f"{LINES}.length >= {len(wanted)}", "lines are missing")
    browser.wait("!document.body.innerText.includes('Processing')", "the charts stay covered")
    check_equal(sorted(browser.run(LINES)), wanted, "points of the lines")


def look_at_explorer(browser, runs):
    browser.wait_text("No metrics are selected")
    try:
        check_equal(browser.run(LINES), sorted(2 * [run["last_step"] for run in runs]), "planted")
    except Fault:
        pass
    else:
        raise Fault("missing lines went unnoticed")
    browser.click("button", "Metrics")
    for name in SHOWN.values():
        browser.wait("document.activeElement.matches('.MuiAutocomplete-input')", "no field")
        browser.run("document.activeElement.select()")
        browser.type(name)
        browser.click(".MuiAutocomplete-option", name)
    browser.click("body")
    browser.wait("!document.querySelector('.MuiAutocomplete-input')", "the list stays open")
    browser.click("button", "Search")
    look_at_lines(browser, runs)
    for text in ('metric.name="tuner/loss"', 'metric.name="tuner/accuracy"', *SHOWN.values()):
        check(text in browser.text(), text, "is not in the explorer:", browser.text())
    no_trouble(browser, "the metrics explorer")
    picture(browser, "aim-metrics")


def look_at_run(browser, run, metrics):
    browser.wait_text("Mlp_" + run["trial"])
    browser.wait_text(f'"{run["status"]}"')
    browser.click(".SearchBar input")
    browser.type("hparams")
    browser.wait_text("hparams.learning_rate")
    words = browser.text().splitlines()
    rate = words[words.index("hparams.learning_rate") + 2]
    check(abs(float(rate) / run["params.learning_rate"] - 1) < 1e-6, "the learning rate is", rate)
    no_trouble(browser, "the page of a run")
    picture(browser, "aim-run")
    browser.click("[role=tab]", "Metrics")
    browser.wait(f"{LINES}.length >= 2", "the page of a run has no charts")  # more: by scrolling
    check_equal(set(browser.run(LINES)), {run["last_step"]}, "points of the lines of a run")
    names = {word for word in browser.text().splitlines() if word.startswith("tuner/")}
    check_equal(names, {f"tuner/{name}" for name in metrics}, "metrics of a run")
    no_trouble(browser, "the charts of a run")
    picture(browser, "aim-run-metrics")


def plant(browser, address):
    """Each kind of trouble is seen."""
    kinds = {
        "console: planted": "console.error('planted')",
        "Error: planted": "void setTimeout(() => { throw new Error('planted'); })",
        "HTTP 404": "fetch('/api/runs/000000000000000000000000/info/').then(() => 0)",
    }
    for sign, script in kinds.items():
        browser.run(script)
        browser.run("new Promise(done => setTimeout(done, 100))")
        check(any(sign in trouble for trouble in browser.troubles), sign, "was not noticed")
        browser.troubles.clear()
    browser.open(address)
    browser.wait(f"{NOTICES}.length", "a wrong query is not answered with a notice")
    try:
        no_trouble(browser, "a page with a wrong query")
    except Fault:
        return
    raise Fault("the notice went unnoticed")


def main():
    if not LONG and not PICTURES:
        print("./do test --long looks at Aim's pages in a browser")
        return 0
    check(find_browser(), "there is no browser; Debian calls it chromium")
    with tempfile.TemporaryDirectory(prefix="search-") as name:
        folder = pathlib.Path(name)
        runs = search(folder)
        check_equal(len(runs), 12, "runs")
        export(AIMLOG, folder, folder / "aim")
        best = max(runs, key=lambda run: run[f"{ACCURACY}.last"])
        best_hash = next(h for h in os.listdir(folder / "aim/.aim/meta/chunks")
                         if h.startswith(best["id"]))  # fmt: skip
        with serve_test.Served(folder / "aim") as served, Browser() as browser:
            address = f"http://127.0.0.1:{served.port}"
            browser.open(address + "/runs")
            look_at_table(browser, runs)
            browser.open(address + "/metrics")
            look_at_explorer(browser, runs)
            wrong = browser.run(WRONG_QUERY)
            browser.open(f"{address}/runs/{best_hash}")
            look_at_run(browser, best, metric_names(folder, best))
            answers = sum("/api/" in url for url in browser.requests.values())
            text = served.log.read_text()
            check("Traceback" not in text and "rror" not in text, text)
            plant(browser, wrong)
    print(f"3 pages of {len(runs)} runs, {answers} answers of the server, nothing went wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
