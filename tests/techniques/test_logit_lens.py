"""The logit lens against its definition, on models whose numbers are known from elsewhere."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import mi_nb as mi
from mi_nb.core.errors import PromptError, SiteError
from mi_nb.core.model import Model
from tests.core.families import tiny

RAGGED = [[5, 17, 33, 60, 61, 70, 12], [8, 9, 40], [77, 20, 31, 45, 50]]
MARY = "When Mary and John went to the store, John gave a drink to"


def example(model):
    return mi.logit_lens(model, [MARY, "The capital of France is"], top=3, targets=[" Mary"], progress=False)


@pytest.fixture(scope="module")
def mini():
    return mi.load("mini")


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "opt-350m", "bert", "mamba", "granite-scaled"])
def test_the_last_layer_is_the_model_itself(family):
    model = Model(tiny(family, torch.float64))
    lens = mi.logit_lens(model, RAGGED, top=90, targets=[7])
    logits = model.run(RAGGED).logits.float()
    for i, prompt in enumerate(RAGGED):
        best = logits[i, : len(prompt)].sort(-1, descending=True)
        torch.testing.assert_close(lens.top_logits[i, -1, : len(prompt)], best.values, atol=1e-5, rtol=1e-5)
        assert (lens.kl[i, -1, : len(prompt)].abs() < 1e-5).all()
        rank = (logits[i, : len(prompt)] > logits[i, : len(prompt), 7:8]).sum(-1)
        assert torch.equal(lens.target_ranks[i, -1, : len(prompt), 0], rank)


@pytest.mark.parametrize(("family", "site"), [("gpt2", "resid_post"), ("llama", "attn_out"), ("llama", "resid_mid")])
def test_every_number_follows_its_definition(family, site):
    hf = tiny(family, torch.float64)
    model = Model(hf)
    lens = mi.logit_lens(model, RAGGED, site=site, top=4, targets=[3, 50])
    trunk = hf.transformer if family == "gpt2" else hf.model
    norm = trunk.ln_f if family == "gpt2" else trunk.norm
    stream = model.run(RAGGED, read=[site, "resid_post"])
    with torch.no_grad():
        final = functional.log_softmax(hf.lm_head(norm(stream["resid_post"][-1])).float(), -1)
        for layer in range(3):
            logits = hf.lm_head(norm(stream[site][layer])).float()
            log_probs = functional.log_softmax(logits, -1)
            entropy = -(log_probs.exp() * log_probs).sum(-1)
            kl = functional.kl_div(log_probs, final, log_target=True, reduction="none").sum(-1)
            for i, prompt in enumerate(RAGGED):
                real = slice(0, len(prompt))
                close = {"atol": 1e-5, "rtol": 1e-5}
                torch.testing.assert_close(lens.entropy[i, layer, real], entropy[i, real], **close)
                torch.testing.assert_close(lens.kl[i, layer, real], kl[i, real], **close)
                torch.testing.assert_close(lens.target_logits[i, layer, real], logits[i, real][:, [3, 50]], **close)
                torch.testing.assert_close(
                    lens.target_log_probs[i, layer, real], log_probs[i, real][:, [3, 50]], **close
                )
                assert torch.equal(lens.top_ids[i, layer, real], logits[i, real].topk(4).indices)


def test_heads_are_rows_of_their_own():
    model = Model(tiny("gpt2", torch.float64))
    lens = mi.logit_lens(model, RAGGED, site="result", top=2)
    assert lens.labels[:5] == ["0.0", "0.1", "0.2", "0.3", "1.0"]
    result = model.run(RAGGED, read=["result"])["result", 1][0, 4, 2]
    expected = model.unembed(result).float().topk(2)
    rows = lens.data.query("prompt == 0 and layer == 1 and head == 2 and position == 4")
    assert rows.token_id.tolist() == expected.indices.tolist()
    assert lens.select([{"prompt": 0, "component": 6, "position": 4}]).equals(rows)
    assert lens.widget().axes == ("prompt", "component", "position")


def test_the_table_has_a_row_per_kept_token():
    model = Model(tiny("gpt2"))
    lens = mi.logit_lens(model, RAGGED, top=3, targets=[7])
    columns = "prompt layer position token rank prediction token_id logit log_prob entropy kl".split()
    assert lens.data.columns.tolist() == columns
    one = lens.data.query("prompt == 1 and layer == 2 and position == -1")
    assert one["rank"].tolist()[:3] == [0, 1, 2]
    assert (one.token_id == 7).sum() == 1, "a target stands once, in the top or below it"
    assert set(lens.data.query("prompt == 1").position) == {0, 1, 2}
    assert not lens.data.isna().any().any()
    assert np.allclose(lens.data.groupby(["prompt", "layer", "position"])["rank"].min(), 0)


def test_one_token_is_followed_through_all_layers(mini):
    lens = mi.logit_lens(mini, [MARY, "The capital of France is"], top=2, targets=[" Mary", " Paris"])
    rows = lens.follow([" Mary", " Paris"]).query("position == -1")
    assert rows.groupby("prompt").size().tolist() == [mini.n_layers] * 2
    assert set(rows.query("prompt == 1").prediction) == {" Paris"}
    assert lens.follow(" Mary").query("prompt == 0 and position == -1").equals(rows.query("prompt == 0"))
    with pytest.raises(ValueError, match="one for each of the 2 prompts"):
        lens.follow([" Mary"] * 3)


def test_a_prompt_does_not_depend_on_its_batch():
    model = Model(tiny("llama", torch.float64))
    whole = mi.logit_lens(model, RAGGED, top=5).data
    for i, prompt in enumerate(RAGGED):
        alone = mi.logit_lens(model, [prompt], top=5).data
        mine = whole[whole["prompt"] == i].reset_index(drop=True)
        assert mine.token_id.tolist() == alone.token_id.tolist()
        np.testing.assert_allclose(mine.logit, alone.logit, atol=1e-5)


def test_chunks_do_not_change_numbers(monkeypatch):
    model = Model(tiny("gpt2", torch.float64))
    whole = mi.logit_lens(model, RAGGED, top=5, targets=[9]).data
    monkeypatch.setattr("mi_nb.techniques.logit_lens.BUDGET", 2 * 90 * 3)
    np.testing.assert_allclose(mi.logit_lens(model, RAGGED, top=5, targets=[9]).data.logit, whole.logit, atol=1e-6)


def test_bad_input_says_what_to_do(mini):
    with pytest.raises(SiteError, match="reads streams"):
        mi.logit_lens(mini, MARY, site="pattern")
    with pytest.raises(ValueError, match="top is between 1"):
        mi.logit_lens(mini, MARY, top=0)
    with pytest.raises(PromptError, match=r"is 2 tokens .* not one"):
        mi.logit_lens(mini, MARY, targets=" Mary John")
    with pytest.raises(PromptError, match="has no tokens"):
        mi.logit_lens(mini, [MARY, []])
    with pytest.raises(IndexError, match="no prompt 3"):
        mi.logit_lens(mini, MARY).chart(prompt=3)


def test_the_first_lines_a_user_types(mini, tmp_path):
    lens = mi.logit_lens(mini, MARY, targets=[" Mary", " John"])
    last = lens.data.query("rank == 0 and position == -1")
    assert last.layer.tolist() == list(range(mini.n_layers))
    assert last.prediction.iloc[-1] == " Mary"
    ranks = lens.data.query("position == -1 and prediction == ' Mary'").set_index("layer")["rank"]
    assert ranks.iloc[0] > 0, "the answer is not there from the start"
    assert ranks.iloc[-1] == 0
    widget = lens.widget()
    widget.selection = [{"prompt": 0, "layer": 3, "position": 14}]
    assert lens.select(widget.selection).equals(lens.data.query("layer == 3 and position == 14"))
    assert lens.select().equals(lens.select(widget.selection))
    back = mi.LogitLens.load(lens.save(tmp_path / "lens"))
    assert back.data.equals(lens.data)
    assert back.widget().live is False
    page = lens.to_html(tmp_path / "lens.html").read_text()
    assert "Mary" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "encoding" in str(lens.chart().to_dict())


def test_the_widget_recomputes_and_follows(mini):
    lens = mi.logit_lens(mini, MARY)
    widget = lens.widget()
    widget.request = {"kind": "prompt", "id": 1, "text": "When Tom and Anna went to the park, Anna gave a ball to"}
    assert widget.wait(20.0)
    assert widget.status["state"] == "idle", widget.status
    assert widget.result is not lens
    assert widget.result.data.query("rank == 0 and position == -1").prediction.iloc[-1] == " Tom"
    tom = mini.tokenizer.convert_tokens_to_ids(mini.tokenizer.tokenize(" Tom"))[0]
    widget.request = {"kind": "follow", "id": 2, "token_id": tom}
    assert widget.wait(20.0)
    assert widget.result.target_ids.tolist() == [tom]
    widget.request = {"kind": "prompt", "id": 3, "text": ""}
    assert widget.wait(20.0)
    assert widget.status["state"] == "failed"
    assert lens.data.query("rank == 0 and position == -1").prediction.iloc[-1] == " Mary"
