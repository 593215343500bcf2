"""The promptable segmenter: geometry with a stand-in model whose answer is known, real ONNX files where the packages are, refusals."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assist.segmenter import DECODER_INPUTS, EMBEDDINGS, Segmenter, check
from core.errors import BadInput, Unavailable
from core.geometry import Box, Polygon, box_iou, invalid_reason
from core.pixels.prompted import fitted_wh, normalized, outline_of, prompt_points
from sshd.config import load_config
from sshd.findings import Verdict
from sshd.model_checks import check_segmenter
from storage.pyramid import Pyramid, build

DISC = Box(90, 60, 171, 141)
HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def photo(size_wh: tuple[int, int] = (260, 220)) -> NDArray[np.uint8]:
    """A dark disc on a bright ground."""
    image = np.full((size_wh[1], size_wh[0], 3), 215, np.uint8)
    cv2.circle(image, (130, 100), 40, (60, 60, 60), -1)
    return image


class StandIn:
    """A model of known inputs that finds dark pixels in what it was given, and remembers what that was."""

    def __init__(self, inputs: dict[str, int], outputs: tuple[str, ...], seen: dict[str, Any]) -> None:
        self._inputs, self._outputs, self.seen, self.runs = inputs, outputs, seen, 0

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name=name, shape=[None] * rank) for name, rank in self._inputs.items()]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in self._outputs]

    def run(self, names: Any, given: dict[str, Any]) -> list[Any]:
        self.runs += 1
        self.seen |= given
        if "orig_im_size" not in given:
            return [np.zeros((1, 256, 64, 64), np.float32)]
        height, width = (int(v) for v in given["orig_im_size"])
        dark = -self.seen["x"][0, 0] if self.seen["x"].ndim == 4 else 100 - self.seen["x"][..., 0]
        masks = np.stack([np.full((height, width), -1.0), dark[:height, :width]])
        return [masks[None], np.array([[0.1, 0.9]])]


def stood_in(rank: int = 4) -> tuple[Segmenter, StandIn]:
    """A segmenter over stand-ins, and its encoder."""
    seen: dict[str, Any] = {}
    encoder = StandIn({"x": rank}, ("y",), seen)
    decoder = StandIn(dict.fromkeys(DECODER_INPUTS, 4), ("masks", "iou_predictions", "low_res_masks"), seen)
    made = Segmenter(Path("encoder.onnx"), Path("decoder.onnx"))
    made._sessions = encoder, decoder
    return made, encoder


@pytest.mark.parametrize("rank", [3, 4])
def test_the_outline_lies_on_the_object(rank: int) -> None:
    """A box around an object gives its outline in px of the image, whether the encoder scales by itself or not."""
    made, _ = stood_in(rank)
    found = made.outline(build(photo()), Box(80, 50, 180, 150))
    assert found is not None
    assert box_iou(found.bounds, DISC) > 0.97
    assert invalid_reason(found, (260, 220)) is None
    assert len(found.points) < 40


@pytest.mark.parametrize("image_wh", [(640, 480), (480, 640), (5000, 40), (1, 1), (1024, 1024)])
def test_an_image_fits_the_square(image_wh: tuple[int, int]) -> None:
    """Wide, high, tiny: the longer side is 1024 px, the rest is padded with zeros."""
    width, height = fitted_wh(image_wh)
    assert max(width, height) == 1024
    square = normalized(np.full((height, width, 3), 255, np.uint8))
    assert square.shape == (1, 3, 1024, 1024)
    assert (square[0, 0, :height, :width] > 2).all()
    assert not square[0, :, height:].any()
    assert not square[0, :, :, width:].any()


def test_prompts_are_told_in_the_models_px() -> None:
    """A box is two corners of their kinds, a point is a point and an empty place."""
    points, kinds = prompt_points(Box(10, 20, 256, 128), (512, 256))
    assert points.tolist() == [[[20, 40], [512, 256]]]
    assert kinds.tolist() == [[2, 3]]
    points, kinds = prompt_points((256.0, 128.0), (512, 256))
    assert points.tolist() == [[[512, 256], [0, 0]]]
    assert kinds.tolist() == [[1, -1]]


def test_of_several_parts_the_one_that_was_pointed_at() -> None:
    """A point chooses the part under it though another is larger; a box takes the largest; nothing and specks are nothing."""
    logits = np.full((1024, 1024), -1, np.float32)
    logits[100:200, 100:200] = logits[400:900, 400:900] = 1
    small, large = outline_of(logits, (75.0, 75.0), (512, 512)), outline_of(logits, Box(0, 0, 512, 512), (512, 512))
    assert isinstance(small, Polygon)
    assert isinstance(large, Polygon)
    assert box_iou(small.bounds, Box(50, 50, 100, 100)) > 0.95
    assert box_iou(large.bounds, Box(200, 200, 450, 450)) > 0.98
    speck = np.full((1024, 1024), -1, np.float32)
    assert outline_of(speck, (75.0, 75.0), (512, 512)) is None
    speck[10:12, 10:12] = 1
    assert outline_of(speck, (75.0, 75.0), (512, 512)) is None


def test_an_image_is_encoded_once_and_few_are_kept() -> None:
    """The second prompt on an image is quick; memory does not grow with the images looked at."""
    made, encoder = stood_in()
    images: list[Pyramid] = [build(photo()) for _ in range(EMBEDDINGS + 2)]
    for image in images:
        for _ in range(2):
            made.outline(image, (130.0, 100.0))
    assert encoder.runs == len(images)
    assert len(made._embeddings) == EMBEDDINGS


def test_a_model_of_another_kind_is_refused() -> None:
    """Other inputs or outputs: a sentence that names them."""
    encoder = StandIn({"x": 4}, ("y",), {})
    with pytest.raises(Unavailable, match=r"of another kind: orig_im_size\."):
        check(encoder, StandIn(dict.fromkeys(DECODER_INPUTS - {"orig_im_size"}, 4), ("masks",), {}))
    with pytest.raises(Unavailable, match="its outputs"):
        check(encoder, StandIn(dict.fromkeys(DECODER_INPUTS, 4), ("masks",), {}))
    with pytest.raises(Unavailable, match="does not take one image"):
        check(StandIn({"x": 2}, ("y",), {}), encoder)


def test_a_missing_file_or_package_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labeler reads what is missing, again and again the same; nothing else breaks."""
    made = Segmenter(tmp_path / "encoder.onnx", tmp_path / "decoder.onnx")
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"file encoder.onnx is not there"):
            made.outline(build(photo()), DISC)
    (tmp_path / "encoder.onnx").write_bytes(b"no model")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Unavailable, match=r"pip install 'tagline\[segment\]'"):
        Segmenter(tmp_path / "encoder.onnx", tmp_path / "decoder.onnx").outline(build(photo()), DISC)


def test_a_failing_model_is_a_sentence() -> None:
    """Whatever goes wrong inside the model, the labeler reads a sentence."""
    made, encoder = stood_in()
    encoder.run = lambda names, given: [][0]  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="failed on an image"):
        made.outline(build(photo()), DISC)


def test_both_files_are_set_or_none(tmp_path: Path) -> None:
    """Paths are of the data folder, or whole; one without the other is said at the start."""
    assert load_config(tmp_path, {}).segmenter_paths is None
    given = {"TAGLINE_SEGMENT_ENCODER": "e.onnx", "TAGLINE_SEGMENT_DECODER": "/models/d.onnx"}
    assert load_config(tmp_path, given).segmenter_paths == (tmp_path / "e.onnx", Path("/models/d.onnx"))
    with pytest.raises(BadInput, match="both or not at all"):
        load_config(tmp_path, {"TAGLINE_SEGMENT_ENCODER": "e.onnx"})


def write_models(encoder: Path, decoder: Path) -> None:
    """Real ONNX files of the two signatures: an embedding of mean colours, and a mask of what is dark in it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def kept(path: Path, nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], constants: Any) -> None:
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
        given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        values = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
        graph = helper.make_graph(nodes, "g", made, given, values)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))

    pooled = helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[16, 16], strides=[16, 16])
    widened = helper.make_node("Conv", ["small", "w"], ["embeddings"])
    weights = {"w": np.full((256, 3, 1, 1), 1 / 3, np.float32)}
    kept(encoder, [pooled, widened], {"image": [1, 3, 1024, 1024]}, {"embeddings": [1, 256, 64, 64]}, weights)
    nodes = [
        helper.make_node("Slice", ["image_embeddings", "zero", "one", "axis"], ["first"]),
        helper.make_node("Neg", ["first"], ["low_res_masks"]),
        helper.make_node("Resize", ["low_res_masks", "", "scales"], ["square"], mode="linear"),
        helper.make_node("Cast", ["orig_im_size"], ["size"], to=TensorProto.INT64),
        helper.make_node("Slice", ["square", "zeros", "size", "sides"], ["masks"]),
        helper.make_node("Identity", ["score"], ["iou_predictions"]),
    ]
    inputs = {
        "image_embeddings": [1, 256, 64, 64], "point_coords": [1, "n", 2], "point_labels": [1, "n"],
        "mask_input": [1, 1, 256, 256], "has_mask_input": [1], "orig_im_size": [2],
    }  # fmt: skip
    outputs = {"masks": [1, 1, "h", "w"], "iou_predictions": [1, 1], "low_res_masks": [1, 1, 64, 64]}
    constants = {
        "zero": [0], "one": [1], "axis": [1], "zeros": [0, 0], "sides": [2, 3],
        "scales": np.float32([1, 1, 16, 16]), "score": np.float32([[0.9]]),
    }  # fmt: skip
    kept(decoder, nodes, inputs, outputs, constants)


@pytest.mark.skipif(not HAS_ONNX, reason="onnx and onnxruntime are optional")
def test_real_onnx_files_give_an_outline_and_corrupt_ones_a_sentence(tmp_path: Path) -> None:
    """Two files as the usual scripts export them work through onnxruntime; swapped or cut off ones are refused, by doctor, too."""
    encoder, decoder = tmp_path / "encoder.onnx", tmp_path / "decoder.onnx"
    write_models(encoder, decoder)
    found = Segmenter(encoder, decoder).outline(build(photo()), (130.0, 100.0))
    assert found is not None
    assert box_iou(found.bounds, DISC) > 0.9
    with pytest.raises(Unavailable, match="does not take one image"):
        Segmenter(decoder, encoder).outline(build(photo()), DISC)
    assert check_segmenter((encoder, decoder)).verdict is Verdict.OK
    encoder.write_bytes(encoder.read_bytes()[:100])
    assert "cannot be read as an ONNX model" in check_segmenter((encoder, decoder)).detail
    with pytest.raises(Unavailable, match=r"encoder.onnx cannot be read as an ONNX model"):
        Segmenter(encoder, decoder).outline(build(photo()), DISC)
