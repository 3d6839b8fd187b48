"""Membership: which examples are recognizable as training data, and whether the attacks are sound."""

from dataclasses import dataclass

from byrote.evidence.targets import target_text
from byrote.findings.findings import Findings
from byrote.membership.attacks import DELTA, RATES, Membership
from byrote.record import Record
from byrote.report.charts import Chart, operating_curve
from byrote.report.pictures import Album
from byrote.report.rows import operating_dots
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured
from byrote.summaries.one_run import Guesses, one_run_epsilon


@dataclass(frozen=True)
class ExposedExample:
    """One example at risk: how often the attack called it a member, of the runs trained on it and of the others."""

    id: str
    label: str
    picture: str | None
    in_member: int
    in_runs: int
    out_member: int
    out_runs: int


@dataclass(frozen=True)
class Epsilons:
    """Lower bounds of epsilon, the least and the greatest of `runs`; `most`: what so many `canaries` can show at most."""

    least: float
    greatest: float
    runs: int
    delta: float
    canaries: int
    most: float


@dataclass(frozen=True)
class Recognizable:
    """The attacks, the examples that the strongest finds most often, and the bounds of epsilon (None: not audited)."""

    attacks: Membership
    chart: Chart | None
    rates: tuple[float, ...]
    epsilons: Epsilons | None
    exposed: tuple[ExposedExample, ...]


def read_membership_section(record: Record, found: Findings, album: Album) -> Section:
    """Return the attacks, or why they were not run; the pictures of the exposed examples enter the album."""
    title = "Which examples are recognizable as training data?"
    attacks = found.membership
    if isinstance(attacks, NotMeasured):
        return Section("membership", "Membership", title, attacks)
    dots, lowest = operating_dots(attacks)
    about = "True-positive rate against false-positive rate of membership attacks"
    chart = operating_curve("attack", dots, lowest=lowest, description=about) if dots else None
    content = Recognizable(attacks, chart, RATES, _epsilons(found, attacks), _exposed(record, attacks, album))
    return Section("membership", "Membership", title, content, () if chart is None else (chart,))


def _epsilons(found: Findings, attacks: Membership) -> Epsilons | None:
    if not attacks.epsilons:
        return None
    values = sorted(each.value for each in attacks.epsilons)
    canaries = found.planted.get("mislabeled", 0)
    guesses = 2 * (canaries // 2)
    most = one_run_epsilon(Guesses(guesses, guesses, guesses), delta=DELTA).value
    return Epsilons(values[0], values[-1], len(values), DELTA, canaries, most)


def _exposed(record: Record, attacks: Membership, album: Album) -> tuple[ExposedExample, ...]:
    for each in attacks.exposed:
        album.add(each.position)
    names = [str(record.population.ids[each.position]) for each in attacks.exposed]
    return tuple(
        ExposedExample(
            id=name,
            label=target_text(record, each.position),
            picture=album.pictures.get(name),
            in_member=each.in_member,
            in_runs=each.in_runs,
            out_member=each.out_member,
            out_runs=each.out_runs,
        )
        for name, each in zip(names, attacks.exposed, strict=True)
    )
