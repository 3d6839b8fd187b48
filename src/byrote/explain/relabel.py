"""Label suggestions by models not trained on the example: a table that can be reviewed, applied and undone.

Those of a regression are in `target_suggestions`.

Out-of-sample predictions as in confident learning, Northcutt et al., 2021, arXiv:1911.00068; the threshold is our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import MissingEvidence
from byrote.evidence.tables import Row
from byrote.explain.causes import FEWEST_MODELS, agreed_alternative
from byrote.explain.class_probabilities import class_probabilities
from byrote.explain.neighbours import Space, space
from byrote.explain.noise_floor import beyond_noise, noise_floor
from byrote.explain.out_predictions import OutPredictions, read_out_predictions
from byrote.explain.target_suggestions import TargetSuggestion, is_nearer, suspect_rows, target_row, target_suggestions
from byrote.record import Record

FDR = 0.1
"""False-discovery rate of the list of altered labels."""


@dataclass(frozen=True)
class Suggestion:
    """What models not trained on one example predict for it, compared with its label.

    `predicted_label` is what most of them predict (None: there is no such model), `agreement` their share and `models` their
    number. `label_quality` is the mean probability that they give to the label as it is: 0 is surely wrong, 1 surely
    right, NaN without such a model. `is_label_issue` is the rule of the cause "label suspect": enough of them agree on
    another label, and the example would be no outlier there (where inputs were kept). It says that the label contradicts
    the other examples, not that it is wrong. `probability_altered` is the probability that the label was altered rather than
    not determined by its input, from 0 to 1 (see `noise_floor`). It is NaN where it is unknown, and for all where nothing in
    the data tells the two apart: few labels, or models that are as sure of all. `is_beyond_noise` says whether it is
    one of the label issues of the list at the false-discovery rate FDR (see `beyond_noise`): these are what `apply_labels`
    changes; none where nothing tells the two apart. None where models left no probabilities of the classes.
    """

    position: int
    id: str
    given_label: int
    predicted_label: int | None
    is_label_issue: bool
    label_quality: float
    agreement: float
    models: int
    probability_altered: float
    is_beyond_noise: bool | None


@checked
def suggestions(
    record: Record, positions: Int[ndarray, " query"] | None = None, *, points: Space | None = None
) -> list[Suggestion] | list[TargetSuggestion]:
    """Return a suggestion for every real training example, or for those at `positions`, the most doubtful first.

    Issues beyond noise come first, then the other issues, then the rest; among these, of a classification, the lowest label
    quality, and of a regression, whose suggestions are target suggestions, the target farthest from its prediction. Only
    runs that were not trained on an example are used: for test examples, all. Without recorded losses, the label quality is
    the share of these runs that predict the label. `points` may be passed when they are at hand. It misleads where models not
    trained on an example are wrong together, for example about a rare kind. Look before you apply. Raises MissingEvidence when
    there is no such prediction for any of them, and for other objectives.
    """
    population = record.population
    if record.objective.name not in ("classification", "regression"):
        raise MissingEvidence(
            f"Labels are suggested for classification and targets for regression, not for {record.objective.name}."
        )
    chosen = np.flatnonzero(population.where("train")) if positions is None else positions
    if not len(chosen):
        return []
    if record.objective.name == "regression":
        return target_suggestions(record, chosen, points=points)
    return _class_suggestions(record, chosen, points, _probability_altered(record, chosen))


def _class_suggestions(
    record: Record,
    chosen: Int[ndarray, " query"],
    points: Space | None,
    judged: tuple[Float[ndarray, " query"], Bool[ndarray, " query"]],
) -> list[Suggestion]:
    population = record.population
    predictions = read_out_predictions(record, chosen, record.runs)
    quality = _label_quality(record, chosen, predictions)
    issue = _label_issues(record, chosen, predictions, points)
    altered, floored = judged
    listed = beyond_noise(np.nan_to_num(altered), issue & ~np.isnan(altered), fdr=FDR)
    found = [
        _suggest(
            int(at),
            str(population.ids[at]),
            int(population.labels[at]),
            predicted,
            float(value),
            bool(doubted),
            p,
            named if has_floor else None,
        )
        for at, predicted, value, doubted, p, named, has_floor in zip(
            chosen, predictions, quality, issue, altered.tolist(), listed.tolist(), floored.tolist(), strict=True
        )
    ]
    return [found[i] for i in np.lexsort((quality, ~issue, ~(listed & floored)))]


def suggestion_rows(record: Record, found: Sequence[Suggestion | TargetSuggestion]) -> list[Row]:
    """Return the rows of the table; the columns that cleanlab has are called and coded as there."""
    names = record.classes
    return [
        target_row(each)
        if isinstance(each, TargetSuggestion)
        else {
            "example": each.id,
            "is_label_issue": each.is_label_issue,
            "is_beyond_noise": each.is_beyond_noise,
            "label_quality": None if np.isnan(each.label_quality) else each.label_quality,
            "given_label": each.given_label,
            "predicted_label": each.predicted_label,
            "agreement": None if np.isnan(each.agreement) else each.agreement,
            "models": each.models,
            "probability_altered": None if np.isnan(each.probability_altered) else each.probability_altered,
            "given_class": names[each.given_label],
            "predicted_class": None if each.predicted_label is None else names[each.predicted_label],
        }
        for each in found
    ]


def shown_rows(record: Record, issues: Sequence[Suggestion | TargetSuggestion]) -> list[Row]:
    """Return the rows that the terminal shows: of several targets, one row for each suspect target.

    Without `probability_altered`, where it is unknown for all.
    """
    shown = ["example", "given_class", "predicted_class", "agreement", "models", "label_quality"]
    if any(isinstance(each, Suggestion) and not np.isnan(each.probability_altered) for each in issues):
        shown.append("probability_altered")
    rows: list[Row] = []
    for each in issues:
        if isinstance(each, TargetSuggestion):
            rows += suspect_rows(each, record.classes)
        else:
            rows += [{name: row[name] for name in shown} for row in suggestion_rows(record, [each])]
    return rows


@dataclass(frozen=True)
class IssueNoise:
    """How many label issues noise in the data explains.

    `by_noise` is how many of the `issues` are expected although their label was not altered; NaN where nothing in the data
    tells altered labels from those that their inputs do not determine. `beyond` of them form the list at the false-discovery
    rate `fdr`: a share of at most `fdr` of these is expected to be unaltered.
    """

    issues: int
    by_noise: float
    beyond: int
    fdr: float


def issue_noise(found: Sequence[Suggestion | TargetSuggestion], *, fdr: float = FDR) -> IssueNoise | None:
    """Return how many of the label issues noise explains; None for targets, and where it is unknown."""
    labels = [each for each in found if isinstance(each, Suggestion) and each.is_beyond_noise is not None]
    if not labels:
        return None
    altered = np.array([each.probability_altered for each in labels])
    issue = np.array([each.is_label_issue for each in labels])
    beyond = beyond_noise(np.nan_to_num(altered), issue & ~np.isnan(altered), fdr=fdr)
    return IssueNoise(int(issue.sum()), float((1 - altered[issue]).sum()), int(beyond.sum()), fdr)


def most_models(found: Sequence[Suggestion | TargetSuggestion]) -> tuple[int, int]:
    """Return how many suggestions rest on enough models to be judged, and the largest number of models of any."""
    models = [each.models for each in found]
    return sum(number >= FEWEST_MODELS for number in models), max(models, default=0)


@dataclass(frozen=True)
class IssueCheck:
    """How the rule does on labels whose truth is known: those of canaries.

    Of `wrong` planted wrong labels, `judged` were left out of FEWEST_MODELS models or more, as a judgement takes; `found` of
    these are reported as issues, and for `proposed` of the found the original label is suggested.
    In a regression these are wrong targets, and `proposed` counts those of the found for which the proposal is nearer to the
    original target than the wrong target is. Of `right` ordinary canaries, `accused` are reported as issues. All are 0 where
    no canaries were planted. Some labels of the data may have been wrong before: `accused` counts them as errors of the rule.
    """

    wrong: int
    judged: int
    found: int
    proposed: int
    right: int
    accused: int


def check_issues(record: Record, *, points: Space | None = None) -> IssueCheck:
    """Return how many of the planted wrong labels are reported as issues, and how many of the ordinary canaries.

    `points` may be passed when they are at hand.
    """
    population = record.population
    points = points or space(population)
    wrong, right = (
        _to_check(record, np.flatnonzero(population.canary == kind), points) for kind in ("mislabeled", "ordinary")
    )
    issues = [each for each in wrong if is_issue(each)]
    return IssueCheck(
        wrong=len(wrong),
        judged=most_models(wrong)[0],
        found=len(issues),
        proposed=sum(_is_improved(record, each) for each in issues),
        right=len(right),
        accused=sum(is_issue(each) for each in right),
    )


def _to_check(
    record: Record, chosen: Int[ndarray, " query"], points: Space
) -> list[Suggestion] | list[TargetSuggestion]:
    """Return suggestions without the probability that a label was altered, which decides nothing here and takes longest."""
    if record.objective.name != "classification" or not len(chosen):
        return suggestions(record, chosen, points=points)
    unknown = np.full(len(chosen), np.nan), np.zeros(len(chosen), np.bool_)
    return _class_suggestions(record, chosen, points, unknown)


def is_issue(suggestion: Suggestion | TargetSuggestion) -> bool:
    """Whether the rule doubts the label, or one of the targets."""
    return suggestion.is_label_issue if isinstance(suggestion, Suggestion) else any(suggestion.is_target_issue)


def _is_improved(record: Record, each: Suggestion | TargetSuggestion) -> bool:
    if isinstance(each, Suggestion):
        return each.predicted_label == int(record.population.true_label[each.position])
    return is_nearer(record, each.position, each.proposal)


def _label_issues(
    record: Record, positions: Int[ndarray, " query"], predictions: Sequence[OutPredictions], points: Space | None
) -> Bool[ndarray, " query"]:
    population = record.population
    labels = population.labels[positions]
    agreed = [agreed_alternative(int(label), each) for label, each in zip(labels, predictions, strict=True)]
    issue = np.array([alternative is not None for alternative in agreed])
    if issue.any():
        points = points or space(population)
        alternatives = np.array([alternative for alternative in agreed if alternative is not None])
        issue[issue] = ~(points.distance_to(positions[issue], alternatives) > 1)
    return issue


def _probability_altered(
    record: Record, positions: Int[ndarray, " query"]
) -> tuple[Float[ndarray, " query"], Bool[ndarray, " query"]]:
    """Return the probability that each label was altered, by the noise floor of the real examples of its split.

    NaN where it is unknown; the second says which have a noise floor, whether or not it tells altered labels from others.
    """
    population = record.population
    test = population.where("test")
    reference = np.flatnonzero(test if test[positions].all() else population.where("train"))
    found, floored = np.full(len(positions), np.nan), np.zeros(len(positions), np.bool_)
    try:
        usual, own = class_probabilities(record, reference), class_probabilities(record, positions)
    except MissingEvidence:
        return found, floored
    known, predicted = ~np.isnan(usual).any(axis=1), ~np.isnan(own).any(axis=1)
    if known.any():
        floor = noise_floor(usual[known], population.labels[reference[known]])
        floored[predicted] = True
        if floor.altered > 0:  # else nothing in these data tells altered labels from noise
            found[predicted] = floor.probability_altered(own[predicted], population.labels[positions[predicted]])
    return found, floored


def _suggest(
    at: int,
    name: str,
    label: int,
    predictions: OutPredictions,
    quality: float,
    issue: bool,
    altered: float,
    beyond: bool | None,
) -> Suggestion:
    alternative = predictions.alternative(label)
    other = alternative is not None and predictions.counts[alternative] > predictions.counts[label]
    first = (alternative if other else label) if predictions.models else None
    share = float("nan") if first is None else predictions.share(first)
    return Suggestion(at, name, label, first, issue, quality, share, predictions.models, altered, beyond)


def _label_quality(
    record: Record, positions: Int[ndarray, " query"], predictions: Sequence[OutPredictions]
) -> Float[ndarray, " query"]:
    total, count = np.zeros(len(positions)), np.zeros(len(positions))
    for run in record.runs:
        loss = record.at_step(run, "loss", record.last_step)[positions].astype(np.float64)
        out = ~record.member(run)[positions] & ~np.isnan(loss)
        total[out] += np.exp(-loss[out])
        count += out
    labels = record.population.labels[positions]
    votes = np.array([each.share(int(label)) for each, label in zip(predictions, labels, strict=True)])
    return np.where(count > 0, total / np.maximum(count, 1), votes)
