"""presidio as a second reader of texts: its recognizers of forms and, with a language model of spaCy, names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

NAMES = "name_rows"

METRIC_OF = {
    "EMAIL_ADDRESS": "email_rows",
    "PHONE_NUMBER": "phone_rows",
    "CREDIT_CARD": "card_rows",
    "IBAN_CODE": "iban_rows",
    "US_SSN": "ssn_rows",
    "IP_ADDRESS": "ip_rows",
    "PERSON": NAMES,
}
"""Kind of presidio -> the metric that counts its rows. Kinds that are sure of nearly every number are left out."""

MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm")
"""Packages of spaCy with a model that knows names, the best first; none is ever fetched."""

SURE = 0.4
"""Score from which presidio counts: that of a phone number without a word beside it."""


@dataclass(frozen=True)
class Reader:
    """What says for which metrics a text counts, and all metrics that it can say; names only with a model."""

    read: Callable[[str], set[str]]
    metrics: tuple[str, ...]


def open_reader() -> Reader:
    """Presidio in English, with what is installed; nothing is fetched.

    Raises:
        ModuleNotFoundError: presidio is not installed.
    """
    # presidio tells of each recognizer of another language that it leaves out.
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    # Else the domain of the first address would be looked up in a list that is fetched from the net.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    held = next((name for name in MODELS if spacy.util.is_package(name)), None)
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": held or "blank"}])
    engine.nlp = {"en": spacy.load(held) if held else spacy.blank("en")}
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    registry.recognizers = [each for each in registry.recognizers if set(each.supported_entities) & METRIC_OF.keys()]
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    asked = [kind for kind in METRIC_OF if held or METRIC_OF[kind] != NAMES]

    def read(text: str) -> set[str]:
        found = analyzer.analyze(text=text, language="en", entities=asked, score_threshold=SURE)
        return {METRIC_OF[each.entity_type] for each in found}

    return Reader(read, tuple(METRIC_OF[kind] for kind in asked))
