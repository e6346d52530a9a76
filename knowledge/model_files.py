"""Make the default embedding model once: an ordinary sentence-transformers folder with an ONNX int8 encoder.

The weights come from an installed package (see `packed_weights`); nothing is downloaded. Making the folder
takes some 4 s and 0.6 GB of memory; it then loads in half a second. Folders are complete or absent: they are
written beside, synced and renamed under a lock, and a folder that lost bytes is made again.
"""

import json
from pathlib import Path

import onnx
from filelock import FileLock
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from knowledge.encoder_graph import build_encoder_graph
from knowledge.packed_weights import WEIGHTS_SHA256, PackedWeights, Vocabulary, find_packed_weights
from knowledge.whole_folders import clear_unfinished, whole_folder

LAYOUT = 2  # raise when what is written below changes, so that folders of older builds are made again
MAX_TOKENS = 512
MANIFEST = "manifest.json"


def prepare_default_model(models_folder: Path) -> Path:
    """Return the folder of the default model under ``models_folder``, making it first when needed.

    Safe to call from many threads and processes: one makes, the others wait. Raises Unavailable when the
    weights are not installed or not the ones this build knows.
    """
    folder = models_folder / f"e5-small-{WEIGHTS_SHA256[:8]}"
    if is_complete(folder):
        return folder
    models_folder.mkdir(parents=True, exist_ok=True)
    with FileLock(models_folder / f"{folder.name}.lock"):
        if not is_complete(folder):
            _make(folder)
    return folder


def is_complete(folder: Path) -> bool:
    """Tell whether the folder is of this layout and every file has the size it was written with."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        sizes: dict[str, int] = manifest["sizes"]
        return manifest["layout"] == LAYOUT and all(
            (folder / name).stat().st_size == size for name, size in sizes.items()
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _make(folder: Path) -> None:
    clear_unfinished(folder.parent)
    weights = PackedWeights(find_packed_weights())
    with whole_folder(folder) as fresh:
        onnx.save(build_encoder_graph(weights), str(fresh / "encoder.onnx"))
        make_tokenizer(weights.vocabulary).save(str(fresh / "tokenizer.json"))
        _write_settings(fresh, weights)
        sizes = {path.name: path.stat().st_size for path in sorted(fresh.iterdir())}
        manifest = {"layout": LAYOUT, "weights": WEIGHTS_SHA256, "sizes": sizes}
        (fresh / MANIFEST).write_text(json.dumps(manifest))


def _write_settings(folder: Path, weights: PackedWeights) -> None:
    """Write what sentence-transformers reads: the list of modules, the prompts, the encoder's sizes."""
    files = {
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "knowledge.onnx_encoder.OnnxEncoder"}],
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "onnx_encoder.json": {"dimension": weights.shape.hidden, "max_seq_length": MAX_TOKENS},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1))


def make_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """Build the tokenizer of XLM-RoBERTa from its pieces: unigram model, ``<s> … </s>`` around each text."""
    pieces = list(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=vocabulary.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    ends = [(vocabulary.pieces[i], i) for i in (vocabulary.begin, vocabulary.end)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{ends[0][0]} $A {ends[1][0]}", special_tokens=ends
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(pad_id=vocabulary.padding, pad_token=vocabulary.pieces[vocabulary.padding])
    return tokenizer
