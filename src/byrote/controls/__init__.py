"""Controls: remedies against memorization and their opposites, one per file. A control is a value `Task -> Task`."""

from byrote.controls.augment import augment as augment
from byrote.controls.balance import balance as balance
from byrote.controls.control import Control as Control
from byrote.controls.cutmix import cutmix as cutmix
from byrote.controls.deduplicate import deduplicate as deduplicate
from byrote.controls.downweight import downweight as downweight
from byrote.controls.drop import drop as drop
from byrote.controls.dropout import dropout as dropout
from byrote.controls.feature_dropout import feature_dropout as feature_dropout
from byrote.controls.flooding import flooding as flooding
from byrote.controls.hold import hold as hold
from byrote.controls.input_dropout import input_dropout as input_dropout
from byrote.controls.input_noise import input_noise as input_noise
from byrote.controls.mixup import mixup as mixup
from byrote.controls.parse import VALUES, parse_with
from byrote.controls.parse import apply as apply
from byrote.controls.relabel import relabel as relabel
from byrote.controls.signal_augment import signal_augment as signal_augment
from byrote.controls.subset import subset as subset
from byrote.controls.thermostat import thermostat as thermostat
from byrote.controls.token_dropout import token_dropout as token_dropout
from byrote.controls.weight_decay import weight_decay as weight_decay

CONTROLS: dict[str, type[Control]] = {
    each.name: each
    for each in (
        dropout,
        weight_decay,
        flooding,
        thermostat,
        augment,
        mixup,
        cutmix,
        input_noise,
        input_dropout,
        feature_dropout,
        signal_augment,
        token_dropout,
        subset,
        drop,
        downweight,
        relabel,
        deduplicate,
        balance,
    )
}
"""Every control by its name."""

VALUES["hold"] = hold


def parse_control(text: str) -> Control:
    """Return the control that is spelled like `dropout(0.5)`; raise ByroteError for what is none."""
    return parse_with(text, CONTROLS)
