"""After the release: the rows of the service beside those that the model was released on, look by look.

Sequential tests keep the chance of a false alarm over a whole year however often somebody looks. What is tolerated, and
what an alarm calls for, are the triggers of a policy.
"""

from __future__ import annotations

from govkit.watch.form import WatchFile
from govkit.watch.looking import acknowledge_alarms, look_once
from govkit.watch.statement import sign_month
