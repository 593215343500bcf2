"""How far labelers agree: figures per label and per labeler over the newest items that several of them answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from core.annotation import Answer
from core.consensus import likeness, region_likeness
from core.counts.tally import What
from core.db.tables import ACCOUNT, ASSIGNMENT, IS_SUBMITTED, TALLY
from core.ids import AccountId, ItemId, LabelId, ProjectId, TaskType
from core.labeling.legality import Rules, rules_of
from core.roles import Action
from core.team.access import require_in
from core.team.people import Account
from core.votes import ABSENT, Codes, cohen_kappa, nominal_alpha, presence_alpha, sharing

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
    labelers = sorted({account for one in given.values() for account in one})
    pairs, by_label = (_of_regions if rules.task_type.has_regions else _of_labels)(rules, given, labelers)
    return Agreement(
        items=len(given),
        likeness=float(pairs.alike.mean()) if len(pairs.alike) else None,
        alpha=None if pairs.votes is None else nominal_alpha(pairs.votes),
        by_label={label: by_label.get(label) for label in sorted(rules.labels)},
        by_labeler=tuple(_of_labeler(pairs, n, who, names.get(who, "")) for n, who in enumerate(labelers)),
        kind="mean F1 of regions" if rules.task_type.has_regions else "Krippendorff's alpha",
    )


@dataclass(frozen=True)
class _Pairs:
    """Every two answers to one item.

    Attributes:
        who: int (P, 2), places of the two labelers, the lower one first.
        alike: float (P,), 0 to 1.
        votes: the table of codes in which answers with the same labels are the same; None for regions.
    """

    who: Codes
    alike: NDArray[np.float64]
    votes: Codes | None


ByLabel = Mapping[LabelId, float | None]


def _of_labels(rules: Rules, given: Given, labelers: Sequence[AccountId]) -> tuple[_Pairs, ByLabel]:
    """Answers that are labels of the whole image: each set of labels is a value of its own."""
    codes: dict[frozenset[LabelId], int] = {}
    votes = np.full((len(labelers), len(given)), ABSENT, dtype=np.int64)
    place = {who: n for n, who in enumerate(labelers)}
    for column, one in enumerate(given.values()):
        for who, answer in one.items():
            votes[place[who], column] = codes.setdefault(answer.label_set, len(codes))
    given_by = {label: np.array([label in code for code in codes], dtype=bool) for label in rules.labels}
    by_label = {label: presence_alpha(held, votes) for label, held in given_by.items()} if codes else {}
    return _voted(rules.task_type, list(codes), votes), by_label


def _voted(task_type: TaskType, values: Sequence[frozenset[LabelId]], votes: Codes) -> _Pairs:
    """Every two votes on an item; how alike two values are is asked once for each two of them."""
    who, both = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for a, b in sharing(votes):
        shared = (votes[a] != ABSENT) & (votes[b] != ABSENT)
        both.append(votes[a][shared] * len(values) + votes[b][shared])
        who.append(np.broadcast_to(np.array([a, b]), (len(both[-1]), 2)))
    kinds, which = np.unique(np.concatenate(both), return_inverse=True)
    answers = [Answer(tuple(value)) for value in values]
    two = [divmod(int(kind), len(values)) for kind in kinds]
    alike = np.array([likeness(task_type, answers[a], answers[b]) for a, b in two], dtype=float)
    return _Pairs(np.concatenate(who), alike[which], votes)


def _of_regions(rules: Rules, given: Given, labelers: Sequence[AccountId]) -> tuple[_Pairs, ByLabel]:
    """Answers that are regions, matched once for every two of them."""
    place = {who: n for n, who in enumerate(labelers)}
    who, alike, scores = [], [], defaultdict(list)
    for one in given.values():
        for a, b in combinations(sorted(one), 2):
            score, of_labels = region_likeness(one[a].regions, one[b].regions, rules.quorum.least_iou)
            who.append((place[a], place[b]))
            alike.append(score)
            for label, part in of_labels.items():
                scores[label].append(part)
    by_label = {label: sum(parts) / len(parts) for label, parts in scores.items()}
    return _Pairs(np.array(who, dtype=np.int64).reshape(-1, 2), np.array(alike, dtype=float), None), by_label


def _of_labeler(pairs: _Pairs, n: int, who: AccountId, name: str) -> LabelerAgreement:
    mine = (pairs.who == n).any(axis=1)
    kappas = [] if pairs.votes is None else list(_kappas(pairs.votes, n, np.unique(pairs.who[mine])))
    weight = sum(count for _, count in kappas)
    return LabelerAgreement(
        who, name, int(mine.sum()), float(pairs.alike[mine].mean()),
        sum(kappa * count for kappa, count in kappas) / weight if weight else None,
    )  # fmt: skip


def _kappas(votes: Codes, n: int, others: Codes) -> Iterator[tuple[float, int]]:
    """Cohen's kappa of one labeler with each of the others, and how many items they share; where it is defined."""
    for other in others[others != n]:
        shared = (votes[n] != ABSENT) & (votes[other] != ABSENT)
        if (kappa := cohen_kappa(votes[n][shared], votes[other][shared])) is not None:
            yield kappa, int(shared.sum())
