"""The Python side of the token grid: checks, slices, selection, what shows without scripts."""

import re

import numpy as np
import pytest
from traitlets import TraitError

from mi_nb.widgets import TokenGrid, link
from mi_nb.widgets.arrays import unpack
from mi_nb.widgets.token_grid_data import BUDGET, TokenGridData
from mi_nb.widgets.token_grid_lens import lens_of
from tests.widgets.lens_data import COLOSSEUM, EIFFEL, WORDS, lens, long_prompt


def data_of(arguments):
    return TokenGridData(**{name: value for name, value in arguments.items() if name != "title"})


def size(slices):
    packed = [p for part in slices for p in (*part["measures"].values(), *part["targets"].values())]
    packed += [part[name] for part in slices for name in ("top_index", "top_values")]
    return sum(len(p["data"]) for p in packed)


def test_arrays_arrive_as_they_were_given():
    arguments = lens()
    widget = TokenGrid(**arguments)
    part = widget.arrays[1]
    assert part["prompt"] == 1
    assert np.array_equal(unpack(part["measures"]["KL"]), arguments["measures"]["KL"]["values"][1])
    assert np.array_equal(unpack(part["targets"]["rank"]), arguments["target_measures"]["rank"][:, 1])
    ids = np.array(widget.spec["vocabulary"]["ids"])[unpack(part["top_index"])]
    assert np.array_equal(ids, arguments["top_ids"][1])


def test_padding_is_not_sent():
    arguments = lens([EIFFEL, EIFFEL[:4]])
    assert np.isnan(arguments["measures"]["KL"]["values"][1, :, 4:]).all()
    part = TokenGrid(**arguments).arrays[1]
    assert part["measures"]["KL"]["shape"] == [13, 4]
    assert np.isfinite(unpack(part["measures"]["KL"])).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": ["0"]}, "row"),
        ({"row_values": [1]}, "13 rows but 1 row_values"),
        ({"prompts": []}, "at least one prompt"),
        ({"top_ids": None}, "both top_ids and top_values"),
        ({"vocabulary": {0: "x"}}, "which the vocabulary does not name"),
        ({"measures": {"x": {"values": np.zeros((2, 13, 3))}}}, r"x has shape \(2, 13, 3\)"),
        ({"measures": {"x": {"values": np.zeros((2, 13, 10)), "kind": "loud"}}}, "kind 'loud'"),
        ({"target_measures": {"rank": np.zeros((1, 2, 13, 10))}}, "rank has shape"),
        ({"prompts": [{"tokens": ["a"], "ids": [1, 2]}, {"tokens": ["b"], "ids": [1]}]}, "1 tokens but 2 ids"),
        ({"prompt": 2}, "there is no prompt 2"),
        ({"measure": "volume"}, "there is no measure 'volume'"),
    ],
)
def test_arguments_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        TokenGrid(**lens() | change)


def test_domains_start_at_zero_centre_at_zero_or_at_rank_one():
    measures = {
        "share": {"values": [[[0.2, 0.7]]], "kind": "sequential"},
        "p": {"values": [[[0.2, 0.3]]], "unit": "probability"},
        "log": {"values": [[[-5.0, -1.0]]], "kind": "sequential"},
        "difference": {"values": [[[-1.0, 4.0]]], "kind": "diverging"},
        "place": {"values": [[[3.0, 900.0]]], "kind": "rank"},
        "given": {"values": [[[3.0, 9.0]]], "domain": (2, 10)},
        "nothing": {"values": [[[np.nan, np.inf]]]},
    }
    widget = TokenGrid(title="t", prompts=[{"tokens": ["a", "b"]}], rows=["0"], measures=measures)
    domains = {measure["name"]: measure["domain"] for measure in widget.spec["measures"]}
    wanted = {
        "p": [0, 1],
        "share": [0, 0.7],
        "log": [-5, 0],
        "difference": [-4, 4],
        "place": [1, 900],
        "given": [2, 10],
    }
    wanted["nothing"] = [0, 1]
    for name, domain in wanted.items():
        assert domains[name] == pytest.approx(domain)


def test_two_thousand_tokens_fit_the_budget_whole():
    widget = TokenGrid(**lens([long_prompt(2000)], words=60))
    assert size(widget.arrays) <= BUDGET
    assert [(part["start"], part["stop"]) for part in widget.arrays] == [(0, 2000)]
    assert widget.arrays[0]["top_values"]["dtype"] == "float32"


def test_prompts_that_do_not_fit_wait_until_they_are_asked_for(monkeypatch):
    monkeypatch.setattr("mi_nb.widgets.token_grid_data.BUDGET", 30_000)
    widget = TokenGrid(**lens([EIFFEL, COLOSSEUM, EIFFEL]))
    assert [part["prompt"] for part in widget.arrays] == [0, 1]
    widget.prompt = 2
    assert {0: False, 1: False, 2: True}[widget.arrays[0]["prompt"]]
    assert size(widget.arrays) <= 30_000


def test_half_precision_and_then_windows_keep_the_budget():
    data = data_of(lens([long_prompt(300)], words=100))
    whole = size(data.slices(0, budget=float("inf")))
    half = data.slices(0, budget=whole * 0.9)
    assert half[0]["top_values"]["dtype"] == half[0]["measures"]["KL"]["dtype"] == "float16"
    assert half[0]["targets"]["rank"]["dtype"] == "float32"
    assert half[0]["stop"] == 300
    window = data.slices(0, start=250, budget=whole * 0.3)[0]
    assert size([window]) <= whole * 0.3
    assert window["start"] <= 250 < window["stop"] == 300


def test_a_selection_is_checked_and_made_plain():
    widget = TokenGrid(**lens())
    widget.selection = [{"layer": np.int64(-1), "position": 3}]
    assert [type(value) for value in widget.selection[0].values()] == [int, int]
    for wrong in ({"head": 1}, {"layer": 12}, {"position": 10}, {"prompt": 2}, {}):
        with pytest.raises(TraitError):
            widget.selection = [wrong]


def test_replacing_keeps_what_still_exists():
    widget = TokenGrid(**lens(), measure="KL")
    widget.selection = [{"prompt": 0, "layer": 3, "position": 1}, {"prompt": 0, "layer": 3, "position": 9}]
    widget.replace(**lens([EIFFEL[:3]]))
    assert widget.selection == [{"prompt": 0, "layer": 3, "position": 1}]
    assert (widget.measure, widget.prompt) == ("KL", 0)
    assert len(widget.arrays) == 1


def test_a_replacement_that_does_not_fit_changes_nothing():
    widget = TokenGrid(**lens())
    before = (widget.spec, widget.arrays, repr(widget))
    with pytest.raises(ValueError, match="13 rows but 1 row_values"):
        widget.replace(row_values=[1])
    with pytest.raises(ValueError, match="there is no prompt 7"):
        widget.replace(prompts=lens()["prompts"], prompt=7)
    with pytest.raises(TypeError, match="no argument colour"):
        widget.replace(colour="red")
    assert (widget.spec, widget.arrays, repr(widget)) == before


def test_the_static_table_is_deterministic_and_counts_what_it_leaves_out():
    arguments = lens([long_prompt(100), EIFFEL], layers=50, words=60)
    table = TokenGrid(**arguments).static_html()
    assert table == TokenGrid(**arguments).static_html()
    assert table.count("<td") == 40 * 40
    assert "Not shown: 60 more positions, 11 more rows, 1 more prompt." in table


def caption(widget):
    return re.sub("<[^>]+>", "", re.search("<caption.*?</caption>", widget.static_html()).group())


def cells(widget):
    """Background and text of the table's cells, top row first."""
    found = re.findall(r"<td[^>]*background:([^;]+);[^>]*>([^<]*)</td>", widget.static_html())
    return np.array(found).reshape(len(widget.spec["rows"]), -1, 2)


def test_the_static_table_names_its_colours():
    assert caption(TokenGrid(**lens(), measure="entropy")).startswith(
        "Logit lens. Colour: entropy of the predicted distribution (nats) 0 "
    )
    assert caption(TokenGrid(**lens())).endswith("0 1. Not shown: 1 more prompt.")


def test_the_static_table_shows_the_difference():
    arguments = lens()
    widget = TokenGrid(**arguments, compare=1, measure="entropy")
    values = arguments["measures"]["entropy"]["values"]
    difference = values[0] - values[1]
    reach = f"{np.abs(difference).max():.3g}"
    assert caption(widget) == (
        "Logit lens. Colour: difference of entropy of the predicted distribution (nats), "
        f"prompt 1 minus prompt 2 \N{MINUS SIGN}{reach} 0 {reach}."
    )
    shown = cells(widget)
    for row, position in np.argwhere(np.abs(difference) > 0.1 * np.abs(difference).max()):
        colour = shown[12 - row, position, 0]
        red, blue = int(colour[1:3], 16), int(colour[5:7], 16)
        assert (blue > red) == (difference[row, position] > 0)
    assert shown[0, -1, 1] == "␣Paris"
    assert "iffel<br>os</th>" in widget.static_html()
    assert "The</th>" in widget.static_html()


@pytest.mark.parametrize("target", [True, False])
def test_the_static_table_names_the_followed_token(target):
    arguments = lens()
    if not target:
        arguments |= {"targets": [], "target_measures": {}}
    widget = TokenGrid(**arguments, measure="rank" if target else "probability", follow=WORDS.index(" Paris"))
    if not target:
        widget.measure = "entropy"
    where = "rank of ␣Paris" if target else "probability of ␣Paris where it is among the top 10"
    assert caption(widget).startswith(f"Logit lens. Colour: {where} ")
    shown = cells(widget)[::-1, :, 1]
    if target:
        assert (shown == arguments["target_measures"]["rank"][0, 0].astype(int).astype(str)).all()
        return
    hits = arguments["top_ids"][0] == WORDS.index(" Paris")
    assert ((shown != "") == hits.any(-1)).all()
    assert float(shown[12, 9]) == pytest.approx(arguments["top_values"][0, 12, 9, 0], rel=5e-3)


def test_the_difference_of_ranks_is_in_powers_of_ten():
    arguments = lens()
    follow = WORDS.index(" Rome")
    lens_ = lens_of(data_of(arguments), 0, 1, "rank", follow)
    ranks = arguments["target_measures"]["rank"][1]
    assert lens_.caption == "difference of log₁₀ rank of ␣Rome, prompt 1 minus prompt 2"
    assert lens_.values == pytest.approx(np.log10(ranks[0]) - np.log10(ranks[1]), nan_ok=True)
    assert lens_.domain == [-np.nanmax(np.abs(lens_.values)), np.nanmax(np.abs(lens_.values))]


def test_prompts_of_different_lengths_are_compared_as_far_as_both_go():
    values = lens_of(data_of(lens([EIFFEL, EIFFEL[:4]])), 0, 1, "entropy", None).values
    assert np.isfinite(values[:, :4]).all()
    assert np.isnan(values[:, 4:]).all()


def test_hostile_tokens_are_escaped_in_the_table():
    arguments = lens([["<script>alert(1)</script>", "\u202ex", '"&']])
    arguments["title"] = "<b>"
    table = TokenGrid(**arguments).static_html()
    assert "<script" not in table
    assert "<b>" not in table
    assert "&lt;script&gt;" in table
    assert "U+202Ex" in table
    assert "\u202e" not in table


def test_lone_surrogates_do_not_reach_the_wire():
    arguments = lens([["\ud800", "a"]])
    assert TokenGrid(**arguments).spec["prompts"][0]["tokens"] == ["\ufffd", "a"]


def test_repr_and_bundle_are_deterministic():
    first, second = (TokenGrid(**lens())._repr_mimebundle_()[0] for _ in range(2))
    assert first["text/plain"] == "TokenGrid('Logit lens': 2 prompts, 13 rows, 10 positions, top 10)"
    assert repr(TokenGrid(**lens([["a"]], layers=0))) == "TokenGrid('Logit lens': 1 prompt, 1 row, 1 position, top 10)"
    for kind in ("text/plain", "text/html"):
        assert first[kind] == second[kind]


def test_linked_widgets_share_the_axes_that_they_have_in_common():
    layers = TokenGrid(**lens())
    heads = TokenGrid(**lens() | {"row_axis": "head"})
    again = TokenGrid(**lens())
    unlink = link(layers, heads, again)
    layers.selection = [{"prompt": 1, "layer": 2, "position": 3}, {"prompt": 1, "layer": 4, "position": 3}]
    assert again.selection == layers.selection
    assert heads.selection == [{"prompt": 1, "position": 3}]
    heads.selection = [{"prompt": 1, "head": 0, "position": 3}]
    assert layers.selection == [{"prompt": 1, "layer": 2, "position": 3}, {"prompt": 1, "layer": 4, "position": 3}]
    layers.selection = []
    assert heads.selection == []
    heads.selection = [{"prompt": 0, "position": 9}]
    short = TokenGrid(**lens([EIFFEL[:4]]))
    link(layers, short)
    layers.selection = [{"prompt": 0, "layer": 1, "position": 9}]
    assert short.selection == []
    layers.selection = [{"prompt": 0, "layer": 1, "position": 3}]
    assert short.selection == layers.selection
    layers.selection = []
    unlink()
    layers.selection = [{"layer": 1}]
    assert again.selection == []
    with pytest.raises(ValueError, match="at least two"):
        link(layers)
