"""What the files of the claims have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from byrote.experiments.reproductions.experiment import Experiment, Found, Part, Shown


@dataclass(frozen=True)
class Size:
    """How large the experiment of a claim is: training examples, epochs and seeds of each arm."""

    data: str = "fashion14"
    examples: int = 1000
    epochs: int = 60
    seeds: int = 5

    def options(self) -> dict[str, Any]:
        """Return what all arms have in common."""
        return {"data": self.data, "examples": self.examples, "epochs": self.epochs}


SIZES = {
    "tiny": Size(),
    "small": Size(examples=2000, epochs=100, seeds=10),
    "paper": Size(data="mnist", examples=20_000, epochs=60, seeds=5),
}

DIFFERS = {
    "tiny": "One data set of 5,000 grey images at 14x14, a perceptron with one layer of 256 units, 1,000 training examples, AdamW. Other data and models may differ.",
    "small": "One data set of 5,000 grey images at 14x14, a perceptron with one layer of 256 units, 2,000 training examples, AdamW. Other data and models may differ.",
    "paper": "MNIST, a perceptron with one layer of 256 units, 20,000 training examples, AdamW. Other data and models may differ.",
}


def claim(
    name: str,
    title: str,
    said: str,
    contested: str,
    parts: Callable[[Size, int], list[Part]],
    show: Callable[[Size, Mapping[str, Found]], Shown],
    minutes: float,
) -> Experiment:
    """Return the experiment of a claim: `said` is what is commonly said, `minutes` those of one core at scale tiny."""
    return Experiment(
        paper="claims",
        name=name,
        title=title,
        claim=said,
        differs=DIFFERS,
        sizes=SIZES,
        minutes={"tiny": minutes, "small": 7 * minutes},
        parts=parts,
        show=show,
        data=lambda size: [size.data],
        contested=contested,
    )
