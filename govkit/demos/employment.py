"""US Census, employment in Massachusetts: a shipped model's predictions of 2015, and of 2018.

The silent regression in it is real: accuracy stays, calibration decays.
"""

from __future__ import annotations

from pathlib import Path

from govkit.demos import Story
from govkit.demos.carriers import locate
from govkit.demos.telling import pick, shown
from govkit.pipeline.measuring import Progress
from govkit.pipeline.steps import audit

AUDIT = Path(__file__).with_name("employment.yaml").read_text(encoding="utf-8")


CODES = {
    "sex": ("SEX", ("Male", "Female")),
    "race": (
        "RAC1P",
        ("White", "Black or African American", "American Indian", "Alaska Native", "American Indian or Alaska Native",
         "Asian", "Native Hawaiian or Pacific Islander", "some other race", "two or more races"),
    ),
    "disability": ("DIS", ("yes", "no")),
}  # fmt: skip
"""Names for readers -> the column of the survey, and what its codes from 1 on mean (ACS PUMS data dictionary, 2015)."""


def run(out: Path, progress: Progress | None = None) -> Story:
    """Write one file a year, audit them, and say what changed."""
    out.mkdir(parents=True, exist_ok=True)
    predictions = write_years(out)
    (out / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    bundle = audit(out / "audit.yaml", out=out / "evidence", progress=progress)
    remarks = (
        f"accuracy: {shown(pick(bundle, 'accuracy'))} in 2015; "
        f"change to 2018 {shown(pick(bundle, 'accuracy_change', role='shifted'))}",
        f"calibration error: {shown(pick(bundle, 'calibration_error'))} in 2015; "
        f"change to 2018 {shown(pick(bundle, 'calibration_error_change', role='shifted'))}",
    )
    return Story(bundle=bundle, model=predictions, remarks=remarks)


def write_years(out: Path) -> Path:
    """Rows of 2015 as the test set, rows of 2018 as the shifted set; returns the test file."""
    import duckdb

    folder = "nannyml/datasets/data"
    reference, analysis, target = (
        locate("nannyml", f"{folder}/employment_MA_{part}.pq") for part in ("reference", "analysis", "analysis_target")
    )
    with duckdb.connect() as database:
        for name, place in (("reference", reference), ("analysis", analysis), ("target", target)):
            database.read_parquet(str(place)).create_view(name)
        words = ", ".join(f"{list(said)}[{code}::int] as {name}" for name, (code, said) in CODES.items())
        codes = ", ".join(code for code, _ in CODES.values())
        told = f"select * exclude ({codes}), {words} from"
        database.sql(f"{told} reference where year = 2015 order by id").write_parquet(str(out / "year_2015.parquet"))
        database.sql(f"{told} (from analysis join target using (id)) where year = 2018 order by id").write_parquet(
            str(out / "year_2018.parquet")
        )
    return out / "year_2015.parquet"
