"""The testing itself, tested: faults are planted in small cases, and their checks must find them (MEASURE 2.13).

Each fault has a clean twin, which differs in nothing else and may not be accused.
"""

from __future__ import annotations

from govkit.selfcheck.trying import plant_faults
