"""Only the files that the manifest describes are ever opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from photos_engine.analyzers import SceneAnalyzer, TextEncoder
from photos_engine.errors import ChecksumMismatch, ModelError, ModelNotFound
from photos_engine.models.registry import MANIFEST, find_model, installed_folder, list_models, load_manifest, verify


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The shipped model, in a folder that a test may spoil."""
    manifest = load_manifest()
    for name in (MANIFEST, *manifest.artefacts):
        shutil.copy(installed_folder() / name, tmp_path / name)
    return tmp_path


def test_the_shipped_model_is_whole_and_says_what_it_is() -> None:
    (manifest,) = list_models()
    verify(manifest)
    assert manifest.name == "ansa-3"
    heads = {"embedding", "scene", "objects", "utility", "aesthetics", "quality", "print", "saliency"}
    assert set(manifest.outputs) == heads
    assert manifest.licences
    assert manifest.training_data
    assert sum(artefact.size_bytes for artefact in manifest.artefacts.values()) < 25e6


def test_one_changed_byte_is_noticed(copied: Path) -> None:
    path = copied / "ansa.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChecksumMismatch, match="reinstall"):
        SceneAnalyzer.open(copied)


def test_a_file_changed_after_it_was_verified_is_noticed(copied: Path) -> None:
    manifest = load_manifest(copied)
    path = manifest.path("tokenizer.json")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ChecksumMismatch):
        manifest.path("tokenizer.json")


def test_a_half_written_file_is_noticed(copied: Path) -> None:
    path = copied / "text.onnx"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ChecksumMismatch):
        TextEncoder.open(copied)


@pytest.mark.parametrize("name", ["ansa.onnx", "scene.json", MANIFEST])
def test_a_missing_file_says_what_to_do(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ModelNotFound, match="reinstall"):
        SceneAnalyzer.open(copied)


def write_manifest(folder: Path, **changes: object) -> Path:
    document = json.loads((installed_folder() / MANIFEST).read_text(encoding="utf-8"))
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps(document | changes), encoding="utf-8")
    return folder


def test_models_lie_beside_the_shipped_one_each_in_its_folder(tmp_path: Path) -> None:
    for name in ("zeta-1", "alpha-1"):
        write_manifest(tmp_path / f"folder of {name}", name=name)
    (tmp_path / "no model").mkdir()
    shipped = load_manifest().name
    assert [manifest.name for manifest in list_models(tmp_path)] == [shipped, "alpha-1", "zeta-1"]
    assert find_model("zeta-1", tmp_path).folder == tmp_path / "folder of zeta-1"
    assert [manifest.name for manifest in list_models(tmp_path / "absent")] == [shipped]
    with pytest.raises(ModelNotFound, match=f"no model is called beta-1; installed: alpha-1, {shipped}, zeta-1"):
        find_model("beta-1", tmp_path)


def test_the_shipped_model_wins_its_name(tmp_path: Path) -> None:
    write_manifest(tmp_path / "another")
    (manifest,) = list_models(tmp_path)
    assert manifest.folder == installed_folder()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../../evil"},
        {"name": ""},
        {"version": 1, "files": []},
        {"outputs": {"embedding": {"shape": ["n", 256]}}},
        {"outputs": {}},
    ],
    ids=str,
)
def test_a_broken_model_is_passed_over_and_named(
    tmp_path: Path, changes: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    broken = write_manifest(tmp_path / "broken", **{"name": "broken-1", **changes})
    write_manifest(tmp_path / "whole", name="whole-1")
    assert [manifest.name for manifest in list_models(tmp_path)][1:] == ["whole-1"]
    assert str(broken / MANIFEST) in caplog.text
    with pytest.raises(ModelError):
        load_manifest(broken)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": "x", "files": {"a": {}}}'])
def test_a_broken_manifest_is_a_model_error(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="reinstall"):
        load_manifest(tmp_path)


def test_a_graph_that_is_none_is_a_model_error(copied: Path) -> None:
    import hashlib

    content = b"no graph"
    (copied / "ansa.onnx").write_bytes(content)
    document = json.loads((copied / MANIFEST).read_text(encoding="utf-8"))
    document["files"]["ansa.onnx"] |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (copied / MANIFEST).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ModelError, match="can't be opened"):
        SceneAnalyzer.open(copied)
