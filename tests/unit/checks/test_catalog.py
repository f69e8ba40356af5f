from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from govkit.checks import _catalog, catalog, describe
from govkit.core import check
from govkit.errors import PluginError

OUTCOMES = {
    "performance", "flips", "bias", "bias_origin", "individual_fairness", "calibration", "overfit", "found_parts",
    "counterfactual", "multilabel", "ordinal", "regression", "ranking",
}  # fmt: skip


def plug_in(monkeypatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(_catalog, "entry_points", lambda *, group: points if group == "govkit.checks" else ())


def write_module(tmp_path, monkeypatch, name: str, text: str) -> EntryPoint:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return EntryPoint(name="extra", value=name, group="govkit.checks")


PLUGIN = """
from govkit.core import Metric, check

@check("{name}", crosswalk="check.performance", metrics={{"share": Metric("A share.")}})
def probe(case):
    yield from ()
"""


def test_the_catalog_holds_the_outcomes_sorted_by_name():
    found = catalog()
    assert found.keys() >= OUTCOMES
    assert list(found) == sorted(found)
    assert all(item.name == name for name, item in found.items())


def test_looking_at_the_checks_loads_no_heavy_library():
    code = (
        "import sys; from govkit.checks import catalog; catalog();"
        "heavy = {'numpy', 'pandas', 'scipy', 'sklearn', 'torch', 'pyarrow', 'fairlearn', 'aif360'};"
        "sys.exit(' '.join(heavy & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("suffix", ["", ":probe"])
def test_a_plug_in_adds_its_check(tmp_path, monkeypatch, suffix):
    point = write_module(tmp_path, monkeypatch, f"added_plugin{len(suffix)}", PLUGIN.format(name="added"))
    plug_in(monkeypatch, EntryPoint(point.name, point.value + suffix, point.group))
    assert catalog()["added"].crosswalk == "check.performance"
    assert describe(catalog()["added"])["family"] == point.value


@pytest.mark.parametrize("text", ["import nowhere_to_be_found", "raise ValueError('half written')"])
def test_a_plug_in_that_does_not_import_is_named(tmp_path, monkeypatch, text):
    name = f"broken_plugin{len(text)}"
    plug_in(monkeypatch, write_module(tmp_path, monkeypatch, name, text))
    with pytest.raises(PluginError, match=rf"the plug-in 'extra' \({name}\) does not import"):
        catalog()


def test_a_plug_in_without_a_check_is_refused(tmp_path, monkeypatch):
    plug_in(monkeypatch, write_module(tmp_path, monkeypatch, "empty_plugin", "x = 1"))
    with pytest.raises(PluginError, match="holds no check"):
        catalog()


def test_a_name_that_is_in_use_is_refused(tmp_path, monkeypatch):
    plug_in(monkeypatch, write_module(tmp_path, monkeypatch, "double_plugin", PLUGIN.format(name="bias")))
    with pytest.raises(PluginError, match=r"'bias', a name that is already in use by govkit\.checks\.outcomes\.bias"):
        catalog()


def test_no_plug_in_takes_the_place_of_a_check_by_another_way(monkeypatch):
    """By naming the check of govkit itself, its module, or a module that only imports it."""
    for value in ("govkit.checks.outcomes.bias:bias", "govkit.checks.outcomes.bias"):
        plug_in(monkeypatch, EntryPoint(name="bias", value=value, group="govkit.checks"))
        with pytest.raises(PluginError, match="a name that is already in use"):
            catalog()
    twice = EntryPoint(name="bias", value="govkit.testing", group="govkit.checks")
    plug_in(monkeypatch, twice)
    with pytest.raises(PluginError, match="holds no check"):
        catalog()


def test_a_check_describes_itself():
    about = describe(catalog()["bias"])
    assert (about["name"], about["family"], about["crosswalk"], about["needs"]) == (
        "bias",
        "outcomes",
        "check.bias",
        ["groups"],
    )
    assert about["question"].startswith("Bias: are some groups")
    assert about["params"]["intersections"]["default"] is False
    assert ["base", "test"] in about["reads"]
    (ratio,) = [item for item in about["metrics"] if item["name"] == "demographic_parity_ratio"]
    assert (ratio["better"], ratio["unit"], ratio["low"], ratio["high"]) == ("higher", "ratio", 0, 1)


def test_a_check_without_a_docstring_is_described_by_its_module():
    @check("mute", crosswalk="check.performance", metrics={})
    def mute(case):
        yield from ()

    assert describe(mute)["text"] == ""


def test_every_outcome_says_what_each_metric_means():
    for name in OUTCOMES:
        for metric, about in catalog()[name].metrics.items():
            assert about.what.endswith("."), (name, metric)
            assert about.low is None or about.high is None or about.low < about.high
