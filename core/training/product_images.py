"""What the image trunk sees of products: each image read once, its features kept by its hash, its status by product."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue.images import fetch_images, find_local_image, is_remote
from core.patience import patiently
from core.runtime import Runtime
from core.training.feature_store import FeatureStore
from core.training.learning_rows import LearningRows, Rows
from core.training.model_errors import in_words
from core.types import utc_now
from db import product_images
from db.product_images import NamedImage
from models.image.decode import READABLE, ImageStatus
from models.types import CategoryModel, ProductImages, Products

if TYPE_CHECKING:  # loads torch
    from models.image.trunk import ImageTrunk

CHUNK = 2_048  # products whose pictures are read together
REMOTE_SIDE = 320  # pixels: how large an image from the internet is kept

OnRead = Callable[[float], None]  # told how far it is, 0..1; may raise to stop


@dataclass(frozen=True)
class ReadImages:
    """Images of N products, in the order asked."""

    images: ProductImages
    statuses: list[ImageStatus]


class ImageReader:
    """Reads products' images with one trunk. What was read before is taken from the cache."""

    def __init__(self, runtime: Runtime, trunk: "ImageTrunk") -> None:
        from models.image.trunk import N_FEATURES

        self._runtime, self._trunk = runtime, trunk
        folder = runtime.data_dir / "image_features" / trunk.hash
        self.trunk_folder = folder / "trunk"
        if not self.trunk_folder.exists():
            trunk.save(self.trunk_folder)
        self._store = FeatureStore(folder / "features", N_FEATURES)

    @property
    def about(self) -> dict[str, Any]:
        """Which trunk reads, in plain values."""
        return {"trunk": self._trunk.hash, "weights": self._trunk.source, "scaling": self._trunk.scaling}

    @property
    def is_scratch(self) -> bool:
        """Whether its trunk has learned nothing yet."""
        return self._trunk.is_scratch

    def attach(
        self, product_ids: Sequence[int], products: Products, on_read: OnRead = lambda fraction: None
    ) -> Products:
        """The products of these ids with their images."""
        return replace(products, images=self.read(product_ids, on_read).images)

    def read(self, product_ids: Sequence[int], on_read: OnRead = lambda fraction: None) -> ReadImages:
        """The products' images; a product that is gone has none."""
        from models.image.trunk import N_FEATURES

        n = len(product_ids)
        features, present = np.zeros((n, N_FEATURES), np.float16), np.zeros(n, bool)
        files: list[str | None] = []
        statuses: list[ImageStatus] = []
        for start in range(0, n, CHUNK):
            chunk = product_ids[start : start + CHUNK]
            with self._runtime.sessions.read() as session:
                named = {found.product_id: found for found in product_images.list_images(session, chunk)}
            nothing = partial(NamedImage, image=None, read_image=None, image_hash=None, status=None, checked_at=None)
            asked = [named.get(product_id) or nothing(product_id) for product_id in chunk]
            part = self.read_named(asked, _share(on_read, start, len(chunk), n))
            rows = slice(start, start + len(chunk))
            features[rows], present[rows] = part.images.features, part.images.present
            files += part.images.files or []
            statuses += part.statuses
        return ReadImages(ProductImages(features, present, self.trunk_folder, files), statuses)

    def read_named(self, named: Sequence[NamedImage], on_read: OnRead = lambda fraction: None) -> ReadImages:
        """The same for products whose rows are there already, CHUNK at most."""
        files, statuses = self._locate(named)
        began = utc_now()  # a picture replaced from now on is read again the next time
        hashes: list[str | None] = [None] * len(named)
        to_read = []
        for place, (image, file) in enumerate(zip(named, files, strict=True)):
            if file is None:
                continue
            if image.read_image == image.image and image.status and _is_unchanged(file, image.checked_at):
                statuses[place], hashes[place] = ImageStatus(image.status), image.image_hash
            if hashes[place] is None or statuses[place] in READABLE:
                to_read.append(place)
        cached = self._store.find(hashes)[1]
        to_read = [place for place in to_read if not cached[place]]
        fresh = self._read_files([str(files[place]) for place in to_read], on_read)
        for place, (status, image_hash) in zip(to_read, fresh, strict=True):
            statuses[place], hashes[place] = status, image_hash
        self._keep(named, statuses, hashes, set(to_read), began)
        features, found = self._store.find(hashes)
        paths = [str(file) if file and here else None for file, here in zip(files, found.tolist(), strict=True)]
        return ReadImages(ProductImages(features, found, self.trunk_folder, paths), statuses)

    def _locate(self, named: Sequence[NamedImage]) -> tuple[list[Path | None], list[ImageStatus]]:
        """Where each image lies on this machine, or why it does not."""
        settings = self._runtime.settings
        references = [(image.image or "").strip() for image in named]
        remote = [reference for reference in references if is_remote(reference)]
        fetched: dict[str, Path | None] = {}
        if remote and settings.fetch_remote_images:
            fetched = dict(zip(remote, fetch_images(self._runtime, remote, REMOTE_SIDE), strict=True))
        files: list[Path | None] = []
        statuses = []
        for reference in references:
            if not reference or "\0" in reference:
                file, reason = None, ImageStatus.NONE
            elif not is_remote(reference):
                file, reason = find_local_image(settings, reference), ImageStatus.MISSING
            elif not settings.fetch_remote_images:
                file, reason = None, ImageStatus.NOT_FETCHED
            else:
                file, reason = fetched[reference], ImageStatus.UNREACHABLE
            files.append(file)
            statuses.append(ImageStatus.OK if file else reason)
        return files, statuses

    def _read_files(self, files: Sequence[str], on_read: OnRead) -> Iterator[tuple[ImageStatus, str | None]]:
        """(status, hash) of each file; features that are new are kept on the way."""
        from models.image.reading import read_files
        from models.image.trunk import SIDE

        done, new_hashes, new_features = 0, list[str](), list[NDArray[np.float16]]()
        try:
            for part in read_files(files, SIDE):
                known = self._store.find([picture.hash for picture in part])[1]
                new = {
                    picture.hash: picture.pixels
                    for picture, is_known in zip(part, known.tolist(), strict=True)
                    if picture.pixels is not None and picture.hash and not is_known
                }
                if new:
                    new_hashes += new
                    new_features.append(self._trunk.features(np.stack(list(new.values()))))
                done += len(part)
                on_read(done / len(files))
                yield from ((picture.status, picture.hash) for picture in part)
        finally:  # also of what was read before somebody cancelled
            if new_hashes:
                self._store.add(new_hashes, np.concatenate(new_features))

    def _keep(
        self,
        named: Sequence[NamedImage],
        statuses: Sequence[ImageStatus],
        hashes: Sequence[str | None],
        read: set[int],
        began: datetime,
    ) -> None:
        """Write what changed and the places that were `read`, as of when that `began`."""
        rows = [
            {
                "product_id": image.product_id,
                "image": image.image,
                "image_hash": image_hash,
                "status": status.value,
                "checked_at": began,
            }
            for place, (image, status, image_hash) in enumerate(zip(named, statuses, hashes, strict=True))
            if image.image is not None
            and (
                place in read
                or (image.read_image, image.status, image.image_hash) != (image.image, status.value, image_hash)
            )
        ]

        def write() -> None:
            with self._runtime.sessions.write() as session:
                product_images.upsert_images(session, rows)

        if rows:
            patiently(write)


def open_reader(runtime: Runtime, device: str) -> ImageReader:
    """A reader with the trunk of the settings, to learn from. Raises NotReady when its weights cannot be had."""
    from models.device import resolve_device
    from models.errors import ModelError
    from models.image.trunk import load_trunk

    settings = runtime.settings
    try:
        trunk = load_trunk(settings.image_weights, settings.image_scaling, resolve_device(device))
        return ImageReader(runtime, trunk)
    except ModelError as error:
        raise in_words(error) from error


def find_reader(runtime: Runtime, model: CategoryModel) -> ImageReader | None:
    """A reader with the model's own trunk; none for a model that does not use images."""
    if not uses_images(model.config):
        return None
    from models.fusion import find_fused

    fused = find_fused(model)
    return ImageReader(runtime, fused.image.trunk) if fused else None


def uses_images(config: dict[str, Any]) -> bool:
    """Whether a model of this configuration, or the one it wraps, reads images."""
    inner = config.get("model")
    return bool(config.get("uses_images")) or (isinstance(inner, dict) and uses_images(inner))


def attach_images(
    runtime: Runtime, rows: LearningRows, device: str, on_read: OnRead, log: Callable[[str], None]
) -> tuple[LearningRows, dict[str, Any]]:
    """The rows with what the image trunk sees of each product, and counts by status to keep with the version.

    With too few readable images among the training rows they stay without, and the log says so. Raises NotReady when
    there are no weights to begin from.
    """
    from models.errors import NotEnoughImages
    from models.image.rows import check_images

    named = [rows.train, rows.validation, rows.test]
    product_ids = [product_id for part in named for product_id in part.product_ids]
    reader = open_reader(runtime, device)
    read = reader.read(product_ids, on_read)
    facts = count_statuses(read.statuses) | reader.about
    read_in_words = ", ".join(f"{n:,} {status}" for status, n in facts["statuses"].items())
    log(f"Images: {facts['readable']:,} of {len(product_ids):,} products have a readable one ({read_in_words}).")
    if reader.is_scratch:
        log("The image network begins from scratch: without ImageNet weights it learns far less from few pictures.")
    parts, start = [], 0
    for part in named:
        images = read.images.take(slice(start, start + len(part)))
        parts.append(_with_images(part, images))
        start += len(part)
    try:
        check_images(parts[0].labeled)
    except NotEnoughImages as error:
        log(f"{error} This version learns from titles alone.")
        return rows, facts | {"used": False}
    train, validation, test = parts
    return replace(rows, train=train, validation=validation, test=test), facts | {"used": True}


def count_statuses(statuses: Sequence[ImageStatus]) -> dict[str, Any]:
    """Counts by status, most first, and how many could be read."""
    counts = Counter(status.value for status in statuses)
    return {"readable": sum(status in READABLE for status in statuses), "statuses": dict(counts.most_common())}


def _with_images(rows: Rows, images: ProductImages) -> Rows:
    products: Products = replace(rows.labeled.products, images=images)
    return replace(rows, labeled=replace(rows.labeled, products=products))


def _share(on_read: OnRead, start: int, n: int, total: int) -> OnRead:
    return lambda fraction: on_read((start + fraction * n) / total)


def _is_unchanged(file: Path, checked_at: datetime | None) -> bool:
    """Whether the file is as it was then. Its inode's time counts too: a copy may keep its content's older time."""
    if checked_at is None:
        return False
    try:
        stat = file.stat()
    except OSError:
        return False
    return max(stat.st_mtime, stat.st_ctime) < checked_at.timestamp()
