"""The tables of `evaluate_router`, as text. Pure; for commands only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routing.evaluation import Split, pair_of, predicted_cost_usd
from routing.features import Floats
from routing.measures import (
    ManyModels,
    apgr,
    brier,
    cpt,
    many_models,
    reliability,
    spanned,
    within_model_auc,
)  # fmt: skip
from routing.outcomes import Corpus

# The best APGR of the shared data's baselines.csv: without and with sentence embeddings.
BEST_PLAIN = {"mmlu": 0.723, "mmlu_pro": 0.563, "math_l5": 0.551, "crux": 0.548,
              "llmrouter_mix": 0.708}  # fmt: skip
BEST_EMBEDDED = {"mmlu": 0.757, "mmlu_pro": 0.585, "math_l5": 0.560, "crux": 0.538,
                 "llmrouter_mix": 0.721}  # fmt: skip


def gap_and_signal(split: Split, corpus: Corpus, name: str) -> tuple[Floats, Floats]:
    """What the strong model adds on each prompt, and what was predicted that it adds."""
    benchmark, quality = split.benchmarks[name], split.quality[name]
    strong, weak = pair_of(benchmark, corpus.prices)
    gain = benchmark.scores[:, strong] - benchmark.scores[:, weak]
    return gain, quality[:, strong] - quality[:, weak]


def pair_table(split: Split, corpus: Corpus) -> str:
    lines = [f"\n== {split.name}: two models ==",
             f"{'benchmark':16}{'APGR':>22}{'CPT50':>7}{'CPT80':>7}{'length':>8}{'demand':>8}"
             f"{'plain*':>8}{'embed*':>8}{'strange':>9}"]  # fmt: skip
    areas = []
    for name, benchmark in split.benchmarks.items():
        gain, signal = gap_and_signal(split, corpus, name)
        area = spanned(lambda rows, g=gain, s=signal: apgr(g[rows], s[rows]), len(gain))  # type: ignore[misc]
        areas.append(area.value)
        length = apgr(gain, corpus.counts[benchmark.rows, 1])
        lines.append(
            f"{name:16}{area!s:>22}{cpt(gain, signal, 50):7.1f}{cpt(gain, signal, 80):7.1f}"
            f"{length:8.3f}{apgr(gain, split.demand[name]):8.3f}{BEST_PLAIN.get(name, 0.5):8.3f}"
            f"{BEST_EMBEDDED.get(name, 0.5):8.3f}{split.unfamiliar[name].mean():9.2f}"
        )
    return "\n".join(
        [*lines, f"{'mean':16}{np.mean(areas):8.3f}   (* best cross-validated baseline)"]
    )


def twins_table(split: Split, corpus: Corpus, twins: NDArray[np.bool_]) -> str:
    """How many prompts have a twin among those trained on, and the figures without them."""
    lines = [f"\n== {split.name}: without prompts that resemble one of the training ==",
             f"{'benchmark':16}{'prompts':>9}{'twins':>7}{'APGR':>8}{'Brier':>8}"]  # fmt: skip
    areas = []
    for name, benchmark in split.benchmarks.items():
        gain, signal = gap_and_signal(split, corpus, name)
        new = ~twins[benchmark.rows]
        areas.append(apgr(gain[new], signal[new]) if new.any() else float("nan"))
        error = brier(split.quality[name][new], benchmark.scores[new])
        lines.append(f"{name:16}{len(new):9}{int((~new).sum()):7}{areas[-1]:8.3f}{error:8.4f}")
    return "\n".join([*lines, f"{'mean':32}{np.nanmean(areas):8.3f}"])


def measured(split: Split, corpus: Corpus, name: str) -> ManyModels:
    benchmark = split.benchmarks[name]
    cost = predicted_cost_usd(corpus, benchmark, split.tokens[name])
    return many_models(split.quality[name], cost, benchmark.scores, benchmark.cost_usd)


def many_table(split: Split, corpus: Corpus, others: Sequence[Split] = ()) -> str:
    """The many-model measures; with `others`, the mean gain over all of them too."""
    lines = [f"\n== {split.name}: many models (router / hull of single models) ==",
             f"{'benchmark':16}{'models':>7}{'AIQ':>14}{'q@c/2':>14}{'q@c/4':>14}{'cost95':>14}"
             f"{'gain over hull':>26}{'mean':>8}"]  # fmt: skip
    for name, benchmark in split.benchmarks.items():
        if len(benchmark.models) < 2:
            continue
        m = measured(split, corpus, name)
        gains = [m.gain.value, *(measured(other, corpus, name).gain.value for other in others)]
        pairs = ((m.aiq, m.hull_aiq), (m.half, m.hull_half), (m.quarter, m.hull_quarter),
                 (m.cost95, m.hull_cost95))  # fmt: skip
        cells = "".join(f"{f'{ours:.3f}/{hull:.3f}':>14}" for ours, hull in pairs)
        lines.append(
            f"{name:16}{len(benchmark.models):7}{cells}{m.gain!s:>26}{np.mean(gains):8.4f}"
        )
    return "\n".join(lines)


def calibration_table(split: Split) -> str:
    lines = [f"\n== {split.name}: calibration ==",
             f"{'benchmark':16}{'Brier':>8}{'of means':>9}{'AUC':>7}"]  # fmt: skip
    for name, benchmark in split.benchmarks.items():
        scores, quality = benchmark.scores, split.quality[name]
        means = np.broadcast_to(np.nanmean(scores, 0), scores.shape)
        lines.append(
            f"{name:16}{brier(quality, scores):8.4f}{brier(means, scores):9.4f}"
            f"{within_model_auc(quality, scores):7.3f}"
        )
    every = [
        (split.quality[name].ravel(), b.scores.ravel()) for name, b in split.benchmarks.items()
    ]
    bins = reliability(np.concatenate([q for q, _ in every]), np.concatenate([s for _, s in every]))
    error = sum(abs(said - came) * count for said, came, count in bins)
    lines.append("predicted " + " ".join(f"{said:6.2f}" for said, _, _ in bins))
    lines.append("came true " + " ".join(f"{came:6.2f}" for _, came, _ in bins))
    lines.append(f"expected calibration error {error / sum(count for *_, count in bins):.3f}")
    return "\n".join(lines)


def few_table(splits: Sequence[Split], corpus: Corpus) -> str:
    lines = ["\n== 1,500 labelled MMLU questions alone (RouteLLM's setting; its best: .603, 35.4,"
             " 71.6) =="]  # fmt: skip
    found = []
    for split in splits:
        gain, signal = gap_and_signal(split, corpus, "mmlu")
        found.append((apgr(gain, signal), cpt(gain, signal, 50), cpt(gain, signal, 80)))
        lines.append("APGR {:.3f}  CPT50 {:.1f}  CPT80 {:.1f}".format(*found[-1]))
    return "\n".join([*lines, "mean {:.3f}  {:.1f}  {:.1f}".format(*np.mean(found, 0))])


def yesterday_table(new: Split, known: Split, corpus: Corpus) -> str:
    head = f"{'benchmark':16}{'models':>10}{'known':>16}{'yesterday':>16}{'hull':>16}"
    lines = [
        "\n== models released yesterday: quality at half and a quarter of the best's cost ==",
        head,
    ]
    for name in new.benchmarks:
        one, other = measured(new, corpus, name), measured(known, corpus, name)
        cells = ((other.half, other.quarter), (one.half, one.quarter),
                 (one.hull_half, one.hull_quarter))  # fmt: skip
        told = "".join(f"{f'{half:.3f} {quarter:.3f}':>16}" for half, quarter in cells)
        lines.append(f"{name:16}{len(new.benchmarks[name].models):10}{told}")
    return "\n".join(lines)
