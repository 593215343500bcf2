"""How far labelers agree: figures per label and per labeler over the newest items that several of them answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection, select

from core.access import require_in
from core.annotation import Answer
from core.consensus import cohen_kappa, krippendorff_alpha, likeness
from core.ids import AccountId, ItemId, LabelId, ProjectId, TaskType
from core.people import Account
from core.roles import Action
from core.submissions import Rules, rules_of
from core.tables import ACCOUNT, ASSIGNMENT, IS_SUBMITTED, TALLY
from core.tally import What

NEWEST = 5000
LEAST_EACH, MOST_ROWS = 200, 100_000
_BATCH = 5000
Given = Mapping[ItemId, Mapping[AccountId, Answer]]


@dataclass(frozen=True)
class LabelerAgreement:
    """One labeler against the others: items in common, mean likeness of answers (0 to 1), and Cohen's kappa.

    kappa is the mean over the other labelers, weighted by items in common; None for regions and where it is not defined.
    """

    account: AccountId
    name: str
    items: int
    likeness: float
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """Figures over `items` items that several labelers answered.

    Attributes:
        alpha: Krippendorff's alpha over all labels; None for regions and where it is not defined.
        by_label: alpha of each label, given or not; for regions the mean F1 of its regions between labelers.
        kind: what `by_label` holds, in words.
    """

    items: int
    likeness: float | None
    alpha: float | None
    by_label: Mapping[LabelId, float | None]
    by_labeler: tuple[LabelerAgreement, ...]
    kind: str


def agreement(conn: Connection, by: Account, project: ProjectId, *, newest: int = NEWEST) -> Agreement:
    """The project's figures. Raises Forbidden for labelers."""
    require_in(conn, project, by, Action.SEE_PROGRESS)
    rules = rules_of(conn, project)
    given = shared_answers(conn, project, newest)
    names = {row.id: row.name for row in conn.execute(select(ACCOUNT.c.id, ACCOUNT.c.name))}
    return measure(rules, given, names)


def shared_answers(conn: Connection, project: ProjectId, newest: int) -> Given:
    """The answers of the newest items that more than one labeler answered, among the newest that each of them gave.

    It looks at so many rows and no more, however large the project is.
    """
    several = _shared_items(conn, project, newest)
    found: dict[ItemId, dict[AccountId, Answer]] = {}
    for part in range(0, len(several), _BATCH):
        rows = conn.execute(
            select(ASSIGNMENT.c.item_id, ASSIGNMENT.c.account_id, ASSIGNMENT.c.body).where(
                ASSIGNMENT.c.item_id.in_(several[part : part + _BATCH]), IS_SUBMITTED
            )
        )
        for row in rows:
            found.setdefault(ItemId(row.item_id), {})[AccountId(row.account_id)] = Answer.from_json(row.body)
    return found


def _shared_items(conn: Connection, project: ProjectId, newest: int) -> list[ItemId]:
    """Items with several answers, the newest first; one short walk of an index for each labeler."""
    done = (TALLY.c.project_id == project, TALLY.c.what == What.DONE.value, TALLY.c.n > 0)
    labelers = conn.execute(select(TALLY.c.account_id).where(*done).distinct()).scalars().all()
    each = max(LEAST_EACH, min(newest, MOST_ROWS // max(1, len(labelers))))
    count: Counter[ItemId] = Counter()
    latest: dict[ItemId, int] = {}
    for labeler in labelers:
        query = select(ASSIGNMENT.c.item_id, ASSIGNMENT.c.submitted_ms).where(
            ASSIGNMENT.c.account_id == labeler, ASSIGNMENT.c.project_id == project, IS_SUBMITTED
        )
        for row in conn.execute(query.order_by(ASSIGNMENT.c.submitted_ms.desc()).limit(each)):
            count[ItemId(row.item_id)] += 1
            latest[ItemId(row.item_id)] = max(row.submitted_ms, latest.get(ItemId(row.item_id), 0))
    shared = [item for item, n in count.items() if n > 1]
    return sorted(shared, key=lambda item: -latest[item])[:newest]


def measure(rules: Rules, given: Given, names: Mapping[int, str]) -> Agreement:
    """The figures of these answers. Pure."""
    pairs = [(a, b, one[a], one[b]) for one in given.values() for a, b in combinations(sorted(one), 2)]
    alike = [likeness(rules.task_type, x, y, rules.quorum.least_iou) for _, _, x, y in pairs]
    labelers = sorted({account for one in given.values() for account in one})
    regions = rules.task_type.has_regions
    return Agreement(
        items=len(given),
        likeness=sum(alike) / len(alike) if alike else None,
        alpha=None if regions else _alpha(rules.task_type, given, labelers),
        by_label={label: _of_label(rules, given, pairs, labelers, label) for label in sorted(rules.labels)},
        by_labeler=tuple(_of_labeler(rules, pairs, alike, who, names.get(who, "")) for who in labelers),
        kind="mean F1 of regions" if regions else "Krippendorff's alpha",
    )


def _alpha(task_type: TaskType, given: Given, labelers: Sequence[AccountId]) -> float | None:
    """Over whole answers: in multi-label each set of labels is a value of its own."""
    codes: dict[frozenset[LabelId], int] = {}
    votes = [
        [codes.setdefault(one[who].label_set, len(codes)) if who in one else None for one in given.values()]
        for who in labelers
    ]
    return krippendorff_alpha(votes)


def _of_label(
    rules: Rules,
    given: Given,
    pairs: Sequence[tuple[AccountId, AccountId, Answer, Answer]],
    labelers: Sequence[AccountId],
    label: LabelId,
) -> float | None:
    if not rules.task_type.has_regions:
        return krippendorff_alpha(
            [[int(label in one[who].labels) if who in one else None for one in given.values()] for who in labelers]
        )
    alike = []
    for _, _, x, y in pairs:
        first, second = (Answer(regions=tuple(r for r in z.regions if r.label == label)) for z in (x, y))
        if first.regions or second.regions:
            alike.append(likeness(rules.task_type, first, second, rules.quorum.least_iou))
    return sum(alike) / len(alike) if alike else None


def _of_labeler(
    rules: Rules,
    pairs: Sequence[tuple[AccountId, AccountId, Answer, Answer]],
    alike: Sequence[float],
    who: AccountId,
    name: str,
) -> LabelerAgreement:
    mine = [(pair, score) for pair, score in zip(pairs, alike, strict=True) if who in pair[:2]]
    kappas: list[tuple[float, int]] = []
    codes: dict[frozenset[LabelId], int] = {}
    for other in {a if b == who else b for (a, b, _, _), _ in mine}:
        both = [(x, y) for (a, b, x, y), _ in mine if other in (a, b)]
        coded = [
            [codes.setdefault(answer.label_set, len(codes)) for answer in side] for side in zip(*both, strict=True)
        ]
        kappa = None if rules.task_type.has_regions else cohen_kappa(coded[0], coded[1])
        if kappa is not None:
            kappas.append((kappa, len(both)))
    weight = sum(n for _, n in kappas)
    return LabelerAgreement(
        who, name, len(mine), sum(score for _, score in mine) / len(mine),
        sum(kappa * n for kappa, n in kappas) / weight if weight else None,
    )  # fmt: skip
