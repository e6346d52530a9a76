"""An ONNX encoder as a module of sentence-transformers.

Its own ``backend="onnx"`` needs `optimum-onnx`, which holds transformers below 4.58; a module of fifty lines
around ONNX Runtime needs neither and costs less per call. Importing this file imports torch (seconds): do it
off the event loop.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from sentence_transformers.base.modules import InputModule
from tokenizers import Tokenizer

THREADS = 1  # of a run: whoever embeds makes several at once, and a run shared by threads costs more in all


class OnnxEncoder(InputModule):
    """Turn texts into unit rows; expects `encoder.onnx` and `tokenizer.json` in one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        settings = json.loads((folder / "onnx_encoder.json").read_text())
        self.dimension: int = settings["dimension"]
        self.max_seq_length: int = settings["max_seq_length"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        # Spinning threads win a millisecond and burn a core while the house is idle.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def read(
        self, texts: Sequence[str], prompt: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Return what ``SentenceTransformer.encode`` gives, without its preparations, a fourth of a question.

        Unit rows (batch, dimension), rows of tokens (batch, length, dimension), and how many of them are
        the text's: what stands behind is padding.
        """
        encoded = self.tokenizer.encode_batch([prompt + text for text in texts])
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        feed = {"input_ids": np.array([e.ids for e in encoded], np.int64), "attention_mask": mask}
        rows, tokens = self.session.run(None, feed)
        return rows, tokens, mask.sum(axis=1)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Tokenize and pad; ``prompt`` is put before each text."""
        encoded = self.tokenizer.encode_batch([f"{prompt or ''}{text}" for text in inputs])
        return {
            "input_ids": torch.tensor([e.ids for e in encoded]),
            "attention_mask": torch.tensor([e.attention_mask for e in encoded]),
        }

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add ``sentence_embedding`` (batch, dimension), unit rows, and ``token_embeddings``; float32."""
        feed = {name: features[name].numpy() for name in ("input_ids", "attention_mask")}
        rows, tokens = self.session.run(None, feed)
        features["token_embeddings"] = torch.from_numpy(np.asarray(tokens, np.float32))
        features["sentence_embedding"] = torch.from_numpy(np.asarray(rows, np.float32))
        return features

    def get_embedding_dimension(self) -> int:
        """Return the length of a row."""
        return self.dimension

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse: the folder is made by `knowledge.model_files` and never changed."""
        raise NotImplementedError("copy the model's folder instead of saving a loaded model")

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", *args: Any, **kwargs: Any) -> Self:
        """Load from a folder on disk."""
        return cls(Path(model_name_or_path) / subfolder)
