"""Wrong labels planted in `fashion` are found, and better over the whole of training than at one step of it.

250 of the 5,000 images get a wrong label; 10 runs on balanced halves, 20 epochs, seed 0. The numbers are AUROCs of the
planted against all other training images. Seen with seeds 0, 1, 2: memorization .962, .957, .961; mean_confidence
.973, .963, .970; csl .988, .981, .983; loss .863, .839, .866; el2n(step=20) .864, .839, .866. The smallest lead of a
cumulative score is .10, and half of it is asked for.
"""

import numpy as np
import pytest

from byrote.evidence.evaluate import evaluate
from byrote.scores import SCORES
from byrote.summaries import auroc
from byrote.task.canaries import Canaries
from byrote.task.designs import halves
from byrote.task.examples import Examples
from byrote.task.loading import fashion
from byrote.task.models import cnn
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

pytestmark = pytest.mark.headline

SEED, PLANTED = 0, 250
RECIPE = Recipe(epochs=20, batch_size=128, learning_rate=linear(0.006), evaluate_every=0)
AHEAD = 0.05


def standardized(examples: Examples) -> Examples:
    """With mean 0 and variance 1 the members among the planted are fitted in 20 epochs (99 %, not 82 %)."""
    inputs = (examples.inputs / 255 - 0.286) / 0.353
    return Examples(inputs, examples.labels, list(examples.ids))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """How well each score finds the planted labels."""
    given = fashion()
    task = Task(lambda: cnn((28, 28), 10), standardized(given.train), standardized(given.test), RECIPE, given.classes)
    where, planted = tmp_path_factory.mktemp("fashion"), Canaries(mislabeled=PLANTED)
    record = collect(task, where, runs=10, design=halves(), canaries=planted, seed=SEED, compute=Compute(workers=2))
    wrong = record.population.canary == "mislabeled"
    asked = wrong | record.population.where("train")
    assert (int(wrong.sum()), int(asked.sum())) == (PLANTED, 5_000)
    areas: dict[str, float] = {}
    for name in ("memorization", "mean_confidence", "csl", "loss", "el2n"):
        values = evaluate(SCORES[name], record)
        areas[name] = auroc(values.score.sign * values.value[asked], wrong[asked]).value
    assert SCORES["el2n"].options == {"step": 20}
    assert np.isfinite(list(areas.values())).all()
    return areas


@pytest.mark.parametrize("name", ["memorization", "mean_confidence"])
def test_planted_labels_are_found(found: dict[str, float], name: str) -> None:
    assert found[name] > 0.95


# EL2N is read late here, rather than bad: at step 5 it gives .98, as much as the cumulative scores. The paper's step 20
# is the tenth part of its training, and all of this one.
@pytest.mark.parametrize("cumulative", ["mean_confidence", "csl"])
@pytest.mark.parametrize("single", ["loss", "el2n"])
def test_the_whole_of_training_tells_more_than_one_step(found: dict[str, float], cumulative: str, single: str) -> None:
    assert found[cumulative] > found[single] + AHEAD
