"""Actions run, report, stop and fail."""

import threading
import time

import pytest

from mi_nb.widgets import Cancelled, Widget
from mi_nb.widgets.acting import Job, accepts_progress, wait_for_jobs


class Counter(Widget):
    """Shows a title; its actions replace it."""

    _esm = "export default { render() {} }"
    axes = ("layer",)

    def replace(self, **arguments):
        self.title = arguments["title"]

    def static_html(self):
        return "<table></table>"


def ask(widget, kind, **payload):
    widget.request = {"kind": kind, "id": f"{kind}-{time.monotonic_ns()}", **payload}


def states(widget):
    seen = []
    widget.observe(lambda change: seen.append(change["new"]["state"]), "status")
    return seen


def test_a_request_replaces_what_is_shown_and_the_result():
    widget = Counter(actions={"prompt": lambda request: {"title": request["text"], "result": 7}}, title="old")
    seen = states(widget)
    ask(widget, "prompt", text="new")
    assert widget.wait(5)
    assert (widget.title, widget.result, widget.error) == ("new", 7, None)
    assert seen == ["busy", "idle"]
    assert widget.status["kind"] == "prompt"


def test_an_exception_is_told_in_its_own_words_and_the_next_request_clears_it():
    def act(request):
        return {"title": str(1 / request["divisor"])}

    widget = Counter(actions={"divide": act}, title="old")
    ask(widget, "divide", divisor=0)
    widget.wait(5)
    assert widget.status["state"] == "failed"
    assert widget.status["message"] == "ZeroDivisionError: division by zero"
    assert isinstance(widget.error, ZeroDivisionError)
    assert widget.title == "old"
    ask(widget, "divide", divisor=2)
    widget.wait(5)
    assert (widget.title, widget.error, widget.status["state"]) == ("0.5", None, "idle")


def test_progress_is_reported_and_a_stop_raises_at_the_next_update():
    started, ended = threading.Event(), []

    def act(request, progress):
        try:
            for step in range(1000):
                progress.update(step / 1000, "layer 1")
                started.set()
                time.sleep(0.01)
        except Cancelled:
            ended.append("cancelled")
            raise
        return {"title": "finished"}

    widget = Counter(actions={"go": act}, title="old")
    job_states = states(widget)
    ask(widget, "go")
    job = widget._job
    assert started.wait(5)
    ask(widget, "stop")
    assert job.wait(5)
    assert ended == ["cancelled"]
    assert (widget.title, widget.status) == ("old", {"state": "idle", "message": "stopped"})
    assert set(job_states) == {"busy", "idle"}


def test_an_action_without_progress_is_interrupted_and_cleans_up():
    started, cleaned = threading.Event(), []

    def act(request):
        try:
            started.set()
            while True:
                time.sleep(0.005)
        finally:
            cleaned.append(True)

    widget = Counter(actions={"go": act})
    ask(widget, "go")
    job = widget._job
    assert started.wait(5)
    widget.stop()
    assert job.wait(5)
    assert cleaned == [True]


def test_a_newer_request_wins_whatever_the_older_one_returns():
    gate = threading.Event()

    def act(request, progress):
        if request["text"] == "old":
            gate.wait(5)
        return {"title": request["text"]}

    widget = Counter(actions={"prompt": act})
    ask(widget, "prompt", text="old")
    old = widget._job
    ask(widget, "prompt", text="new")
    gate.set()
    assert old.wait(5)
    widget.wait(5)
    assert widget.title == "new"


def test_two_widgets_never_act_at_once():
    running, most = [], []

    def act(request):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return {"title": "done"}

    widgets = [Counter(actions={"go": act}) for _ in range(3)]
    for widget in widgets:
        ask(widget, "go")
    wait_for_jobs()
    assert most == [1, 1, 1]


def test_unknown_requests_and_returns_fail_with_words():
    widget = Counter(actions={"go": lambda request: 3})
    ask(widget, "fly")
    assert widget.status["message"] == "no action answers 'fly'"
    ask(widget, "go")
    widget.wait(5)
    assert widget.status["message"] == "TypeError: the action returned int, not a dict of arguments to show"


def test_progress_is_offered_only_to_those_who_take_it():
    assert accepts_progress(lambda request, progress: {})
    assert not accepts_progress(lambda request: {})
    assert not accepts_progress(print)


def test_a_job_that_is_cancelled_before_its_turn_never_runs():
    ran = []
    first_may_end = threading.Event()
    first = Job(lambda request: first_may_end.wait(5) and {}, {})
    second = Job(lambda request: ran.append(1), {})
    for job in (first, second):
        job.start(report=lambda *_: None, done=lambda *_: None)
    second.cancel()
    first_may_end.set()
    assert first.wait(5)
    assert second.wait(5)
    assert ran == []


@pytest.mark.parametrize("error", [RuntimeError(), KeyError("x")])
def test_errors_without_words_have_their_name(error):
    def act(request):
        raise error

    widget = Counter(actions={"go": act})
    ask(widget, "go")
    widget.wait(5)
    assert widget.status["message"].startswith(type(error).__name__)
