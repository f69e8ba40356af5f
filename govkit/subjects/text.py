"""A text model in a transformers folder: a classifier, or one with several labels or a number as its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Passes
from govkit.core.words import CLASSES, Access, Modality, Task
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects.boundary import Boundary
from govkit.subjects.folder import by_length, embedded, max_tokens, open_folder, token_ids
from govkit.subjects.states import answers_of, asked


class TextModel:
    """A sequence model that answers ``list[str]``.

    Args:
        folder: Folder that it was loaded from.
        model: The model with its head.
        tokenizer: Its tokenizer.
        passes: Counter; every row that goes forward is added.
        digest: Artifact digest of the folder.
        task: How its outputs are read.
    """

    access: Access = "predict"
    modality: Modality = "text"
    holds = "model"

    def __init__(
        self, folder: Path, model: Any, tokenizer: Any, *, passes: Passes, digest: str, task: Task = "multiclass"
    ) -> None:
        self.digest = digest
        self.path: Path | None = folder
        self.passes = passes
        self.model = model
        self.tokenizer = tokenizer
        self.limit = max_tokens(model, tokenizer)
        self.task = task
        self.classes = () if task == "regression" else class_names(model.config.id2label)

    def predict(self, inputs: Sequence[str]) -> Array:
        """Answers float64 ``(n, k)`` to ``n`` texts: probabilities, or one number.

        Longer texts are cut at the model's limit and logged.
        """
        _texts_only(inputs)
        answer = np.zeros((len(inputs), self.model.config.num_labels))
        with Boundary(f"{self.path}"), asked(self.model), torch.no_grad():
            for rows, batch in by_length(self.tokenizer, inputs, self.limit):
                answer[rows] = answers_of(self.model(**batch).logits, self.task)
                self.passes.forward += len(rows)
        return answer

    def tokens(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of the tokens of each text as the model reads them; texts with the same ids get the same answer."""
        return token_ids(self.tokenizer, texts, self.limit)


class OpenTextModel(TextModel):
    """A text classifier whose gradients are open, in the embeddings of its tokens."""

    access: Access = "weights"
    input_range: tuple[float, float] | None = None
    _vocabulary: tuple[list[int], list[str]] | None = None

    def encode(self, inputs: Sequence[str]) -> dict[str, Any]:
        """One padded batch: ``x``, the embeddings, float32 ``(n, tokens, width)``, and its ``attention_mask``."""
        _texts_only(inputs)
        with Boundary(f"{self.path}"):
            return embedded(self.model, self.tokenizer, inputs, self.limit)

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits ``(n, k)``, differentiable in ``batch["x"]``."""
        with Boundary(f"{self.path}"), asked(self.model):
            logits = self.logits_with(self.model, batch)
        self.passes.forward += len(batch["x"])
        return logits

    def logits_with(self, model: Any, batch: Mapping[str, Any]) -> Any:
        """The same with a model in place of its own, in the modes that it is in; not counted."""
        rest = {key: value for key, value in batch.items() if key != "x"}
        with Boundary(f"{self.path}"):
            return model(inputs_embeds=batch["x"], **rest).logits

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and stop in the text of each of its tokens, (0, 0) for special ones; empty without a fast tokenizer."""
        if not self.tokenizer.is_fast:
            return []
        coded = self.tokenizer(text, truncation=True, max_length=self.limit, return_offsets_mapping=True)
        # Some tokenizers count the space before a word as a part of it.
        return [(stop - len(text[start:stop].lstrip()), stop) for start, stop in coded["offset_mapping"]]

    def vocabulary(self) -> tuple[list[int], list[str]]:
        """Ids and spellings of the tokens that are a whole word and are read as themselves."""
        if self._vocabulary is None:
            special = set(self.tokenizer.all_special_ids)
            spelled = {index: self.tokenizer.decode([index]).strip() for index in range(len(self.table()))}
            words = {index: word for index, word in spelled.items() if word.isalpha() and index not in special}
            # A leading space, because some tokenizers write one as a part of a word that does not begin a text.
            read = self.tokenizer([f" {word}" for word in words.values()], add_special_tokens=False)["input_ids"]
            kept = [(index, words[index]) for index, ids in zip(words, read, strict=True) if ids == [index]]
            self._vocabulary = [index for index, _ in kept], [word for _, word in kept]
        return self._vocabulary

    def table(self) -> Any:
        """Embeddings of all tokens, float32 ``(ids, width)``, without a graph."""
        return self.model.get_input_embeddings().weight.detach().float()


def text_model(folder: Path, passes: Passes, *, strict: bool = True, task: Task = "multiclass") -> TextModel:
    """Load a text model; a classifier with gradients where its architecture allows them in a padded batch.

    Decoders find the last token of a text by its padding tokens, which embeddings no longer show; with gradients they
    would read padding instead. They answer, and their gradients stay closed.

    Args:
        folder: Folder that transformers saved.
        passes: Counter of the model's passes.
        strict: Refuse links in the folder.
        task: What it is to answer.

    Raises:
        SubjectError: The folder holds no complete model for that task; classes are exclusive and at least two.
    """
    model, tokenizer, digest = open_folder(folder, head=True, strict=strict)
    config = model.config
    wanted = "classes" if task in CLASSES else task
    if _made_for(config) != wanted:
        found = config.problem_type or f"{config.num_labels} output"
        what = "at least two exclusive classes" if task in CLASSES else f"one for {task}"
        raise SubjectError(f"{folder} is a model for {found}; expected {what}")
    kind = OpenTextModel if task in CLASSES and not _pools_last_token(model) else TextModel
    return kind(folder, model, tokenizer, passes=passes, digest=digest, task=task)


def _made_for(config: Any) -> str:
    if config.problem_type == "multi_label_classification":
        return "multilabel"
    return "regression" if config.problem_type == "regression" or config.num_labels < 2 else "classes"


def _pools_last_token(model: Any) -> bool:
    from transformers.modeling_layers import GenericForSequenceClassification

    older = {"gpt2", "gpt_neo", "gptj", "opt", "bloom", "ctrl", "openai-gpt", "biogpt", "mpt", "falcon"}
    return isinstance(model, GenericForSequenceClassification) or model.config.model_type in older


def class_names(id2label: Mapping[int, str]) -> tuple[str, ...]:
    """Names of the classes by index; empty where they are only numbered (``LABEL_0`` ...)."""
    names = tuple(str(id2label[index]).strip() for index in sorted(id2label))
    return () if all(re.fullmatch(r"LABEL_\d+", name) for name in names) else names


def _texts_only(inputs: Sequence[str]) -> None:
    if isinstance(inputs, str) or not all(isinstance(text, str) for text in inputs):
        raise SubjectError("this subject reads texts; expected a list of str (columns.input: the column of texts)")
