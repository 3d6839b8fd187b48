"""Controls: remedies against memorization and their opposites, one per file. A control is a value `Task -> Task`."""

from byrote.controls.control import Control as Control
from byrote.controls.depth import depth as depth
from byrote.controls.distill import distill as distill
from byrote.controls.dropout import dropout as dropout
from byrote.controls.example_tied_dropout import example_tied_dropout as example_tied_dropout
from byrote.controls.flooding import flooding as flooding
from byrote.controls.parse import apply as apply
from byrote.controls.parse import parse_with
from byrote.controls.weight_decay import weight_decay as weight_decay
from byrote.controls.width import width as width
from byrote.controls.without_brakes import without_brakes as without_brakes

CONTROLS: dict[str, type[Control]] = {
    each.name: each
    for each in (
        dropout,
        weight_decay,
        flooding,
        example_tied_dropout,
        distill,
        width,
        depth,
        without_brakes,
    )
}
"""Every control by its name."""


def parse_control(text: str) -> Control:
    """Return the control that is spelled like `dropout(0.5)`; raise ByroteError for what is none."""
    return parse_with(text, CONTROLS)
