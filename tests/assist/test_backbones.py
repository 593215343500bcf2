"""Pictures become numbers that mean something, and weights that cannot be used are refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assist.backbones import open_backbone, squared
from assist.classification.embeddings import KEY_BYTES, EmbeddingStore, content_key
from assist.device import Device
from core.errors import BadInput
from storage.images import decode

PHOTOS = Path(__file__).parents[2] / "sshd" / "demo" / "photos"
CPU = Device("cpu", "cpu", 4)


def pictures(kind: str, count: int, size_px: int) -> list[np.ndarray]:
    """Real photos as a backbone wants them."""
    files = sorted((PHOTOS / kind).glob("*.jpg"))[:count]
    return [squared(decode(file.read_bytes(), path=file.name), size_px) for file in files]


@pytest.mark.parametrize("name", ["plain", "auto"])
def test_hands_are_more_like_hands_than_like_cells(name: str) -> None:
    """Photos of one kind lie closer together than photos of two."""
    if name == "auto":
        pytest.importorskip("torch")
        pytest.importorskip("efficientnet_lite_pytorch")
    backbone = open_backbone(name, CPU)
    hands = backbone.embed(pictures("signs", 6, backbone.size_px))
    cells = backbone.embed(pictures("cells", 6, backbone.size_px))
    assert hands.shape == (6, sum(backbone.groups))
    both = np.concatenate([hands, cells])[:, : backbone.groups[0]]
    unit = (both - both.mean(0)) / np.linalg.norm(both - both.mean(0), axis=1, keepdims=True)
    like = unit @ unit.T
    assert like[:6, :6].mean() > like[:6, 6:].mean() + 0.3


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 cut off"])
def test_a_corrupt_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """The run says which file is bad and what to do, and the worker lives."""
    pytest.importorskip("torch")
    from assist.lite import LiteBackbone

    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"weights\.pth cannot be used"):
        LiteBackbone(CPU, file)


def test_an_unknown_backbone_is_refused() -> None:
    """A name that nothing has is answered with those that exist."""
    with pytest.raises(BadInput, match="auto"):
        open_backbone("gpt", CPU)


def test_embeddings_survive_a_kill_between_rows_and_keys(tmp_path: Path) -> None:
    """What was written half is made again; what was whole is read back to the bit; another process sees it."""
    keys = [content_key("local:/", f"{n}.jpg", "1") for n in range(6)]
    rows = np.arange(24, dtype=np.float32).reshape(6, 4)
    vectors = EmbeddingStore(tmp_path, "b", 4)
    vectors.append(keys[:3], rows[:3])
    with (tmp_path / "b" / "rows.f16").open("ab") as file:
        file.write(b"half a row")
    with (tmp_path / "b" / "keys").open("ab") as file:
        file.write(bytes(KEY_BYTES - 3))
    again = EmbeddingStore(tmp_path, "b", 4)
    assert len(again) == 3
    assert np.array_equal(again.take(keys[:3]), rows[:3].astype(np.float16))
    again.append(keys[3:], rows[3:])
    vectors.refresh()
    assert np.array_equal(vectors.take(keys), rows.astype(np.float16))
    assert content_key("local:/", "0.jpg", "2") not in vectors


def test_embeddings_that_were_deleted_are_made_again(tmp_path: Path) -> None:
    """An operator may delete the files at any time: what is embedded after that is found, what is gone is not."""
    keys = [content_key("local:/", f"{n}.jpg", "1") for n in range(6)]
    rows = np.arange(24, dtype=np.float32).reshape(6, 4)
    embeddings = EmbeddingStore(tmp_path, "b", 4)
    embeddings.append(keys[:4], rows[:4])
    for name in ("rows.f16", "keys"):
        (tmp_path / "b" / name).unlink()
    embeddings.append(keys[4:], rows[4:])
    assert keys[0] not in embeddings
    assert np.array_equal(embeddings.take(keys[4:]), rows[4:].astype(np.float16))
