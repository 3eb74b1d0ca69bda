"""Who may see and change which rows: one answer per role and model, and one function that everything asks.

    roles.PERMISSIONS      what kind of thing a role may do at all          ("projects.change_project")
    declare / parts        to which rows of a model that reaches            ("his own", "his department's", "his chain's")
    hide                   which columns a role never sees of those rows
    visible_to(user, rows)      → the rows that list, detail, search, filter, export, API, report and inline start from
    changeable_by(user, rows)   → those of them that the person may also change

Each app declares its models in `scopes.py`, read when the app starts. Where a scope below depends on something above
(a 链长 sees the companies of his chains), the app above contributes its rule with `contribute`. A system check names every
role and model without an answer, so that a new model is closed until somebody has said who sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from office.roles import PERMISSIONS, ROLES

VIEW, CHANGE = "view", "change"
# True: every row. False: no row. Q: those rows.
Answer = Q | bool
Rule = Callable[[Any], Answer]
Row = TypeVar("Row", bound=Model)


class Undeclared(LookupError):
    """A model that no app has declared: nobody sees it, and whoever asks has to declare it first."""


@dataclass
class _Scope:
    view: dict[str, Rule] = field(default_factory=dict)
    change: dict[str, Rule] = field(default_factory=dict)
    part_of: tuple[str, ...] = ()
    hidden: dict[str, frozenset[str]] = field(default_factory=dict)


_scopes: dict[type[Model], _Scope] = {}


def every(_user: Any) -> Answer:
    return True


def nobody(_user: Any) -> Answer:
    return False


def declare(model: type[Model], view: Mapping[str, Rule], *, change: Mapping[str, Rule] | None = None) -> None:
    """Say for each role which rows it sees. A role that may change rows changes those that it sees, unless `change`
    narrows it. The permission table is asked first: a rule never grants what the role may not do at all."""
    scope = _scopes.setdefault(model, _Scope())
    scope.view.update(view)
    scope.change.update(change or {})


def contribute(model: type[Model], role: str, rule: Rule, *, verb: str = VIEW) -> None:
    """Add the rule of an app above to a model below. It replaces the one that stood for this role."""
    getattr(_scopes.setdefault(model, _Scope()), verb)[role] = rule


def parts(model: type[Model], *paths: str) -> None:
    """Rows that belong to another row are seen and changed by whoever may do so with every one of those
    (`parts(Commitment, "project")`). A path that is empty on a row asks for nothing."""
    _scopes.setdefault(model, _Scope()).part_of = paths


def hide(model: type[Model], role: str, *fields: str) -> None:
    """Columns that a role does not see. Two roles together hide what both hide."""
    scope = _scopes.setdefault(model, _Scope())
    scope.hidden[role] = scope.hidden.get(role, frozenset()) | frozenset(fields)


def visible_to(user: Any, rows: type[Row] | QuerySet[Row]) -> QuerySet[Row]:
    """The rows that this person may see, as a query to build on."""
    return _narrow(user, rows, VIEW)


def changeable_by(user: Any, rows: type[Row] | QuerySet[Row]) -> QuerySet[Row]:
    """The rows that this person may change."""
    return _narrow(user, rows, CHANGE)


def may(user: Any, verb: str, row: Model) -> bool:
    """Whether one row lies within reach; asks the database only where the answer depends on the row."""
    return may_by_pk(user, verb, type(row), row.pk)


def may_by_pk(user: Any, verb: str, model: type[Model], pk: Any) -> bool:
    """`may` for a row that is known by its key alone; a key that no row can have lies within nobody's reach."""
    answer = answer_for(user, model, verb)
    if isinstance(answer, bool):
        return answer
    try:
        return model._default_manager.filter(answer, pk=pk).exists()
    except (ValueError, TypeError, ValidationError):
        return False


def hidden_fields(user: Any, model: type[Model]) -> frozenset[str]:
    """The columns of `model` that this person does not see."""
    scope = _scopes.get(model)
    if scope is None or not scope.hidden:
        return frozenset()
    hidden = [scope.hidden.get(role, frozenset()) for role in getattr(user, "role_names", ())]
    return frozenset.intersection(*hidden) if hidden else frozenset()


def answer_for(user: Any, model: type[Model], verb: str) -> Answer:
    """Every row, no row, or the condition on the rows within the person's reach.

    Only the roles count that may do this to this kind of thing at all: who reads as 链长 and writes as an officer does not
    write what he reads as 链长.
    """
    if not getattr(user, "is_active", False):
        return False
    roles = [role for role in user.role_names if _permitted(role, model, verb)]
    return _reach(user, model, verb, roles) if roles else False


def undeclared(models: Iterable[type[Model]]) -> list[tuple[type[Model], str]]:
    """(model, role) for which no app has given an answer."""
    missing = []
    for model in models:
        scope = _scopes.get(model)
        if scope is not None and scope.part_of:
            continue
        missing += [(model, role) for role in ROLES if scope is None or role not in scope.view]
    return missing


def declared() -> Mapping[type[Model], Any]:
    return dict(_scopes)


def _permitted(role: str, model: type[Model], verb: str) -> bool:
    """A right to view opens reading; any of the writing rights opens the rows that may be written."""
    label, name = model._meta.app_label, model._meta.model_name
    words = [VIEW] if verb == VIEW else [CHANGE, "add", "delete"]
    return any(f"{label}.{word}_{name}" in PERMISSIONS[role] for word in words)


def _reach(user: Any, model: type[Model], verb: str, roles: Iterable[str]) -> Answer:
    """The widest of what the roles reach, whether or not they hold the permission for this very model."""
    scope = _scopes.get(model)
    if scope is None:
        raise Undeclared(f"{model._meta.label} has no scope: declare it in its app's scopes.py")
    if scope.part_of:
        return _all_of(_through(user, model, path, verb, roles) for path in scope.part_of)
    rules = scope.view if verb == VIEW else {**scope.view, **scope.change}
    reach: Answer = False
    for role in roles:
        found = rules.get(role, nobody)(user)
        if found is True:
            return True
        if isinstance(found, Q):
            reach = found if reach is False else cast(Q, reach) | found
    return reach


def _through(user: Any, model: type[Model], path: str, verb: str, roles: Iterable[str]) -> Answer:
    """The reach of the row at the end of a foreign key, as a condition on `model`."""
    relation = model._meta.get_field(path)
    whole = cast(type[Model], relation.related_model)
    reach = _reach(user, whole, verb, roles)
    optional = Q(**{f"{path}__isnull": True}) if relation.null else None
    if reach is True:
        return True
    if reach is False:
        return optional if optional is not None else False
    inside = Q(**{f"{path}__in": whole._default_manager.filter(reach).values("pk")})
    return inside | optional if optional is not None else inside


def _all_of(answers: Iterable[Answer]) -> Answer:
    together: Answer = True
    for answer in answers:
        if answer is False:
            return False
        if isinstance(answer, Q):
            together = answer if together is True else cast(Q, together) & answer
    return together


def _narrow(user: Any, rows: type[Row] | QuerySet[Row], verb: str) -> QuerySet[Row]:
    query = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
    answer = answer_for(user, query.model, verb)
    if isinstance(answer, bool):
        return query if answer else query.none()
    return query.filter(answer)
