"""Vocabulary: the words of the report that depend on what the models learn, in one place."""

from dataclasses import dataclass

from byrote.errors import unknown
from byrote.record import Record


@dataclass(frozen=True)
class Vocabulary:
    """The words and the number format for one kind of objective.

    `right` names how well a model does (1 is perfect); `target` and `targets` name what it has to predict. `among` names the
    examples that the input of one is compared with. `memorization` says in a sentence what memorization of an example is,
    `definition` as a formula. `baseline` names a model that ignores its input. `is_share`: the value of
    `right` lies between 0 and 1 and is shown in percent; otherwise it is shown with two decimals, and may be negative.
    """

    kind: str
    right: str
    target: str
    targets: str
    wrong_target: str
    among: str
    memorization: str
    definition: str
    baseline: str
    is_share: bool

    @property
    def heading(self) -> str:
        """`right` at the beginning of a heading."""
        return self.right[0].upper() + self.right[1:]


CLASSIFICATION = Vocabulary(
    kind="classification",
    right="accuracy",
    target="label",
    targets="labels",
    wrong_target="wrong label",
    among="other examples with its label",
    memorization="how much more often models predict its label when they were trained on it than when they were not",
    definition="P(correct | trained on it) - P(correct | not trained on it)",
    baseline="always naming the commonest label",
    is_share=True,
)

REGRESSION = Vocabulary(
    kind="regression",
    right="R²",
    target="target",
    targets="targets",
    wrong_target="wrong target",
    among="other training examples",
    memorization="how much larger the squared error is in models that were not trained on it than in models that were, divided by the variance of the targets",
    definition="(squared error when not trained on it - squared error when trained on it) / variance of the targets",
    baseline="always predicting the mean target",
    is_share=False,
)

MULTILABEL = Vocabulary(
    kind="multilabel",
    right="share of labels right",
    target="label set",
    targets="label sets",
    wrong_target="wrong label set",
    among="other training examples",
    memorization="how much larger the share of its labels that models predict right is when they were trained on it than when they were not",
    definition="share of its labels right when trained on it - share of its labels right when not trained on it",
    baseline="always naming the commoner value of each label",
    is_share=True,
)

TOKENS = Vocabulary(
    kind="tokens",
    right="token accuracy",
    target="text",
    targets="texts",
    wrong_target="shuffled text",
    among="other training texts",
    memorization="how much larger the share of its tokens that models predict right is when they were trained on it than when they were not",
    definition="share of its tokens right when trained on it - share of its tokens right when not trained on it",
    baseline="always naming the commonest token",
    is_share=True,
)

_KINDS = {each.kind: each for each in (CLASSIFICATION, REGRESSION, MULTILABEL, TOKENS)}


def vocabulary(objective_kind: str) -> Vocabulary:
    """Return the words for `classification`, `regression`, `multilabel` or `tokens`. Raises ByroteError for another kind."""
    if objective_kind not in _KINDS:
        raise unknown("kind of objective", objective_kind, _KINDS)
    return _KINDS[objective_kind]


def read_vocabulary(record: Record) -> Vocabulary:
    """Return the words for what the models of a record learned."""
    return vocabulary(record.objective.name)
