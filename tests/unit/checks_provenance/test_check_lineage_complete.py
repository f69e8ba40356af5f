"""What has to be on record about a run."""

import pytest
from case_fixture import make_case
from rows_fixture import gaps, measurements, run, value

from govkit.core import Component, Fact, LicenseEvidence, LicenseRecord, Run
from govkit.manifest import artifact_digest

SEEN, TOLD, OPEN = Fact(value="x", seen="observed"), Fact(value="x", seen="declared"), Fact(seen="unknown")


def record(state="known", source="license file"):
    known = state == "known"
    sign = LicenseEvidence(source=source, where="LICENSE", expression="MIT")
    return LicenseRecord(expression="MIT" if known else None, state=state, reason="as it says", evidence=(sign,))


def component(role, **facts):
    plain = {"id": SEEN, "revision": OPEN, "digest": SEEN, "rows": SEEN, "license": record()}
    return Component(role=role, **{**plain, **facts})


def a_run(**facts):
    plain = {
        "name": "sms", "base": component("base"), "data": (component("train"),),
        "method": {"kind": SEEN, "trainable_parameters": SEEN}, "seed": SEEN, "code": {"commit": SEEN},
        "environment": {"python": SEEN}, "artifact": SEEN, "exit": "finished", "started": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return Run(**{**plain, **facts})


def found_for(**facts):
    return run("lineage_complete", make_case([0, 1], [0.2, 0.7], run=a_run(**facts)))


def test_a_complete_record():
    found = found_for()
    assert value(found, "complete") is True
    assert value(found, "unknown_facts") == 0.0
    assert value(found, "declared_facts") == 0.0
    assert not measurements(found, "unknown_fact")


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ({"seed": OPEN}, {"seed"}),
        ({"artifact": OPEN}, {"artifact"}),
        ({"code": {}}, {"code.commit"}),
        ({"environment": {"python": OPEN}}, {"environment.python"}),
        ({"method": {"kind": SEEN}}, {"method.trainable_parameters"}),
        ({"exit": "failed"}, {"exit"}),
        ({"data": ()}, {"train"}),
        ({"data": (component("test"),)}, {"train"}),
        (
            {"data": (component("train"), component("train", digest=OPEN, rows=OPEN))},
            {"train.2.digest", "train.2.rows"},
        ),
        ({"base": component("base", id=OPEN, license=record("conflict"))}, {"base.id", "base.license"}),
        ({"base": component("base", digest=OPEN, license=record("unknown"))}, {"base.digest", "base.license"}),
    ],
)
def test_each_missing_fact_is_named(facts, names):
    found = found_for(**facts)
    assert value(found, "complete") is False
    assert value(found, "unknown_facts") == len(names)
    assert {item.value for item in measurements(found, "unknown_fact")} == names


def test_declared_facts_are_counted_and_facts_without_meaning_are_known():
    found = found_for(
        seed=Fact(seen="not_applicable"),
        code={"commit": TOLD},
        base=component("base", license=record(source="declared")),
    )
    assert value(found, "complete") is True
    assert value(found, "declared_facts") == 2.0


def test_the_files_are_compared_with_the_record(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    written = a_run(artifact=Fact(value=artifact_digest(tmp_path), seen="observed"))

    def matches():
        return run(
            "lineage_complete", make_case([0, 1], [0.2, 0.7], run=written, model_path=tmp_path, access="weights")
        )

    assert value(matches(), "artifact_matches") is True
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    assert value(matches(), "artifact_matches") is False
    (tmp_path / "link").symlink_to(tmp_path / "model.safetensors")
    assert gaps(matches()) == {"artifact_matches": "unsupported"}


def test_gaps():
    assert gaps(run("lineage_complete", make_case([0, 1], [0.2, 0.7]))) == {"*": "no data"}
    assert gaps(found_for()) == {"artifact_matches": "unsupported"}
