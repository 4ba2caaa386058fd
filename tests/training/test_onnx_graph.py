from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from transformers import BertConfig, BertModel

from models.definition import TriageNetwork, WideConfig
from training.onnx_graph import quantise, write_onnx

pytestmark = pytest.mark.training

GENERATOR = np.random.default_rng(3)


@pytest.fixture
def network() -> TriageNetwork:
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=2_000,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=1_024,
        max_position_embeddings=64,
    )
    made = TriageNetwork(
        BertModel(config, add_pooling_layer=False), hidden=128, areas=3, wide=WideConfig(20_000, 2_000)
    )
    torch.nn.init.normal_(made.wide.weight)
    for name, values in made.encoder.named_parameters():
        if "LayerNorm" in name:  # No two alike, as after training: the exporter keeps equal ones once.
            torch.nn.init.normal_(values, mean=float(name.endswith("weight")), std=0.2)
    return made.eval()


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def batch(*lengths: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids, mask = np.zeros((len(lengths), max(lengths)), np.int64), np.zeros((len(lengths), max(lengths)), np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = GENERATOR.integers(1, 2_000, length)
        mask[row, :length] = 1
    return ids, mask


def test_traced_graph_is_the_network_at_any_size_and_padding(network: TriageNetwork, tmp_path: Path) -> None:
    write_onnx(network, tmp_path / "g.onnx")
    graph = session(tmp_path / "g.onnx")
    for lengths in ((2,), (16, 16), (64, 2, 30), (5, 3, 3, 3, 3)):
        ids, mask = batch(*lengths)
        with torch.inference_mode():
            expected = [one.numpy() for one in network(torch.from_numpy(ids), torch.from_numpy(mask))]
        found = graph.run(
            ["area_logits", "severity_logits", "graphic_logits"], {"input_ids": ids, "attention_mask": mask}
        )
        assert [one.shape for one in found] == [(len(lengths), 3), (len(lengths), 4), (len(lengths), 3)]
        assert all(np.abs(one - other).max() < 1e-4 for one, other in zip(expected, found, strict=True))


def test_int8_graph_is_small_close_and_indifferent_to_neighbours(network: TriageNetwork, tmp_path: Path) -> None:
    write_onnx(network, tmp_path / "g.onnx")
    quantised = quantise(onnx.load(tmp_path / "g.onnx"))
    assert "LayerNormalization" not in {node.op_type for node in quantised.graph.node}
    onnx.save(quantised, tmp_path / "q.onnx")
    assert (tmp_path / "q.onnx").stat().st_size < 0.4 * (tmp_path / "g.onnx").stat().st_size
    exact, served = session(tmp_path / "g.onnx"), session(tmp_path / "q.onnx")
    ids, mask = batch(30, 20, 10, 2)
    expected, found = (
        one.run(["area_logits"], {"input_ids": ids, "attention_mask": mask})[0] for one in (exact, served)
    )
    assert np.abs(expected - found).mean() < 0.02
    for row, length in enumerate((30, 20, 10, 2)):
        alone = {"input_ids": ids[row : row + 1, :length], "attention_mask": mask[row : row + 1, :length]}
        assert np.abs(served.run(["area_logits"], alone)[0] - found[row]).max() < 1e-4


def small_graph(
    table: NDArray[np.float32], matrix: NDArray[np.float32], *, dimensions: Sequence[str] = ("n",)
) -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["looked_up"]),
            helper.make_node("MatMul", ["looked_up", "matrix"], ["out"]),
        ],
        "g",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, dimensions)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [*dimensions, matrix.shape[1]])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(matrix, "matrix")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def products(model: onnx.ModelProto, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = runtime.run(None, {"ids": ids})[0]
    return result


def test_rows_and_columns_of_any_magnitude_keep_their_precision() -> None:
    table = (GENERATOR.normal(size=(1_000, 400)) * np.geomspace(1e-4, 1e2, 1_000)[:, None]).astype(np.float32)
    table[5] = 0
    matrix = (GENERATOR.normal(size=(400, 300)) * np.geomspace(1e-3, 1e3, 300)).astype(np.float32)
    model, ids = small_graph(table, matrix), np.arange(1_000)
    exact, found = products(model, ids), products(quantise(model), ids)
    size = np.sqrt((exact**2).mean())
    assert np.abs(found[5]).max() == 0
    relative = np.abs(exact - found).mean(1)[np.abs(exact).max(1) > 0] / np.abs(exact).mean(1)[np.abs(exact).max(1) > 0]
    assert size > 0
    assert relative.max() < 0.05


def test_largest_products_do_not_saturate() -> None:
    model = small_graph(np.full((1_000, 400), 7, np.float32), np.full((400, 300), -3, np.float32))
    assert products(quantise(model), np.arange(3)) == pytest.approx(-3 * 7 * 400, rel=1e-3)


def test_small_weights_stay_in_float() -> None:
    model = small_graph(np.ones((10, 4), np.float32), np.ones((4, 3), np.float32))
    assert {node.op_type for node in quantise(model).graph.node} == {"Gather", "MatMul"}


def test_a_table_of_four_bit_blocks_is_kept_in_four_bits_without_loss() -> None:
    integers = GENERATOR.integers(-8, 8, (4_000, 2, 32))
    integers[:, :, 7] = -8
    scales = GENERATOR.normal(0, 0.1, (4_000, 2, 1)).astype(np.float16).astype(np.float32)
    table = (integers * scales).astype(np.float32).reshape(4_000, 64)
    table[3] = 0
    # The matrix is small and so stays in float: what differs could only come from the table.
    exact = small_graph(table, GENERATOR.normal(0, 1, (64, 3)).astype(np.float32), dimensions=["n", "m"])
    packed = quantise(exact)
    assert {one.name: list(one.dims) for one in packed.graph.initializer}["table_packed"] == [4_000, 2, 16]
    ids = np.array([[0, 3, 3_999], [17, 17, 1]])
    assert np.array_equal(products(packed, ids), products(exact, ids))


def test_a_trained_table_is_kept_in_eight_bits() -> None:
    table = GENERATOR.normal(0, 0.1, (4_000, 64)).astype(np.float32)
    names = {one.name for one in quantise(small_graph(table, np.ones((64, 3), np.float32))).graph.initializer}
    assert {"table_int", "table_scale"} <= names


def test_token_hints_add_up_to_what_the_table_gives(network: TriageNetwork, tmp_path: Path) -> None:
    write_onnx(network, tmp_path / "g.onnx")
    onnx.save(quantise(onnx.load(tmp_path / "g.onnx")), tmp_path / "q.onnx")
    ids, mask = batch(30, 7, 1, 2)
    inputs = {"input_ids": ids, "attention_mask": mask}
    with torch.inference_mode():
        expected = network.wide_logits(torch.from_numpy(ids), torch.from_numpy(mask))[:, :3].numpy()
        exact = network.token_hints(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    assert np.abs(exact.sum(1) - expected).max() < 1e-4
    assert np.abs(exact[1, 7:]).max() == 0
    for path, tolerance in (("g.onnx", 1e-4), ("q.onnx", 0.1)):
        (found,) = session(tmp_path / path).run(["token_hints"], inputs)
        assert found.shape == (4, 30, 3)
        assert np.abs(found.sum(1) - expected).max() < tolerance
