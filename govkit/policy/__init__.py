"""Policies: read them, resolve and lint them against the checks at hand, and judge findings by them."""

from __future__ import annotations

from govkit.policy.beginning import QUESTIONS, Answers, Question, begin, understood
from govkit.policy.comparing import Change, compare
from govkit.policy.coverage import reach, table
from govkit.policy.explaining import explain
from govkit.policy.form import digest, digest as policy_digest, dump
from govkit.policy.judging import judge
from govkit.policy.people import day
from govkit.policy.planning import Plan, plan
from govkit.policy.read import load, packs, parents
from govkit.policy.resolving import Problem, lint, resolve
from govkit.policy.schemas import schema
from govkit.policy.testing import CaseResult, PolicyTests, run_cases
