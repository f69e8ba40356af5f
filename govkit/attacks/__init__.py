"""Attacks: pure functions that look for a small change of the input which changes the answer.

The continuous ones run on bare torch and ask a function ``logits(batch) -> (n, k)``. They take gradients with respect
to the input only, draw every random number from a private generator per row, and leave modes, parameters, their
gradients and the caller's random state as they were. No attack is believed because it says so: an input counts as
broken only where the model was asked about exactly that input, after projection into the ball.
"""

from __future__ import annotations

from govkit.attacks.apgd import apgd
from govkit.attacks.asking import Attacked, onward, take
from govkit.attacks.ball import Ball
from govkit.attacks.battery import Balls, battery, by_scores, most_passes
from govkit.attacks.contrastive import contrastive
from govkit.attacks.feasible import Feasible, Move, Moved, feasible
from govkit.attacks.fgsm import fgsm
from govkit.attacks.greedy import Searched
from govkit.attacks.homoglyphs import disguise
from govkit.attacks.margin import cross_entropy, margin, targeted_margin
from govkit.attacks.open_words import open_words, protected
from govkit.attacks.outcome import Outcome, joined
from govkit.attacks.pgd import pgd
from govkit.attacks.probes import Probe, disagreement, probe_gradients
from govkit.attacks.pull import Pulled, most_pulls, pull
from govkit.attacks.random_noise import random_noise
from govkit.attacks.rays import rays
from govkit.attacks.relations import Relation, relation
from govkit.attacks.square import square
from govkit.attacks.substitution import Guided, Spelled
from govkit.attacks.text_changes import inserting, recase, respace, rewording, visible
from govkit.attacks.text_search import Change, Options, Predict, remembering, search, trying
from govkit.attacks.tiers import TIERS, Tier, TierName, strengthen
from govkit.attacks.transfer import Lender, lender, transfer
from govkit.attacks.trust import doubts, foresight, unknowns
from govkit.attacks.twin import twin
from govkit.attacks.typos import mistype
