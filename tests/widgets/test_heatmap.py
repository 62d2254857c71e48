"""The Python side of the heatmap: checks, what is sent, selection, details and back, the table."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from traitlets import TraitError

from mi_nb.widgets import Heatmap, TokenGrid, export_html, link
from mi_nb.widgets.arrays import unpack
from mi_nb.widgets.heatmap_table import writer
from tests.widgets.lens_data import lens, long_prompt
from tests.widgets.sweep_data import SITES, heads, patching, prompts

CASES = json.loads((Path(__file__).parents[2] / "widgets" / "tests" / "brief_cases.json").read_text(encoding="utf-8"))

IDS = itertools.count()


def ask(widget, kind, **payload):
    widget.request = {"kind": kind, "id": f"{kind}-{next(IDS)}", **payload}
    assert widget.wait(5)


def test_numbers_arrive_as_they_were_given():
    arguments = patching()
    widget = Heatmap(**arguments, facet=1)
    assert [part["facet"] for part in widget.arrays] == [1, 0, 2]
    for part in widget.arrays:
        assert np.array_equal(unpack(part["values"]), arguments["values"][part["facet"]])
    assert widget.arrays[0]["values"]["axes"] == ["layer", "position"]
    assert widget.axes == ("layer", "position", "site")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": np.zeros((3, 2))}, r"values has shape \(3, 2\)"),
        ({"rows": []}, "at least one row"),
        ({"columns": []}, "at least one row and one column"),
        ({"row_values": [1]}, "row_values has 1 different values for 12 places"),
        ({"column_values": [0] * 12}, "column_values has 1 different values"),
        ({"kind": "rank"}, "no kind 'rank'"),
        ({"column_axis": "layer"}, "different names"),
        ({"column_axis": "kind"}, "different names, none of them"),
        ({"domain": (1, 1)}, "from low to high"),
        ({"facets": ["a"], "values": np.zeros((1, 12, 12))}, "facets need a facet_axis"),
        ({"facet": 1}, "there is no facet 1"),
        ({"columns": [["a"], ["b"]], "facets": ["x"], "facet_axis": "prompt"}, "2 lists of columns but 1 facets"),
    ],
)
def test_arguments_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        Heatmap(**heads() | change)


def test_zero_is_in_the_middle_of_a_diverging_scale():
    assert Heatmap(**heads()).spec["domain"] == pytest.approx([-2.1, 2.1])
    assert Heatmap(**heads(), domain=(-1, 3)).spec["domain"] == [-3, 3]
    assert Heatmap(**heads() | {"kind": "sequential", "domain": (0, 3)}).spec["domain"] == [0, 3]
    assert Heatmap(**prompts()).spec["domain"] == [0, 1]


def test_what_lies_behind_the_columns_of_a_facet_does_not_count():
    arguments = prompts()
    arguments["values"][1, :, 8:] = 1e6
    arguments["unit"] = ""
    widget = Heatmap(**arguments)
    assert widget.spec["domain"][1] <= 1
    assert np.isnan(unpack(widget.arrays[1]["values"])[:, 8:]).all()


def test_what_does_not_fit_the_budget_is_sent_when_it_is_looked_at(monkeypatch):
    monkeypatch.setattr("mi_nb.widgets.heatmap_data.BUDGET", 1000)
    arguments = patching()
    widget = Heatmap(**arguments)
    assert [part["facet"] for part in widget.arrays] == [0]
    widget.facet = 2
    assert [part["facet"] for part in widget.arrays] == [2]
    assert [part["facet"] for part in widget.export_state()["arrays"]] == [2, 0, 1]
    monkeypatch.setattr("mi_nb.widgets.heatmap_data.BUDGET", 300)
    half = Heatmap(**arguments).arrays[0]["values"]
    assert half["dtype"] == "float16"
    assert unpack(half) == pytest.approx(arguments["values"][0], rel=1e-3)
    monkeypatch.setattr("mi_nb.widgets.heatmap_data.BUDGET", 200)
    with pytest.raises(ValueError, match="at most 100 cells, not 144"):
        Heatmap(**arguments)


def test_a_selection_is_checked_and_made_plain():
    widget = Heatmap(**patching())
    widget.selection = [{"layer": np.int64(3), "site": "mlp_out"}]
    assert type(widget.selection[0]["layer"]) is int
    assert widget.facet == 2
    for wrong in ({"head": 1}, {"layer": 12}, {"site": "z"}, {}):
        with pytest.raises(TraitError):
            widget.selection = [wrong]
    short = Heatmap(**prompts())
    assert short.accepts({"prompt": 0, "position": 9})
    assert not short.accepts({"prompt": 1, "position": 9})


def test_a_heatmap_and_a_token_grid_share_their_axes():
    patched, grid = Heatmap(**patching()), TokenGrid(**lens())
    link(patched, grid)
    grid.selection = [{"prompt": 0, "layer": 2, "position": 3}]
    assert patched.selection == [{"layer": 2, "position": 3}]
    patched.selection = [{"site": "attn_out", "layer": 4, "position": 1}]
    assert grid.selection == [{"layer": 4, "position": 1}]


def test_an_action_shows_details_and_back_returns():
    def detail(request):
        row = heads(1, 4, seed=request["layer"])
        return row | {"title": f"Layer {request['layer']}", "result": request["head"]}

    widget = Heatmap(**heads(), actions={"cell": detail}, result="first")
    widget.selection = [{"layer": 9, "head": 2}]
    before = widget.spec
    ask(widget, "cell", layer=9, head=2)
    assert (widget.title, widget.result, widget.depth, widget.selection) == ("Layer 9", 2, 1, [])
    ask(widget, "cell", layer=0, head=3)
    assert (widget.title, widget.depth) == ("Layer 0", 2)
    ask(widget, "back")
    ask(widget, "back")
    assert (widget.title, widget.result, widget.depth) == ("Direct effect of each head", "first", 0)
    assert widget.spec == before
    assert widget.selection == [{"layer": 9, "head": 2}]
    assert widget.status["state"] == "idle"
    widget.back()
    assert widget.depth == 0


def test_details_without_actions_still_lead_back():
    widget = Heatmap(**heads(), actions={"cell": lambda request: heads(2, 2) | {"actions": {}}})
    ask(widget, "cell", layer=0, head=0)
    assert (widget.live, widget.spec["actions"]) == (True, [])
    ask(widget, "back")
    assert (widget.live, widget.spec["actions"]) == (True, ["cell"])


def test_a_failed_action_changes_nothing():
    widget = Heatmap(**heads(), actions={"cell": lambda request: {"rows": ["one"]}})
    before = (widget.spec, repr(widget))
    ask(widget, "cell", layer=0, head=0)
    assert widget.status["state"] == "failed"
    assert "values has shape" in widget.status["message"]
    assert ((widget.spec, repr(widget)), widget.depth) == (before, 0)
    with pytest.raises(TypeError, match="no argument colour"):
        widget.replace(colour="red")


def test_replacing_keeps_what_still_exists():
    widget = Heatmap(**patching(), facet=2)
    widget.selection = [{"layer": 1, "position": 2}, {"layer": 11, "position": 2}]
    widget.replace(**patching(layers=6))
    assert widget.selection == [{"layer": 1, "position": 2}]
    assert widget.facet == 2


def test_a_complete_replacement_is_a_new_picture_and_a_part_is_not():
    widget = Heatmap(**patching(), facet=2, actions={"cell": lambda request: {}})
    widget.replace(values=patching(seed=5)["values"], unit="logits")
    assert (widget.axes, widget.facet, widget.spec["unit"]) == (("layer", "position", "site"), 2, "logits")
    widget.replace(**{name: given for name, given in heads().items() if name != "unit"})
    assert (widget.axes, widget.facet, widget.spec["unit"]) == (("layer", "head"), 0, "")
    assert not widget.spec["token_columns"]
    widget.replace(unit="nats")
    assert (widget.spec["unit"], widget.live) == ("nats", True)


def cells(widget):
    return re.findall(r"<td[^>]*background:([^;]+);[^>]*>([^<]*)</td>", widget.static_html())


def test_the_table_has_the_numbers_in_their_colours():
    arguments = heads()
    widget = Heatmap(**arguments)
    table = widget.static_html()
    assert table == Heatmap(**arguments).static_html()
    assert "Colour: logit difference that a head adds (logits)" in table
    shown = cells(widget)
    assert len(shown) == 144
    write = writer([-2.1, 2.1])
    for (colour, text), value in zip(shown, arguments["values"][::-1].ravel(), strict=True):
        assert text == write(float(value))
        red, blue = int(colour[1:3], 16), int(colour[5:7], 16)
        if abs(value) > 0.3:
            assert (blue > red) == (value > 0)
    swatches = re.findall(r"<span[^>]*>([^<]+)</span>", table)
    assert swatches == ["−2.1", "0", "2.1"]


def test_the_table_names_the_facet_and_counts_the_rest():
    table = Heatmap(**patching(50, long_prompt(100)), facet=1).static_html()
    assert len(re.findall("<td", table)) == 1600
    assert "site: attn_out." in table
    assert "Not shown: 10 more layers, 60 more positions, 2 more sites." in table
    assert "position →<br>layer ↑" in table
    upward = re.findall(r'<th scope="row"[^>]*>([^<]+)<', table)
    assert upward[:2] == ["49", "48"]
    downward = Heatmap(**prompts()).static_html()
    assert re.findall(r'<th scope="row"[^>]*>([^<]+)<', downward)[:4] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("domain", "value", "text"), CASES)
def test_cells_are_written_as_the_front_end_writes_them(domain, value, text):
    assert writer(domain)(float("nan") if value is None else value) == text


def test_hostile_labels_are_text(tmp_path):
    hostile = "<script>alert(1)</script>"
    arguments = heads(2, 2) | {"rows": [hostile, "\ud800"], "title": hostile, "description": hostile, "unit": "<b>"}
    widget = Heatmap(**arguments)
    assert "<script" not in widget.static_html()
    assert "<b>" not in widget.static_html()
    page = export_html(widget, tmp_path / "page.html").read_text(encoding="utf-8")
    assert hostile not in page


def test_repr_is_deterministic():
    assert repr(Heatmap(**heads())) == "Heatmap('Direct effect of each head': 12 layers, 12 heads)"
    assert repr(Heatmap(**prompts())) == "Heatmap('Attention to each token': 4 groups, 12 positions, 2 prompts)"
    assert tuple(Heatmap(**patching()).spec["facet_values"]) == SITES
