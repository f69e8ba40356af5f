"""Watch a model after its release: census rows of 2015 as the reference, rows of 2018 as they arrive.

Run it in the folder in which `govkit demo employment` was run. For ten days everybody is asked, then only people from
60 to 70, whom the model knows less well. It writes log/, watch.yaml and watch.db.
"""

from pathlib import Path

import pandas as pd

import govkit as gk

WATCH = """\
schema: govkit.watch/v1
name: employment model
model: demo-employment/year_2015.parquet
reference: {path: demo-employment/year_2015.parquet}
looks: {path: log}
columns:
  watch: [AGEP, SCHL, CIT, MIG, predicted_probability]
  label: employed
  prediction: prediction
"""


def main() -> None:
    people = pd.read_parquet("demo-employment/year_2018.parquet").sample(frac=1, random_state=0)
    older = people[people["AGEP"].between(60, 70)]
    Path("log").mkdir()
    for day in range(14):
        arrived = people[day * 1000 :] if day < 10 else older[(day - 10) * 1000 :]
        arrived[:1000].to_parquet(f"log/2018-01-{day + 1:02d}.parquet")
    Path("watch.yaml").write_text(WATCH, encoding="utf-8")
    code = gk.look_once("watch.yaml", tell=lambda event: print(event["event"], event))
    print("exit code", code)


if __name__ == "__main__":
    main()
