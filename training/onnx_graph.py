"""The network as an ONNX graph, and the graph in 8 bits.

Weights are quantised by output channel, tables by row, activations by token while running. Doing the last by token
instead of by batch (as onnxruntime's own tool does) makes a text's score independent of the texts beside it, and closer
to the float model, at the same speed. Channel weights use 7 of the 8 bits: CPUs without VNNI add pairs of products in
16 bits, and with 8 the sum would saturate there, so that the same bundle gave other scores on other machines.

A table whose rows are made of 4-bit blocks, as those of some base encoders come and stay when they are not trained, is
kept in 4 bits: that is half the size and loses nothing.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from transformers import PreTrainedModel

from models.definition import TriageNetwork
from models.inference import GRAPHIC_OUTPUT, HINT_OUTPUT, INPUTS, OUTPUTS

OPSET = 17
WEIGHT_LIMIT = 63
TABLE_LIMIT = 127
ACTIVATION_LIMIT = 127
ACTIVATION_ZERO = 128
# Smaller tables (token types, positions) and matrices stay in float: they save nothing.
MIN_QUANTISED_VALUES = 100_000
SMALLEST_SCALE = 1e-10
# What the ONNX operator takes where it names none.
LAYER_EPSILON = 1e-5
# Weights that share a scale in a 4-bit table; the largest of them is -8 times the scale.
BLOCK = 32
# Behind the name of a weight that the graph holds transposed.
TRANSPOSED = ".T"


def write_onnx(network: TriageNetwork, path: Path) -> None:
    """Trace `network` in float32 to `path`, with free batch size and length."""
    network.eval()
    if isinstance(network.encoder, PreTrainedModel):
        # Plain attention traces to operators without a decision in Python that the trace would freeze.
        network.encoder.set_attn_implementation("eager")
    ids = torch.ones(2, 16, dtype=torch.long)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, yet the only one whose graph keeps weights where quantisation finds them.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Served(network).eval(),
            (ids, torch.ones_like(ids)),
            str(path),
            input_names=list(INPUTS),
            output_names=[*OUTPUTS, GRAPHIC_OUTPUT, HINT_OUTPUT],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in (*INPUTS, HINT_OUTPUT)}
            | {name: {0: "batch"} for name in (*OUTPUTS, GRAPHIC_OUTPUT)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    _name_matrices(model.graph, network)
    onnx.save(model, path)


class _Served(nn.Module):
    """The network with everything that is asked of it in service."""

    def __init__(self, network: TriageNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Area, severity and graphic logits, and token hints."""
        return *self.network(ids, attention_mask), self.network.token_hints(ids, attention_mask)


def _name_matrices(graph: Any, network: TriageNetwork) -> None:
    """Name every weight of the graph after the parameter it is, a transposed one with TRANSPOSED behind.

    Tracing names matrices by number; with their own names a bundle can be trained on (training.from_bundle).
    """
    known = {name: value.detach().numpy() for name, value in network.named_parameters()}
    renamed: dict[str, str] = {}
    for tensor in graph.initializer:
        short = tensor.name.removeprefix("network.")
        if short in known:
            renamed[tensor.name] = short
            continue
        values = numpy_helper.to_array(tensor)
        for name, value in known.items():
            if value.ndim == 2 and values.shape == value.T.shape and np.array_equal(values, value.T):
                renamed[tensor.name] = name + TRANSPOSED
                break
    for tensor in graph.initializer:
        tensor.name = renamed.get(tensor.name, tensor.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def quantise(model: Any) -> Any:
    """An int8 copy of an ONNX model: large tables by row, large constant matrices by column, their inputs by token."""
    quantised = onnx.ModelProto()
    quantised.CopyFrom(model)
    graph = _Rewriter(quantised.graph)
    nodes: list[Any] = []
    for node in quantised.graph.node:
        if node.op_type == "Gather" and graph.is_large(node.input[0]):
            nodes += graph.table_lookup(node)
        elif node.op_type == "MatMul" and graph.is_large(node.input[1]):
            nodes += graph.matrix_product(node)
        elif node.op_type == "LayerNormalization" and graph.has_float(node.input[1]):
            nodes += graph.layer_normalisation(node)
        else:
            nodes.append(node)
    del quantised.graph.node[:]
    quantised.graph.node.extend(nodes)
    graph.finish()
    onnx.checker.check_model(quantised)
    return quantised


class _Rewriter:
    """Replaces single nodes of a graph by their 8-bit equivalents, and their float weights by integers with scales."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._floats = {one.name: one for one in graph.initializer}
        self._quantised: set[str] = set()
        self._inputs: set[str] = set()
        self._constants: dict[str, Any] = {
            "activation_limit": np.float32(ACTIVATION_LIMIT),
            "activation_shift": np.float32(ACTIVATION_ZERO + 0.5),
            "activation_zero": np.uint8(ACTIVATION_ZERO),
            "smallest_range": np.float32(SMALLEST_SCALE),
        }

    def is_large(self, name: str) -> bool:
        return name in self._floats and int(np.prod(self._floats[name].dims)) >= MIN_QUANTISED_VALUES

    def has_float(self, name: str) -> bool:
        return name in self._floats

    def table_lookup(self, node: Any) -> list[Any]:
        """Gather integers and the scales of their rows (half precision, to keep the file small), and multiply."""
        table, indices, out = node.input[0], node.input[1], node.output[0]
        if f"{table}_packed" in self._constants or self._pack(table):
            return self._packed_lookup(table, indices, out)
        self._quantise(table, axis=1, limit=TABLE_LIMIT, scale_type=np.float16)
        return [
            helper.make_node("Gather", [f"{table}_int", indices], [f"{out}_row_int"]),
            helper.make_node("Gather", [f"{table}_scale", indices], [f"{out}_row_half"]),
            helper.make_node("Cast", [f"{out}_row_int"], [f"{out}_row_value"], to=TensorProto.FLOAT),
            helper.make_node("Cast", [f"{out}_row_half"], [f"{out}_row_scale"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}_row_value", f"{out}_row_scale"], [out]),
        ]

    def matrix_product(self, node: Any) -> list[Any]:
        """Multiply in integers, then scale by column of the weights and by token of the input."""
        source, weight, out = node.input[0], node.input[1], node.output[0]
        self._quantise(weight, axis=0, limit=WEIGHT_LIMIT, scale_type=np.float32)
        return [
            *self._quantise_tokens(source),
            helper.make_node(
                "MatMulInteger", [f"{source}_token_int", f"{weight}_int", "activation_zero"], [f"{out}_int"]
            ),
            helper.make_node("Cast", [f"{out}_int"], [f"{out}_sum"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}_sum", f"{weight}_scale"], [f"{out}_scaled"]),
            helper.make_node("Mul", [f"{out}_scaled", f"{source}_token_scale"], [out]),
        ]

    def layer_normalisation(self, node: Any) -> list[Any]:
        """The same in single steps over the last axis: onnxruntime's own runs value by value on CPUs, three times as long."""
        source, weight, bias = node.input
        out = node.output[0]
        epsilon = next((one.f for one in node.attribute if one.name == "epsilon"), LAYER_EPSILON)
        self._constants |= {
            f"{out}_epsilon": np.float32(epsilon),
            f"{out}_share": np.float32(1 / self._floats[weight].dims[0]),
        }
        return [
            helper.make_node("ReduceMean", [source], [f"{out}_mean"], axes=[-1], keepdims=1),
            helper.make_node("Sub", [source, f"{out}_mean"], [f"{out}_centred"]),
            helper.make_node("ReduceSumSquare", [f"{out}_centred"], [f"{out}_squares"], axes=[-1], keepdims=1),
            helper.make_node("Mul", [f"{out}_squares", f"{out}_share"], [f"{out}_variance"]),
            helper.make_node("Add", [f"{out}_variance", f"{out}_epsilon"], [f"{out}_stable"]),
            helper.make_node("Sqrt", [f"{out}_stable"], [f"{out}_deviation"]),
            helper.make_node("Div", [f"{out}_centred", f"{out}_deviation"], [f"{out}_normal"]),
            helper.make_node("Mul", [f"{out}_normal", weight], [f"{out}_weighted"]),
            helper.make_node("Add", [f"{out}_weighted", bias], [out]),
        ]

    def finish(self) -> None:
        """Drop the float weights that were replaced and add what replaces them."""
        kept = [one for name, one in self._floats.items() if name not in self._quantised]
        kept += [numpy_helper.from_array(np.asarray(value), name) for name, value in self._constants.items()]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)

    def _packed_lookup(self, table: str, indices: str, out: str) -> list[Any]:
        """Gather the bytes of each row, split each into its two values, and multiply by the scale of the block."""
        return [
            helper.make_node("Gather", [f"{table}_packed", indices], [f"{out}_bytes"]),
            helper.make_node("Mod", [f"{out}_bytes", "sixteen"], [f"{out}_low"]),
            helper.make_node("Div", [f"{out}_bytes", "sixteen"], [f"{out}_high"]),
            helper.make_node("Concat", [f"{out}_low", f"{out}_high"], [f"{out}_halves"], axis=-1),
            helper.make_node("Cast", [f"{out}_halves"], [f"{out}_shifted"], to=TensorProto.FLOAT),
            helper.make_node("Sub", [f"{out}_shifted", "eight"], [f"{out}_values"]),
            helper.make_node("Gather", [f"{table}_scales", indices], [f"{out}_half_scales"]),
            helper.make_node("Cast", [f"{out}_half_scales"], [f"{out}_scales"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}_values", f"{out}_scales"], [f"{out}_blocks"]),
            helper.make_node("Reshape", [f"{out}_blocks", f"{table}_shape"], [out]),
        ]

    def _pack(self, name: str) -> bool:
        """Keep a table in 4 bits if that gives back its very values; False where it does not."""
        values: NDArray[np.float32] = numpy_helper.to_array(self._floats[name])
        if values.ndim != 2 or values.shape[1] % BLOCK:
            return False
        blocks = values.reshape(len(values), -1, BLOCK)
        largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
        scales = largest.astype(np.float32) / -8
        with np.errstate(divide="ignore", invalid="ignore"):
            integers = np.nan_to_num(np.rint(blocks / scales)) + 8
        integers = np.clip(integers, 0, 15)
        if not np.array_equal((integers - 8) * scales.astype(np.float16).astype(np.float32), blocks):
            return False
        halves = integers.astype(np.uint8)
        self._constants |= {
            f"{name}_packed": halves[..., : BLOCK // 2] + 16 * halves[..., BLOCK // 2 :],
            f"{name}_scales": scales.astype(np.float16),
            f"{name}_shape": np.array([0, 0, values.shape[1]], np.int64),
            "sixteen": np.uint8(16),
            "eight": np.float32(8),
        }
        self._quantised.add(name)
        return True

    def _quantise_tokens(self, source: str) -> list[Any]:
        if source in self._inputs:  # query, key and value read the same input
            return []
        self._inputs.add(source)
        token = f"{source}_token"
        return [
            helper.make_node("ReduceMax", [source], [f"{token}_highest"], axes=[-1], keepdims=1),
            helper.make_node("ReduceMin", [source], [f"{token}_lowest"], axes=[-1], keepdims=1),
            helper.make_node("Neg", [f"{token}_lowest"], [f"{token}_minus_lowest"]),
            helper.make_node(
                "Max", [f"{token}_highest", f"{token}_minus_lowest", "smallest_range"], [f"{token}_range"]
            ),
            helper.make_node("Div", [f"{token}_range", "activation_limit"], [f"{token}_scale"]),
            helper.make_node("Div", ["activation_limit", f"{token}_range"], [f"{token}_factor"]),
            helper.make_node("Mul", [source, f"{token}_factor"], [f"{token}_ratio"]),
            # The cast cuts towards zero, so that adding the zero point and a half rounds.
            helper.make_node("Add", [f"{token}_ratio", "activation_shift"], [f"{token}_shifted"]),
            helper.make_node("Cast", [f"{token}_shifted"], [f"{token}_int"], to=TensorProto.UINT8),
        ]

    def _quantise(self, name: str, *, axis: int, limit: int, scale_type: type[np.floating]) -> None:
        if name in self._quantised:
            return
        self._quantised.add(name)
        values: NDArray[np.float32] = numpy_helper.to_array(self._floats[name]).astype(np.float32)
        scale = np.maximum(np.abs(values).max(axis, keepdims=True) / limit, SMALLEST_SCALE).astype(scale_type)
        # Half precision may round a scale down or, where a row is all but zero, to nothing.
        divisor = np.maximum(scale.astype(np.float32), SMALLEST_SCALE)
        integers = np.clip(np.rint(values / divisor), -limit, limit).astype(np.int8)
        self._constants[f"{name}_int"] = integers
        self._constants[f"{name}_scale"] = scale if axis == 1 else scale[0]
