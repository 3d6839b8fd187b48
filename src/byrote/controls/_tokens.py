"""What controls of language models have in common."""

from byrote.controls.control import Control
from byrote.errors import InvalidData
from byrote.task.task import Task


def check_tokens(control: Control, task: Task) -> None:
    """Raise InvalidData unless the task learns the tokens of texts."""
    if task.learned.name != "tokens":
        raise InvalidData(
            f"{control.name} is for language models, and the task {task.name!r} learns {task.learned.name}. Give another control."
        )
