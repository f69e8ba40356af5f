"""Service record: what did the watch see of the model in service?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.core import Case, Finding, Measurement, Metric, check, exact
from govkit.core.words import TASKS


@check(
    "service_record",
    crosswalk="record.service",
    tasks=TASKS,
    needs={"service"},
    metrics={
        "looks": Metric("Looks at rows of the service in the month of the statement.", unit="looks", low=0),
        "labeled_rows": Metric("Rows of these looks whose label was there.", better="higher", unit="rows", low=0),
        "statement_age": Metric("Days since the end of that month.", better="lower", unit="days"),
        "days_without_look": Metric("Days of that month without a look.", better="lower", unit="days", low=0),
        "refused_looks": Metric("Looks that could not be counted.", better="lower", unit="looks", low=0),
        "standing_alarms": Metric(
            "Alarms that nobody had closed when the statement was signed.", better="lower", unit="alarms", low=0
        ),
        "calls_for": Metric("The gravest that they call for.", words=("nothing", "review", "retrain", "withdraw")),
        "statement": Metric("Month of the statement, and the digest of what was signed."),
    },
)
def service_record(case: Case) -> Iterator[Finding]:
    """The signed monthly statement of ``govkit watch`` about the model in service, or about the candidate.

    The statement was verified with the trust file that the audit file names; this check says what stands in it.
    """
    stated = case.service or {}
    looks = stated["looks"]
    standing = [alarm for alarm in stated["alarms"] if alarm["closed"] is None]
    rows = sum(look["rows"] for look in looks)
    counts = {
        "looks": len(looks),
        "labeled_rows": sum(look["labeled"] for look in looks),
        "statement_age": stated["age"],
        "days_without_look": stated["days_without_look"],
        "refused_looks": len(stated["refused"]),
        "standing_alarms": len(standing),
    }
    for name, count in counts.items():
        interval, bounds = exact(float(count))
        yield Measurement(name=name, value=count, n=rows, interval=interval, bounds=bounds)
    order = ("nothing", "review", "retrain", "withdraw")
    calls = max((alarm["then"] for alarm in standing), key=order.index, default="nothing")
    yield Measurement(name="calls_for", value=calls, n=rows)
    yield Measurement(name="statement", value=f"{stated['month']} {stated['digest']}", n=rows)
