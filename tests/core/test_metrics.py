"""Metrics: the textbook's numbers, from a run, from rows, and with gradients."""

import pytest
import torch
from families import tiny

import mi_nb.core.model as core
from mi_nb.core.errors import PromptError, SiteError
from mi_nb.core.metrics import Metric, as_metric, custom, kl, log_prob, logit_diff, loss, prob, rank
from mi_nb.core.sites import Site

RAGGED = [[5, 17, 33, 60, 61, 70, 12], [8, 9, 40], [77, 20, 31, 45, 50]]


class Words:
    """A tokenizer of a few words; what it does not know it splits into letters."""

    words = (" cat", " dog", "cat")

    def __call__(self, text, add_special_tokens=True):
        assert not add_special_tokens
        return {"input_ids": [self.words.index(text) + 10] if text in self.words else [ord(c) % 80 for c in text]}

    def convert_ids_to_tokens(self, ids):
        return [f"t{i}" for i in ids]


@pytest.fixture
def model():
    found = core.Model(tiny("gpt2"))
    found.tokenizer = Words()
    return found


@pytest.fixture
def run(model):
    return model.run(RAGGED)


def last(run):
    return torch.stack([run.logits[i, len(p) - 1] for i, p in enumerate(RAGGED)])


def test_metrics_of_answers(run):
    logits, rows = last(run), torch.arange(3)
    right, wrong = torch.tensor([3, 4, 5]), torch.tensor([6, 7, 8])
    torch.testing.assert_close(logit_diff(right, wrong)(run), logits[rows, right] - logits[rows, wrong])
    torch.testing.assert_close(logit_diff(3, 6)(run), logits[:, 3] - logits[:, 6])
    torch.testing.assert_close(logit_diff([[3, 4]] * 3, wrong)(run), logits[:, [3, 4]].mean(-1) - logits[rows, wrong])
    torch.testing.assert_close(prob(right)(run), logits.softmax(-1)[rows, right])
    torch.testing.assert_close(prob([[3, 4]] * 3)(run), logits.softmax(-1)[:, [3, 4]].sum(-1))
    torch.testing.assert_close(log_prob(right)(run), logits.log_softmax(-1)[rows, right])
    order = logits.argsort(-1, descending=True).tolist()
    assert rank(right)(run).tolist() == [order[i].index(int(t)) for i, t in enumerate(right)]
    assert rank(logits.argmax(-1))(run).tolist() == [0, 0, 0]


def test_positions(run):
    logits = run.logits
    expected = torch.stack([(logits[i, 0, 3] + logits[i, len(p) - 1, 3]) / 2 for i, p in enumerate(RAGGED)])
    torch.testing.assert_close(logit_diff(3, 6, position=[0, -1])(run) + logits_mean(run, 6), expected)
    with pytest.raises(SiteError, match="position 4 does not exist"):
        logit_diff(3, 6, position=4)(run)


def logits_mean(run, token):
    return torch.stack([run.logits[i, [0, len(p) - 1], token].mean() for i, p in enumerate(RAGGED)])


def test_loss_is_the_cross_entropy_of_each_prompts_own_tokens(run):
    expected = [
        torch.nn.functional.cross_entropy(run.logits[i, : len(p) - 1], torch.tensor(p[1:]))
        for i, p in enumerate(RAGGED)
    ]
    torch.testing.assert_close(loss()(run), torch.stack(expected))


def test_kl(model, run):
    other = model.run(RAGGED, edit={Site("resid_pre", layer=1): lambda v: v * 2})
    p, q = last(run).log_softmax(-1), last(other).log_softmax(-1)
    expected = (p.exp() * (p - q)).sum(-1)
    assert expected.min() > 1e-4
    for reference in (run, model.run(RAGGED, logits="last"), last(run), p):
        torch.testing.assert_close(kl(reference)(other), expected)
    assert kl(run)(run).abs().max() < 1e-6
    whole = kl(run, position=None)(other)
    a, b = run.logits[1, :3].log_softmax(-1), other.logits[1, :3].log_softmax(-1)
    torch.testing.assert_close(whole[1], (a.exp() * (a - b)).sum(-1).mean())
    with pytest.raises(PromptError, match="is for 2 prompts; there are 3"):
        kl(last(run)[:2])(other)


def test_rows_of_many_interventions(model, run):
    metric = logit_diff([3, 4, 5], [6, 7, 8]).bind(run.tokens, model)
    prompts = torch.tensor([2, 0, 2, 1])
    torch.testing.assert_close(metric.rows(last(run)[prompts][:, None], prompts), metric(run)[prompts])
    assert metric.columns(run.tokens).tolist() == [[6], [2], [4]]
    assert metric.rows(last(run)[:, None].bfloat16(), torch.arange(3)).dtype == torch.float32
    assert metric.rows(last(run)[:, None].double(), torch.arange(3)).dtype == torch.float64


def test_strings_are_checked_to_be_one_token(model, run):
    metric = logit_diff([" cat", " dog", "cat"], " dog", model=model)
    torch.testing.assert_close(metric(run), logit_diff([10, 11, 12], 11)(run))
    torch.testing.assert_close(logit_diff(" cat", 11).bind(run.tokens, model)(run), logit_diff(10, 11)(run))
    with pytest.raises(PromptError, match=r"answers of prompt 1 'dog' is 3 tokens .*, not one"):
        prob([" cat", "dog", "cat"]).bind(run.tokens, model)
    with pytest.raises(PromptError, match="no tokenizer is known: pass ids, or model="):
        prob(" cat")(run)
    with pytest.raises(PromptError, match="answers of prompt 2 90 is outside of the vocabulary"):
        prob([3, 4, 90]).bind(run.tokens, model)
    with pytest.raises(PromptError, match="outside of the vocabulary"):
        prob(torch.tensor([3, 4, 90])).bind(run.tokens, model)
    with pytest.raises(PromptError, match="do not give one entry to each of 3 prompts"):
        prob([3, 4])(run)
    with pytest.raises(PromptError, match="as many tokens for every prompt"):
        prob([[3, 4], [5], [6]])(run)


def test_gradients(model):
    run = model.run(RAGGED, read=["resid_post"], grad=logit_diff(3, 6))
    unembedding = model.hf.get_output_embeddings().weight
    by_hand = model.run(RAGGED, read=["resid_post"], grad=lambda r: r.last_logits[:, 3] - r.last_logits[:, 6])
    assert unembedding.grad is None
    torch.testing.assert_close(run.grad["resid_post"], by_hand.grad["resid_post"])
    assert run.grad["resid_post", 2].abs().max() > 1e-3


def test_functions_and_last_logits(model, run):
    metric = as_metric(lambda logits, prompts: logits[:, 7] * prompts)
    torch.testing.assert_close(metric(run), last(run)[:, 7] * torch.arange(3))
    short = model.run(RAGGED, logits="last")
    torch.testing.assert_close(logit_diff(3, 6)(short), logit_diff(3, 6)(run), atol=1e-6, rtol=1e-5)
    with pytest.raises(SiteError, match="run with logits='all'"):
        loss()(short)
    with pytest.raises(SiteError, match="needs logits"):
        prob(3)(model.run(RAGGED, read=["resid_pre"], logits="none"))
    with pytest.raises(ValueError, match="returned shape"):
        custom(lambda logits, prompts: logits.mean())(run)
    with pytest.raises(TypeError, match="a metric is"):
        as_metric("logit_diff")
    assert isinstance(metric, Metric)
    assert (loss().unit, rank(3).name) == ("nats per token", "rank")
