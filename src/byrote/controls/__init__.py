"""Controls: remedies against memorization and their opposites, one per file. A control is a value `Task -> Task`."""

from byrote.controls.augment import augment as augment
from byrote.controls.balance import balance as balance
from byrote.controls.batch_size import batch_size as batch_size
from byrote.controls.clip import clip as clip
from byrote.controls.clip_each import clip_each as clip_each
from byrote.controls.confidence_penalty import confidence_penalty as confidence_penalty
from byrote.controls.control import Control as Control
from byrote.controls.cutmix import cutmix as cutmix
from byrote.controls.deduplicate import deduplicate as deduplicate
from byrote.controls.depth import depth as depth
from byrote.controls.distill import distill as distill
from byrote.controls.downweight import downweight as downweight
from byrote.controls.dp_sgd import dp_sgd as dp_sgd
from byrote.controls.dp_sgd import nominal_epsilon as nominal_epsilon
from byrote.controls.drop import drop as drop
from byrote.controls.dropout import dropout as dropout
from byrote.controls.early_learning_regularization import early_learning_regularization as early_learning_regularization
from byrote.controls.early_stop import early_stop as early_stop
from byrote.controls.epochs import epochs as epochs
from byrote.controls.example_tied_dropout import example_tied_dropout as example_tied_dropout
from byrote.controls.feature_dropout import feature_dropout as feature_dropout
from byrote.controls.flooding import flooding as flooding
from byrote.controls.flooding_per_example import flooding_per_example as flooding_per_example
from byrote.controls.generalized_cross_entropy import generalized_cross_entropy as generalized_cross_entropy
from byrote.controls.goldfish import goldfish as goldfish
from byrote.controls.hold import hold as hold
from byrote.controls.input_dropout import input_dropout as input_dropout
from byrote.controls.input_noise import input_noise as input_noise
from byrote.controls.l1 import l1 as l1
from byrote.controls.l2 import l2 as l2
from byrote.controls.label_smoothing import label_smoothing as label_smoothing
from byrote.controls.learning_rate import learning_rate as learning_rate
from byrote.controls.mixup import mixup as mixup
from byrote.controls.ngram_penalty import ngram_penalty as ngram_penalty
from byrote.controls.optimizer import optimizer as optimizer
from byrote.controls.parse import VALUES, parse_with
from byrote.controls.parse import apply as apply
from byrote.controls.relabel import relabel as relabel
from byrote.controls.sam import sam as sam
from byrote.controls.signal_augment import signal_augment as signal_augment
from byrote.controls.subset import subset as subset
from byrote.controls.temperature import temperature as temperature
from byrote.controls.thermostat import thermostat as thermostat
from byrote.controls.token_dropout import token_dropout as token_dropout
from byrote.controls.trim import trim as trim
from byrote.controls.wanted import wanted as wanted
from byrote.controls.weight_decay import weight_decay as weight_decay
from byrote.controls.width import width as width
from byrote.controls.winsorize import winsorize as winsorize
from byrote.controls.without_brakes import without_brakes as without_brakes

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
        wanted,
        relabel,
        deduplicate,
        balance,
        batch_size,
        clip,
        clip_each,
        confidence_penalty,
        dp_sgd,
        early_learning_regularization,
        early_stop,
        epochs,
        flooding_per_example,
        generalized_cross_entropy,
        l1,
        l2,
        label_smoothing,
        learning_rate,
        optimizer,
        sam,
        temperature,
        trim,
        winsorize,
        example_tied_dropout,
        distill,
        width,
        depth,
        without_brakes,
        goldfish,
        ngram_penalty,
    )
}
"""Every control by its name."""

VALUES["hold"] = hold


def parse_control(text: str) -> Control:
    """Return the control that is spelled like `dropout(0.5)`; raise ByroteError for what is none."""
    return parse_with(text, CONTROLS)
