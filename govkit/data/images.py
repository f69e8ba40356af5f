"""Images: a folder with a sub-folder per class, or a column of paths."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from govkit.core.case import Array
from govkit.errors import DataError
from govkit.lazy import np, pa

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What Pillow may take a file for, whatever its name says: others hand it to programs such as Ghostscript."""


def image_table(folder: Path) -> Array:
    """Table with the columns ``path`` (relative to the folder, ``/`` between parts) and ``label`` (the sub-folder).

    Raises:
        DataError: No sub-folder holds an image, or a link leads back to a folder above it.
    """
    paths, labels = [], []
    for entry in sorted(folder.iterdir()):
        if not _is_class_folder(folder, entry):
            continue
        for path in _images_below(entry):
            paths.append(path.relative_to(folder).as_posix())
            labels.append(entry.name)
    if not paths:
        raise DataError(
            f"{folder} is a folder without images; expected a sub-folder per class with {_suffixes()} files"
        )
    return pa.table({"path": pa.array(paths, pa.string()), "label": pa.array(labels, pa.string())})


def _suffixes() -> str:
    return ", ".join(sorted(SUFFIXES))


def _is_class_folder(folder: Path, entry: Path) -> bool:
    if entry.is_symlink():
        try:
            loops = folder.resolve(strict=True).is_relative_to(entry.resolve(strict=True))
        except (OSError, RuntimeError) as error:
            raise DataError(f"{entry} is a symlink loop or leads nowhere; remove it") from error
        if loops:
            raise DataError(f"{entry} is a symlink loop: it leads back to a folder above it; remove it")
    return entry.is_dir() and not entry.name.startswith(".")


def _images_below(folder: Path) -> list[Path]:
    found = []
    for where, _, names in os.walk(folder):
        found += [Path(where, name) for name in names if Path(name).suffix.lower() in SUFFIXES]
    return sorted(found)


def load_images(
    paths: Sequence[str],
    *,
    root: Path,
    input_range: tuple[float, float] | None = None,
    digests: Sequence[str] | None = None,
) -> Array:
    """Load images of one size.

    Gray images have one channel; where at least one is in color, all have three. Transparency is dropped.

    Args:
        paths: Files, relative to ``root`` or absolute.
        root: Folder that relative paths start from.
        input_range: Values of black and of full brightness; (0, 1) if not given.
        digests: SHA-256 in hex of the bytes of each file, as far as they were digested before.

    Returns:
        float32 ``(n, c, h, w)`` in ``input_range``.

    Raises:
        DataError: A file is missing, is no image or has other bytes now, or sizes differ; names the file.
    """
    known = digests if digests is not None else [None] * len(paths)
    planes = [_load(root / path, digest) for path, digest in zip(paths, known, strict=True)]
    for path, plane in zip(paths, planes, strict=True):
        if plane.shape[:2] != planes[0].shape[:2]:
            found, expected = (f"{s[1]}×{s[0]}" for s in (plane.shape, planes[0].shape))
            raise DataError(f"{root / path} is {found} pixels, {root / paths[0]} is {expected}; resize all to one size")
    if len({plane.shape[2] for plane in planes}) > 1:
        planes = [np.broadcast_to(plane, (*plane.shape[:2], 3)) for plane in planes]
    low, high = input_range or (0.0, 1.0)
    unit = np.stack(planes).transpose(0, 3, 1, 2)
    # Plain low + unit·(high − low) can round past the end of the range.
    return np.clip(np.ascontiguousarray(unit) * np.float32(high - low) + np.float32(low), low, high, dtype=np.float32)


@contextmanager
def _whole_images_only() -> Iterator[None]:
    """Refuse cut files, whatever other libraries have told Pillow: WeasyPrint lets it fill them with gray."""
    from PIL import ImageFile

    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _load(path: Path, digest: str | None) -> Array:
    """One image as float32 ``(h, w, c)`` in [0, 1], of the very bytes that were digested."""
    from PIL import Image, UnidentifiedImageError

    try:
        content = path.read_bytes()
        if digest is not None and hashlib.sha256(content).hexdigest() != digest:
            raise DataError(f"{path} was changed while it was read; start again when nothing writes to it")
        with (
            _whole_images_only(),
            # Of images that unpack to gigabytes Pillow by itself only warns, up to twice its limit.
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(io.BytesIO(content), formats=FORMATS) as image,
        ):
            if image.mode.startswith("I"):
                return np.asarray(image, dtype=np.float32)[..., None] / np.float32(65535)
            gray = image.mode in {"1", "L", "LA"}
            pixels = np.asarray(image.convert("L" if gray else "RGB"), dtype=np.float32)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; expected an image") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not an image that can be read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path} is an image of more than {Image.MAX_IMAGE_PIXELS} pixels; make it smaller") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} is a damaged image: {error}") from error
    return (pixels[..., None] if gray else pixels) / np.float32(255)
