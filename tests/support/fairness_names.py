"""Every name of fairlearn's and aif360's metrics: which of ours it is, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ours:
    """One of our metrics.

    Attributes:
        name: Its name in ``metrics_of``, or a cell count; ``check`` says where else.
        over: ``groups``: a value a group; ``all``: one value; ``min``, ``max``: the least or largest of the groups;
            ``labels``: a value a group, of the labels; ``two``: one value, of two groups; ``rows``: from rows;
            ``count``: rows of a group in the cells that ``name`` lists.
        check: The check that measures it; empty: ``metrics_of`` alone.
    """

    name: str
    over: str = "groups"
    check: str = "bias"


ALL = "all"
FAIRLEARN: dict[str, Ours | str] = {
    "selection_rate": Ours("selection_rate"),
    "mean_prediction": Ours("selection_rate"),
    "true_positive_rate": Ours("true_positive_rate"),
    "true_negative_rate": Ours("true_negative_rate"),
    "false_positive_rate": Ours("false_positive_rate"),
    "false_negative_rate": Ours("false_negative_rate"),
    "demographic_parity_difference": Ours("demographic_parity_difference", ALL),
    "demographic_parity_ratio": Ours("demographic_parity_ratio", ALL),
    "selection_rate_difference": Ours("demographic_parity_difference", ALL),
    "selection_rate_ratio": Ours("demographic_parity_ratio", ALL),
    "equal_opportunity_difference": Ours("equal_opportunity_difference", ALL),
    "equal_opportunity_ratio": Ours("equal_opportunity_ratio", ALL),
    "true_positive_rate_difference": Ours("equal_opportunity_difference", ALL),
    "true_positive_rate_ratio": Ours("equal_opportunity_ratio", ALL),
    "equalized_odds_difference": Ours("equalized_odds_difference", ALL),
    "equalized_odds_ratio": Ours("equalized_odds_ratio", ALL),
    **{
        f"{theirs}_{kind}": Ours(f"{ours}_parity_{kind}", ALL)
        for kind in ("difference", "ratio")
        for theirs, ours in (
            ("true_negative_rate", "true_negative_rate"),
            ("false_positive_rate", "false_positive_rate"),
            ("false_negative_rate", "false_negative_rate"),
            ("accuracy_score", "accuracy"),
            ("zero_one_loss", "error_rate"),
        )
    },
    "accuracy_score_group_min": Ours("accuracy", "min"),
    "zero_one_loss_group_max": Ours("error_rate", "max"),
    "precision_score_group_min": Ours("positive_predictive_value", "min"),
    "recall_score_group_min": Ours("true_positive_rate", "min"),
    "balanced_accuracy_score_group_min": Ours("balanced_accuracy", "min", ""),
    "f1_score_group_min": Ours("f1", "min", ""),
    "count": "ignores weights; every measurement carries its rows (`n`)",
    "log_loss_group_max": "needs probabilities; see the checks performance and calibration",
    "roc_auc_score_group_min": "needs scores; see the check performance",
    "mean_absolute_error_group_max": "another task; see the check regression",
    "mean_squared_error_group_max": "another task; see the check regression",
    "r2_score_group_min": "another task; see the check regression",
    "MetricFrame": "a tool that makes metrics, not a metric",
    "make_derived_metric": "a tool that makes metrics, not a metric",
    "plot_model_comparison": "a figure",
    "plot_roc_curve_by_group": "a figure",
}

RATES = (
    "true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate", "accuracy", "error_rate",
    "positive_predictive_value", "negative_predictive_value", "false_discovery_rate", "false_omission_rate",
    "selection_rate",
)  # fmt: skip
ENTROPY = ("generalized_entropy_index", "theil_index", "coefficient_of_variation")
SCORES = "needs scores"
KINDS = ("true_positive", "false_positive", "true_negative", "false_negative")
AIF360: dict[str, Ours | str] = {
    **{name: Ours(name) for name in RATES},
    "recall": Ours("true_positive_rate"),
    "sensitivity": Ours("true_positive_rate"),
    "specificity": Ours("true_negative_rate"),
    "precision": Ours("positive_predictive_value"),
    "base_rate": Ours("selection_rate", "labels"),
    "statistical_parity_difference": Ours("selection_rate_difference"),
    "mean_difference": Ours("selection_rate_difference"),
    "disparate_impact": Ours("selection_rate_ratio"),
    "equal_opportunity_difference": Ours("true_positive_rate_difference"),
    **{
        f"{name}_difference": Ours(f"{name}_difference")
        for name in (*RATES[:1], *RATES[2:4], "error_rate", "false_discovery_rate", "false_omission_rate")
    },
    **{
        f"{name}_ratio": Ours(f"{name}_ratio")
        for name in (*RATES[2:4], "error_rate", "false_discovery_rate", "false_omission_rate")
    },
    "average_odds_difference": Ours("average_odds_difference"),
    "average_abs_odds_difference": Ours("average_abs_odds_difference"),
    "average_predictive_value_difference": Ours("average_predictive_value_difference", check=""),
    "equalized_odds_difference": Ours("equalized_odds_difference", "two"),
    "smoothed_empirical_differential_fairness": Ours("differential_fairness", "labels of all", ""),
    "differential_fairness_bias_amplification": Ours("differential_fairness_bias_amplification", ALL),
    "num_instances": Ours("01234", "count"),
    "num_positives": Ours("01", "count"),
    "num_negatives": Ours("234", "count"),
    "num_pred_positives": Ours("02", "count"),
    "num_pred_negatives": Ours("134", "count"),
    "num_true_positives": Ours("0", "count"),
    "power": Ours("0", "count"),
    "num_false_negatives": Ours("1", "count"),
    "num_false_positives": Ours("2", "count"),
    "num_true_negatives": Ours("3", "count"),
    "binary_confusion_matrix": "the cells of `govkit.data.count_table`",
    "performance_measures": "the rates above, together",
    **{name: Ours(name, "rows", "individual_fairness") for name in ("consistency", *ENTROPY)},
    **{f"between_group_{name}": Ours(f"between_group_{name}", "rows", "individual_fairness") for name in ENTROPY},
    **{f"between_all_groups_{name}": Ours(f"between_group_{name}", "rows", "individual_fairness") for name in ENTROPY},
    "difference": "a tool that makes metrics, not a metric",
    "ratio": "a tool that makes metrics, not a metric",
    "rich_subgroup": "needs features and a classifier of its own (GerryFair)",
    **{f"num_generalized_{kind}s": SCORES for kind in KINDS},
    **{f"generalized_{kind}_rate": SCORES for kind in KINDS},
    "generalized_binary_confusion_matrix": SCORES,
    "generalized_equalized_odds_difference": SCORES,
}
