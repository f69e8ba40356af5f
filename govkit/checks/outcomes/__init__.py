"""Outcomes: how good the answers are, for whom, how sure, and what the fine-tuning changed."""
