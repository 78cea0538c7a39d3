"""The trunk: its weights by name, file or from scratch; the scaling belongs to the weights; nothing works in place."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from models.artifact import check_folder
from models.errors import BrokenArtifact, NoImageWeights
from models.image.trunk import N_FEATURES, SIDE, ImageTrunk, load_trunk
from tests.models.image.made_up import saved_trunk, scratch_trunk


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mobilenet.pt"
    torch.save(mobilenet_v2().state_dict(), path)
    return path


def test_features_are_those_of_the_network_itself(pictures: np.ndarray) -> None:
    trunk = scratch_trunk()
    features = trunk.features(pictures)
    assert features.shape == (3, N_FEATURES)
    assert features.std() > 0.01  # a network that learned nothing still tells pictures apart
    with torch.inference_mode():
        plain = trunk.blocks(trunk.scale(torch.from_numpy(pictures).permute(0, 3, 1, 2))).mean((2, 3)).numpy()
    assert np.allclose(features, plain, rtol=1e-2, atol=1e-2)
    assert trunk.features(pictures[:0]).shape == (0, N_FEATURES)


def test_no_layer_works_in_place_so_that_heat_maps_can_be_drawn() -> None:
    assert not any(module.inplace for module in scratch_trunk().blocks.modules() if isinstance(module, nn.ReLU6))


def test_weights_from_a_file_need_their_scaling(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(NoImageWeights, match="scaled"):
        load_trunk(str(weights), "")
    one, other = load_trunk(str(weights), "symmetric"), load_trunk(str(weights), "imagenet")
    assert one.hash != other.hash
    black = torch.zeros(1, 3, 1, 1)
    assert one.scale(black).flatten().tolist() == [-1.0, -1.0, -1.0]
    assert other.scale(black).flatten().tolist() == pytest.approx([-2.1179, -2.0357, -1.8044], abs=1e-3)
    state = torch.load(weights, weights_only=True)
    save_file(state, tmp_path / "same.safetensors")
    assert load_trunk(str(tmp_path / "same.safetensors"), "symmetric").hash == one.hash


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such file"), (b"nothing", "cannot be read"), ({}, "not the weights")]
)
def test_a_file_of_something_else_is_refused_in_a_sentence(content: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(NoImageWeights, match=said):
        load_trunk(str(path), "symmetric")


def test_names_are_torchvisions_and_no_network_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    state = mobilenet_v2().state_dict()
    asked: list[str] = []

    def found(self: MobileNet_V2_Weights, **_: object) -> dict[str, torch.Tensor]:
        asked.append(self.name)
        return state

    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", found)
    trunk = load_trunk("IMAGENET1K_V1", "symmetric")
    assert (trunk.scaling, trunk.source, asked) == ("imagenet", "IMAGENET1K_V1", ["IMAGENET1K_V1"])

    def nobody(self: MobileNet_V2_Weights, **_: object) -> dict[str, torch.Tensor]:
        raise OSError("Name or service not known")

    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", nobody)
    with pytest.raises(NoImageWeights, match=r"cannot be downloaded.*SHELFWRIGHT_IMAGE_WEIGHTS"):
        load_trunk("IMAGENET1K_V1", "")


def test_a_saved_trunk_is_the_same_and_a_damaged_one_is_refused(tmp_path: Path, pictures: np.ndarray) -> None:
    folder = saved_trunk(tmp_path / "trunk")
    again = ImageTrunk.read(folder)
    assert again.hash == scratch_trunk().hash
    assert np.array_equal(again.features(pictures), scratch_trunk().features(pictures))
    (folder / "trunk.safetensors").write_bytes(b"")
    with pytest.raises(BrokenArtifact, match=r"trunk\.safetensors"):
        ImageTrunk.read(folder)
    with pytest.raises(BrokenArtifact):
        check_folder(folder)
