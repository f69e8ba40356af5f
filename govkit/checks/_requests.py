"""What to run: which check with which parameters, and the model passes that this will take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from govkit.checks._catalog import catalog as every_check
from govkit.checks._labels import by_label, label_view
from govkit.checks._needs import unmet
from govkit.checks._shared import live_models
from govkit.core import Case, Check, Of, Passes, Policy, Role
from govkit.engine.repeats import ROWS
from govkit.errors import PolicyError, UsageError
from govkit.subjects import Probe


@dataclass(frozen=True)
class Request:
    """A check to run, with every parameter; ``params`` is plain JSON data.

    Attributes:
        check: Name of the check.
        params: All its parameters, defaults included, as :func:`requests_for` completes them.
    """

    check: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Equal for equal requests."""
        return json.dumps([self.check, self.params], sort_keys=True)


def requests_for(policy: Policy | None, catalog: Mapping[str, Check]) -> tuple[Request, ...]:
    """The default run of every check, and each further set of parameters that a control asks for.

    Raises:
        PolicyError: A control names a check that does not exist, or parameters that it does not take.
    """
    defaults = (Request(name, complete(check, {})) for name, check in catalog.items())
    asked: dict[str, Request] = {}
    for request in (*defaults, *_controls(policy, catalog)):
        asked.setdefault(request.key, request)
    return tuple(sorted(asked.values(), key=lambda request: request.key))


def complete(check: Check, params: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of ``check`` as plain data, defaults included.

    Raises:
        UsageError: The check does not take these parameters; the message names key and check.
    """
    try:
        return check.params.model_validate(dict(params)).model_dump(mode="json")
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise UsageError(f"check {check.name!r} does not take these parameters: {faults}") from error


def find(name: str, catalog: Mapping[str, Check]) -> Check:
    """The check of that name.

    Raises:
        UsageError: There is none.
    """
    if name not in catalog:
        raise UsageError(f"there is no check {name!r}; expected one of {', '.join(sorted(catalog))}")
    return catalog[name]


def declared_passes(case: Case, requests: Iterable[Request], *, catalog: Mapping[str, Check] | None = None) -> Passes:
    """Model passes that the requests will take, counted before any is made.

    Every row of a data set goes forward once through each live subject that some check reads there; a linear probe
    on the base has embedded the training rows as well. Checks declare what they need beyond that (``extra``).

    Returns:
        Forward and backward passes in rows. Stored predictions cost none.
    """
    known = every_check() if catalog is None else catalog
    reads: set[tuple[Of, Role]] = set()
    total = Passes()
    for request in requests:
        check = find(request.check, known)
        seen = _views(check, case)
        if not seen:
            continue
        reads |= set(check.reads)
        if "probabilities" in check.needs:
            reads.add(("candidate", "test"))
        beyond = check.extra
        if beyond is not None:
            total = sum((beyond(view, **arguments(check, request.params)) for view in seen), total)
    return total + Passes(forward=sum(_rows_read(case, reads)))


def _views(check: Check, case: Case) -> list[Case]:
    """The case as the check sees it, one for each label that it measures; nothing where it lacks something."""
    views = [label_view(case, at) for at in range(len(case.classes))] if by_label(check, case) else [case]
    return [view for view in views if not unmet(view, check.needs - {"probabilities"}, check.tasks)]


def arguments(check: Check, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the function takes them: of the declared types, not of JSON."""
    model = check.params.model_validate(complete(check, params))
    return {name: getattr(model, name) for name in type(model).model_fields}


def _rows_read(case: Case, reads: set[tuple[Of, Role]]) -> Iterator[int]:
    live = live_models(case)
    if isinstance(case.base, Probe):
        # It was fitted on their features, which are kept.
        reads = reads | {("base", "train")}
    for of, role in sorted(reads):
        if of in live and role in case.data:
            yield len(case.data[role])
    yield from _again(case, {of for of, role in reads if role in case.data})
    if case.reference_bases:
        yield len(case.reference_bases) * len(case.data["train"])


def _again(case: Case, read: set[Of]) -> Iterator[int]:
    """Rows that are asked again to see whether a model answers by lot; see ``engine.Answers``."""
    live = live_models(case)
    if getattr(case.answers, "twice", False):
        asked = [of for of in sorted(read) if of in live and not isinstance(live[of], Probe)]
        yield len(asked) * min(ROWS, len(case.data["test"]))


def _controls(policy: Policy | None, catalog: Mapping[str, Check]) -> Iterator[Request]:
    for control in policy.controls if policy is not None else ():
        if control.check is not None:
            try:
                yield Request(control.check, complete(find(control.check, catalog), control.params))
            except UsageError as error:
                raise PolicyError(f"control {control.id!r}: {error}") from error
