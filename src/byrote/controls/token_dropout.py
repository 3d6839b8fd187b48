"""Token dropout: words of a text are replaced by one token at random (Bowman et al., 2016, arXiv:1511.06349, section 3.1)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from byrote.controls._inputs import generator, refused
from byrote.controls.control import MethodControl, check_knob
from byrote.errors import InvalidData
from byrote.record.inputs import parts
from byrote.task.methods import Transform
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class token_dropout(MethodControl, Transform):
    """Replaces each token id by `token` with probability `rate`, whenever a text is shown; 0 changes nothing, 1 leaves no text.

    `token` is the id of what stands for an unknown word, of a mask or of padding in your vocabulary (default: 0). Where an
    example has several inputs, its token ids are the first array of whole numbers `[example, position]`, as a tokenizer
    gives them; the others, such as an attention mask, stay. A model then cannot rest on one rare word that names an
    example. It misleads where a single word decides the class.
    """

    rate: Knob
    token: int = 0
    name: ClassVar[str] = "token_dropout"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.15, 0.3)

    def __post_init__(self) -> None:
        check_knob(self, "rate", self.rate, 1.0)
        if type(self.token) is not int or self.token < 0:
            raise InvalidData(
                f"token_dropout(token={self.token!r}) cannot train. Give a token id: a whole number, 0 or more."
            )

    def check(self, task: Task) -> None:
        """Raise InvalidData unless there are token ids: whole numbers `[example, position]`."""
        if not any(part.ndim == 2 and part.dtype.kind in "iu" for part in parts(task.train.inputs).values()):
            raise refused(self, task, "token ids")

    def transform(self, inputs: Any, strength: float, seed: int) -> Any:
        """Return the inputs with a share `strength` of the token ids replaced."""
        import torch  # heavy, and not needed to describe a control

        ids = next(part for part in parts(inputs).values() if _are_ids(part))
        drawn = torch.rand(ids.shape, generator=generator(inputs, seed), device=ids.device)
        changed = torch.where(drawn < strength, self.token, ids)
        if isinstance(inputs, dict):
            return {name: changed if part is ids else part for name, part in inputs.items()}
        return tuple(changed if part is ids else part for part in inputs) if isinstance(inputs, tuple) else changed


def _are_ids(part: "Tensor") -> bool:
    return part.ndim == 2 and str(part.dtype) in ("torch.int64", "torch.int32")
