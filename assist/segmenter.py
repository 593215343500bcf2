"""A promptable segmenter of the Segment Anything kind, from two local ONNX files: a box or a point becomes an outline.

It runs inside a front end, in a thread; onnxruntime is imported at the first use and only here.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from weakref import ref

import numpy as np

from core.errors import Unavailable
from core.geometry import Polygon
from core.pixels import prompted
from core.pixels.prompted import Floats, Prompt
from storage.pyramid import Pyramid

log = logging.getLogger("tagline.segmenter")

EMBEDDINGS = 8  # 4 MiB each
EMBEDDING_SHAPE = (1, 256, 64, 64)
DECODER_INPUTS = {"image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size"}
DECODER_OUTPUTS = ("masks", "iou_predictions")
THREADS = 2
GOES_ON = "Outlines come from the pixels alone."


class Session(Protocol):
    """What is used of onnxruntime's InferenceSession."""

    def get_inputs(self) -> Sequence[Any]:
        """Its inputs, each with a name and a shape."""

    def get_outputs(self) -> Sequence[Any]:
        """Its outputs, likewise."""

    def run(self, names: Sequence[str] | None, given: Mapping[str, Any]) -> Sequence[Any]:
        """Its answers."""


class Segmenter:
    """One encoder and one decoder, for one thread at a time. What cannot work once is not tried again until a restart."""

    def __init__(self, encoder: Path, decoder: Path) -> None:
        self._paths = encoder, decoder
        self._sessions: tuple[Session, Session] | None = None
        self._embeddings: OrderedDict[ref[Pyramid], Floats] = OrderedDict()
        self._trouble = ""

    def outline(self, image: Pyramid, prompt: Prompt) -> Polygon | None:
        """The outline of the object in a box or under a point, image px; None where the model shows none.

        Raises:
            Unavailable: the package, a file or the model is not what is needed; the sentence is for a person.
        """
        if self._trouble:
            raise Unavailable(self._trouble)
        try:
            return self._outline(image, prompt)
        except Unavailable as error:
            self._trouble = str(error)
        except Exception as error:  # onnxruntime's errors have no common base of their own
            log.warning("the segmenter failed: %s", error)
            self._trouble = f"The segmenter failed on an image. {GOES_ON}"
        self._sessions = None
        self._embeddings.clear()
        log.warning("%s (%s, %s)", self._trouble, *self._paths)
        raise Unavailable(self._trouble)

    def _outline(self, image: Pyramid, prompt: Prompt) -> Polygon | None:
        if self._sessions is None:
            self._sessions = opened(self._paths[0]), opened(self._paths[1])
            check(*self._sessions)
        points, kinds = prompted.prompt_points(prompt, image.image_wh)
        width, height = prompted.fitted_wh(image.image_wh)
        given = {
            "image_embeddings": self._embedding(image),
            "point_coords": points,
            "point_labels": kinds,
            "mask_input": np.zeros((1, 1, 256, 256), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array(
                (height, width), np.float32
            ),  # masks of the fitted size, however large the image is
        }
        masks, scores = self._sessions[1].run(DECODER_OUTPUTS, given)
        return prompted.outline_of(masks[0, int(np.argmax(scores[0]))], prompt, image.image_wh)

    def _embedding(self, image: Pyramid) -> Floats:
        """What the encoder makes of an image, kept for the last few."""
        key = ref(image)
        if (found := self._embeddings.get(key)) is None:
            found = self._encoded(image)
            self._embeddings[key] = found
        self._embeddings.move_to_end(key)
        while len(self._embeddings) > EMBEDDINGS:
            self._embeddings.popitem(last=False)
        return found

    def _encoded(self, image: Pyramid) -> Floats:
        assert self._sessions is not None
        encoder = self._sessions[0]
        wanted, (width, height) = encoder.get_inputs()[0], image.image_wh
        fitted = image.part((0.0, 0.0, float(width), float(height)), prompted.fitted_wh(image.image_wh))
        is_square = len(wanted.shape) == 4  # else it scales and pads by itself
        given = prompted.normalized(fitted) if is_square else fitted.astype(np.float32)
        found = np.asarray(encoder.run(None, {wanted.name: given})[0], dtype=np.float32)
        if found.shape != EMBEDDING_SHAPE:
            raise Unavailable(f"The segmenter's encoder gives {found.shape}, not {EMBEDDING_SHAPE}. {GOES_ON}")
        return found


def opened(path: Path) -> Session:
    """A model in memory. Raises Unavailable."""
    if not path.is_file():
        raise Unavailable(f"The segmenter's file {path.name} is not there. {GOES_ON}")
    try:
        import onnxruntime
    except ImportError as error:
        raise Unavailable(f"The segmenter needs onnxruntime: pip install 'tagline[segment]'. {GOES_ON}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = THREADS, 1, 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session: Session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        log.warning("%s: %s", path, error)
        raise Unavailable(f"The segmenter's file {path.name} cannot be read as an ONNX model. {GOES_ON}") from error
    return session


def check(encoder: Session, decoder: Session) -> None:
    """Raises Unavailable unless these are an image encoder and a mask decoder."""
    images, names = encoder.get_inputs(), {one.name for one in decoder.get_inputs()}
    if len(images) != 1 or len(images[0].shape) not in (3, 4):
        raise Unavailable(f"The segmenter's encoder does not take one image. {GOES_ON}")
    if names != DECODER_INPUTS or not {one.name for one in decoder.get_outputs()} >= set(DECODER_OUTPUTS):
        wrong = ", ".join(sorted(names ^ DECODER_INPUTS)) or "its outputs"
        raise Unavailable(f"The segmenter's decoder is of another kind: {wrong}. {GOES_ON}")
