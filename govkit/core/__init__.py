"""The nouns of govkit: what is recorded, what is live, and the words they use.

No I/O, no clock and no randomness live here. *Recorded* things are frozen pydantic models that enter a bundle;
*live* things hold arrays or models and never do.
"""

from __future__ import annotations

from govkit.core.audit import Audit
from govkit.core.case import Case, Dataset, Passes, Predictions, Subject
from govkit.core.check import Check, Metric, check
from govkit.core.finding import LEVELS, Bound, DataRef, Finding, Gap, Interval, Measurement, exact
from govkit.core.policy import (
    Attest,
    Attestation,
    Authority,
    Control,
    Policy,
    Requirement,
    Risk,
    Slice,
    Trigger,
    Waiver,
)
from govkit.core.recorded import Recorded
from govkit.core.run import Component, Exit, Fact, LicenseEvidence, LicenseRecord, Part, Problem, Read, Run
from govkit.core.selfcheck import SelfCheck, Trial
from govkit.core.verdict import Coverage, Ruling, Verdict
from govkit.core.words import Of, Role, Severity, State
