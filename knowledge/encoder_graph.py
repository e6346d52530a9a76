"""Write the encoder multilingual-e5-small as an ONNX graph: token ids in; rows of texts and of tokens out.

The graph is laid out by hand, some twelve nodes a layer, so that neither PyTorch nor an exporter is
needed, and so that the 4-bit values go in as they are: the word table stays exact (int8 values with one
scale per block of 32), matrices become integers with one scale per output.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from knowledge.packed_weights import PackedWeights, Quantized

_CONTRIB = "com.microsoft"  # fused attention, gelu and skip-normalization of ONNX Runtime

# Seven bits for a weight: two products of a byte and a seven-bit value fit the 16-bit sums of processors
# without VNNI, where eight bits overflow silently. The result is the same on every machine.
WEIGHT_LEVELS = 63
_ROW_CONSTANTS: dict[str, NDArray[Any]] = {
    "row.level": np.array(1 / 127, np.float32),
    "row.tiny": np.array(1e-12, np.float32),  # an all-zero row must not divide by zero
    "row.one": np.array(1, np.float32),
    "row.middle": np.array(128, np.uint8),
}


@dataclass
class _Graph:
    """Nodes and constants as they are laid down; every node has one output named after its deed."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name


def build_encoder_graph(weights: PackedWeights) -> onnx.ModelProto:
    """Build the model: ``input_ids``, ``attention_mask`` (batch, length) to ``embedding`` (batch, hidden).

    Its second output is ``tokens`` (batch, length, hidden): what the mean is taken of.
    """
    g, shape = _Graph(), weights.shape
    for name, value in _ROW_CONSTANTS.items():
        g.constant(name, value)
    mask = g.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    rows = _embed(g, weights)
    for layer in range(shape.layers):
        rows = _encode_layer(g, weights, layer, rows, mask)
    _pool(g, rows)
    g.add("Identity", [rows], "tokens")
    graph = helper.make_graph(
        g.nodes,
        "multilingual-e5-small",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", shape.hidden]),
            helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "length", shape.hidden]),
        ],
        initializer=g.constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="rapport")


def _embed(g: _Graph, weights: PackedWeights) -> str:
    """Sum word, position and (always the first) type rows, then normalize."""
    shape = weights.shape
    table = weights.matrix("emb.word", shape.vocabulary, shape.hidden)
    values = g.constant("words.values", table.values)
    scales = g.constant("words.scales", table.scales.astype(np.float16)[..., None])
    picked = g.add(
        "Cast", [g.add("Gather", [values, "input_ids"], "words.picked")], "words.raw", to=TensorProto.FLOAT
    )
    scale = g.add(
        "Cast", [g.add("Gather", [scales, "input_ids"], "words.scale")], "words.factor", to=TensorProto.FLOAT
    )
    blocks = g.add("Mul", [picked, scale], "words.blocks")
    words = g.add("Reshape", [blocks, g.constant("words.shape", np.array([0, 0, shape.hidden]))], "words")
    positions = weights.floats("emb.pos").reshape(shape.positions, shape.hidden)
    types = weights.floats("emb.type").reshape(shape.token_types, shape.hidden)
    places = g.constant("places.all", positions + types[0])
    length = g.add("Slice", [g.add("Shape", ["input_ids"], "ids.shape"), *_range(g, 1, 2)], "length")
    start = g.constant("zero", np.array([0]))
    used = g.add("Slice", [places, start, length], "places")
    total = g.add("Add", [words, used], "embedded")
    return g.add(
        "LayerNormalization",
        [
            total,
            g.constant("emb.gain", weights.floats("emb.ln.w")),
            g.constant("emb.bias", weights.floats("emb.ln.b")),
        ],
        "x",
        epsilon=weights.epsilon,
    )


def _range(g: _Graph, start: int, end: int) -> list[str]:
    return [g.constant(f"from.{start}", np.array([start])), g.constant(f"to.{end}", np.array([end]))]


def _encode_layer(g: _Graph, weights: PackedWeights, layer: int, rows: str, mask: str) -> str:
    shape, p = weights.shape, f"l{layer}."
    hidden, inner = shape.hidden, shape.feed_forward
    three = [weights.matrix(f"{p}{part}.w", hidden, hidden) for part in "qkv"]
    joined = Quantized(np.concatenate([m.values for m in three]), np.concatenate([m.scales for m in three]))
    bias = np.concatenate([weights.floats(f"{p}{part}.b") for part in "qkv"])
    qkv = _multiply(g, rows, joined, p + "qkv")
    g.nodes.append(
        helper.make_node(
            "Split",
            [qkv, g.constant(p + "thirds", np.array([hidden] * 3))],
            [p + "q", p + "k", p + "v"],
            name=p + "split",
            axis=-1,
        )
    )
    attended = g.add(
        "MultiHeadAttention",
        [p + "q", p + "k", p + "v", g.constant(p + "qkv.bias", bias), mask],
        p + "attended",
        num_heads=shape.heads,
        domain=_CONTRIB,
    )
    out = _multiply(g, attended, weights.matrix(p + "ao.w", hidden, hidden), p + "ao")
    rows = _skip(g, weights, out, rows, p + "ao.b", p + "aln")
    wide = _multiply(g, rows, weights.matrix(p + "fi.w", inner, hidden), p + "fi")
    wide = g.add(
        "BiasGelu", [wide, g.constant(p + "fi.b", weights.floats(p + "fi.b"))], p + "gelu", domain=_CONTRIB
    )
    out = _multiply(g, wide, weights.matrix(p + "fo.w", hidden, inner), p + "fo")
    return _skip(g, weights, out, rows, p + "fo.b", p + "oln")


def _skip(g: _Graph, weights: PackedWeights, rows: str, skipped: str, bias: str, norm: str) -> str:
    constants = [g.constant(name, weights.floats(name)) for name in (norm + ".w", norm + ".b", bias)]
    return g.add(
        "SkipLayerNormalization", [rows, skipped, *constants], norm, epsilon=weights.epsilon, domain=_CONTRIB
    )


def _multiply(g: _Graph, rows: str, matrix: Quantized, name: str) -> str:
    """Multiply by the matrix in integers: each row quantized as it comes, the matrix once per output.

    A scale of its own for each row, rather than one for the whole batch (as ``DynamicQuantizeLinear`` makes
    it), costs nothing measurable; a text's row never depends on the texts that share its run.
    """
    full = (matrix.values * matrix.scales[..., None]).reshape(len(matrix.values), -1)
    scale = np.maximum(np.abs(full).max(axis=1), 1e-12) / WEIGHT_LEVELS
    small = np.rint(full / scale[:, None]).astype(np.int8)
    largest = g.add("ReduceMax", [g.add("Abs", [rows], name + ".abs")], name + ".max", axes=[-1], keepdims=1)
    step = g.add("Mul", [largest, "row.level"], name + ".step")
    whole = g.add("Div", [rows, g.add("Add", [step, "row.tiny"], name + ".safe")], name + ".whole")
    bytes_ = g.add("QuantizeLinear", [whole, "row.one", "row.middle"], name + ".bytes")
    product = g.add(
        "MatMulInteger", [bytes_, g.constant(name + ".w", small.T), "row.middle"], name + ".product"
    )
    raw = g.add("Mul", [g.add("Cast", [product], name + ".cast", to=TensorProto.FLOAT), step], name + ".raw")
    return g.add("Mul", [raw, g.constant(name + ".scale", scale.astype(np.float32))], name)


def _pool(g: _Graph, rows: str) -> None:
    """Average the rows of real tokens and scale to unit length."""
    weights = g.add("Cast", ["attention_mask"], "pool.mask", to=TensorProto.FLOAT)
    last = g.constant("pool.axis", np.array([-1]))
    column = g.add("Unsqueeze", [weights, last], "pool.column")
    kept = g.add("Mul", [rows, column], "pool.kept")
    axis = g.constant("pool.length", np.array([1]))
    total = g.add("ReduceSum", [kept, axis], "pool.sum", keepdims=0)
    g.add("LpNormalization", [total], "embedding", axis=-1, p=2)
