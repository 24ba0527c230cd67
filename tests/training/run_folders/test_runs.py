"""Runs on the disk: versions, status, deletion, and what is no directory of runs."""

import errno
import json
import os
import shutil

import pytest

from keras_textcls import ArgumentError, Report, RunError, Template, TextDataset, runs
from keras_textcls.training.run_folders.checkpoint import CheckpointStore
from keras_textcls.training.run_folders.deletion import delete_version
from keras_textcls.training.run_folders.run_directory import RunDirectory, _is_held_elsewhere
from keras_textcls.training.run_folders.run_record import RunRecord
from keras_textcls.training.run_folders.versions import (
    broken_versions,
    check_output,
    new_version,
)
from keras_textcls.training.runs import Run, find_run


def _record(version, name="model", **changes):
    return RunRecord(
        name=name,
        version=version,
        template="lora",
        parameters={},
        preset="x",
        preset_fingerprint="",
        dataset={},
        **changes,
    )


def _make(folder, **changes):
    made = new_version(folder, lambda version: _record(version, folder.name, **changes))
    return Run(made.directory)


def test_each_run_of_a_name_is_the_next_version(tmp_path):
    made = [_make(tmp_path / "model") for _ in range(11)]
    assert [run.version for run in made] == list(range(1, 12))
    _make(tmp_path / "other")
    assert runs(tmp_path, "model") == made
    assert len(runs(tmp_path)) == 12
    assert find_run(tmp_path, "model") == made[-1]
    assert find_run(tmp_path, "model/2") == made[1]


def test_the_record_round_trips(tmp_path):
    record = _record(1, status="failed", reason="a reason", metrics={"loss": 0.5})
    record.write(tmp_path)
    assert RunRecord.read(tmp_path) == record


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1}']
)
def test_a_broken_record_is_an_error_and_not_listed(tmp_path, text):
    run = _make(tmp_path / "model")
    (run.directory / "run.json").write_text(text)
    with pytest.raises(RunError, match="run.json"):
        Run(run.directory)
    assert runs(tmp_path) == []
    assert list(broken_versions(tmp_path)) == [run.directory]
    assert "run.json" in broken_versions(tmp_path, "model")[run.directory]
    assert broken_versions(tmp_path, "other") == {}


def test_an_older_version_does_not_stand_in_for_a_broken_one(tmp_path):
    older, newest = _make(tmp_path / "model"), _make(tmp_path / "model")
    (newest.directory / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"model/2, and .*run.json is broken.*Ask for 'model/1'"):
        find_run(tmp_path, "model")
    assert find_run(tmp_path, "model/1") == older
    (older.directory / "run.json").write_text("{")
    with pytest.raises(RunError, match="newest run of 'model' is model/2"):
        find_run(tmp_path, "model")


@pytest.mark.parametrize("which", [None, 1, b"model", ["model"], "x" * 5000, "model/" + "9" * 5000])
def test_a_run_is_found_by_a_string(tmp_path, which):
    _make(tmp_path / "model")
    error = RunError if isinstance(which, str) else ArgumentError
    with pytest.raises(error, match="There is no run|`which` must be a string"):
        find_run(tmp_path, which)


@pytest.mark.parametrize("path", [None, 1, b"x", ["x"], "a\0b", "x" * 5000])
def test_what_is_no_path(path):
    for call in (Run, runs, lambda p: find_run(p, "model"), TextDataset.load, Report.load):
        with pytest.raises(ArgumentError, match="must be a path|too long"):
            call(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_pipes_in_a_run_are_not_waited_for(tmp_path):
    base, other = _make(tmp_path / "model", status="trained"), _make(tmp_path / "other")
    other.preset.mkdir()
    for path in (other.preset / "adapter.json", base.directory / "history.csv"):
        os.mkfifo(path)
    assert (base.needed_by(), base.history) == ([], [])
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ArgumentError, match="a directory, a pipe or a device"):
        Template.from_yaml(tmp_path / "pipe.yaml")


def test_a_broken_run_can_be_deleted(tmp_path):
    kept, broken = _make(tmp_path / "model"), _make(tmp_path / "model")
    (broken.directory / "run.json").unlink()
    assert (runs(tmp_path), list(broken_versions(tmp_path))) == ([kept], [broken.directory])
    with broken.locked(), pytest.raises(RunError, match="in use"):
        delete_version(RunDirectory(broken.directory))
    delete_version(RunDirectory(broken.directory))
    assert not broken.directory.exists()
    assert runs(tmp_path) == [kept]


def test_a_run_whose_process_is_gone_is_stopped(tmp_path):
    run = _make(tmp_path / "model", status="training")
    assert (run.status, "resume" in run.reason) == ("stopped", True)
    with run.locked():
        assert run.status == "training"
        with pytest.raises(RunError, match="in use"), Run(run.directory).locked():
            pass
        with pytest.raises(RunError, match="in use"):
            Run(run.directory).delete()
    assert run.status == "stopped"


def test_a_killed_process_lets_go(processes, tmp_path):
    run = _make(tmp_path / "model", status="training")
    code = (
        "import os, signal, sys; from keras_textcls.training.runs import Run\n"
        f"with Run({str(run.directory)!r}).locked():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert processes.run(code).returncode == -9
    assert run.status == "stopped"
    with run.locked():
        pass


def test_deleted_is_gone(tmp_path):
    first, second = _make(tmp_path / "model"), _make(tmp_path / "model")
    first.delete()
    assert runs(tmp_path) == [second]
    second.delete()
    assert list(tmp_path.iterdir()) == []


def _adapters_of(base, folder):
    """A trained run whose model is adapters of another run's."""
    run = _make(folder, status="trained", resume_from=f"{base.name}/{base.version}")
    run.preset.mkdir()
    adapter = {"base": {"preset": str(base.preset)}}
    (run.preset / "adapter.json").write_text(json.dumps(adapter))
    return run


def test_what_others_stand_on_is_not_deleted(tmp_path):
    base = _make(tmp_path / "model", status="trained")
    adapters = _adapters_of(base, tmp_path / "model")
    unfinished = _make(tmp_path / "other", resume_from="model/2")
    _make(tmp_path / "other", status="trained", resume_from="model/1")
    assert (base.needed_by(), adapters.needed_by()) == ([adapters], [unfinished])
    with pytest.raises(RunError, match="is needed by model/2"):
        base.delete()
    (base.directory / "run.json").write_text("{")
    with pytest.raises(RunError, match="model/2"):
        delete_version(RunDirectory(base.directory))
    assert base.directory.exists()
    adapters.delete(force=True)
    delete_version(RunDirectory(base.directory))
    assert [run.name for run in runs(tmp_path)] == ["other", "other"]


def test_what_a_killed_deletion_left_goes_with_the_next(tmp_path):
    first, second = _make(tmp_path / "model"), _make(tmp_path / "model")
    first.directory.rename(tmp_path / "model" / ".1.deleting-1")
    second.delete()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunRecord, "write", full)
    with pytest.raises(RunError, match="No space left"):
        _make(tmp_path / "model")
    assert list((tmp_path / "model").iterdir()) == []


def test_a_missing_run_is_named_with_the_nearest(tmp_path):
    _make(tmp_path / "messages")
    with pytest.raises(RunError, match="Did you mean 'messages"):
        find_run(tmp_path, "mesages")
    with pytest.raises(RunError, match="There is none"):
        find_run(tmp_path / "elsewhere", "messages")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-x", None])
def test_names_that_serve_for_no_directory(tmp_path, name):
    with pytest.raises(ArgumentError, match="`name`"):
        check_output(tmp_path, name)


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("x")
    with pytest.raises(ArgumentError, match="thesis"):
        check_output(tmp_path, "model")
    with pytest.raises(ArgumentError, match="is a file"):
        check_output(tmp_path / "thesis" / "chapter.txt", "model")
    check_output(tmp_path / "new", "model")


def test_a_run_that_never_began_is_no_obstacle(tmp_path):
    (tmp_path / "model" / "1").mkdir(parents=True)
    assert check_output(tmp_path, "model") == tmp_path / "model"
    assert _make(tmp_path / "model").version == 2


def test_only_a_trained_run_has_a_model(tmp_path):
    with pytest.raises(RunError, match="it is failed \\(too bad\\)"):
        _make(tmp_path / "model", status="failed", reason="too bad").load()


def test_a_version_has_its_record_from_the_first(tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.rename", fail)
    with pytest.raises(RunError, match="No space left"):
        _make(tmp_path / "model")
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "model").iterdir()] == []
    assert _make(tmp_path / "model").version == 1


def test_a_run_under_another_name(tmp_path):
    run = _make(tmp_path / "model")
    copied = shutil.copytree(run.directory, tmp_path / "exp" / "best")
    assert "exp/1" in repr(Run(copied))


def test_a_lock_that_may_only_be_read(tmp_path):
    run = _make(tmp_path / "model", status="training")
    lock = run.directory / "run.lock"
    assert not _is_held_elsewhere(lock)
    with run.locked():
        assert _is_held_elsewhere(lock)
    assert not _is_held_elsewhere(lock)


def test_a_file_beside_the_versions_is_named(tmp_path):
    run = _make(tmp_path / "model")
    (run.directory.parent / "notes.txt").write_text("x")
    with pytest.raises(ArgumentError, match="model/notes.txt"):
        check_output(tmp_path, "model")


@pytest.mark.parametrize("output", [None, 3])
def test_an_output_that_is_no_path(output):
    with pytest.raises(ArgumentError, match="`output` must be a path"):
        runs(output)
    with pytest.raises(ArgumentError, match="`output` must be a path"):
        check_output(output, "model")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_damaged_files_of_a_run_are_told_and_pipes_are_not_waited_for(tmp_path):
    run = RunDirectory(tmp_path)
    (tmp_path / "training.log").write_bytes(b"one line\xff\n")
    assert run.log == "one line\ufffd\n"
    for contents in (b"loss\n\xff\n", b"loss\nmuch\n", b"loss\n1,2\n"):
        (tmp_path / "history.csv").write_bytes(contents)
        with pytest.raises(RunError, match=r"history.csv is broken"):
            _ = run.history
    for name in ("training.log", "history.csv", "run.json"):
        (tmp_path / name).unlink(missing_ok=True)
        os.mkfifo(tmp_path / name)
    assert run.log == "" and run.history == []
    with pytest.raises(RunError, match="is a pipe, a socket or a device"):
        _ = run.record
    store = CheckpointStore(tmp_path / "checkpoint")
    store.directory.mkdir()
    os.mkfifo(store.directory / "state.safetensors")
    with pytest.raises(RunError, match="is broken"):
        store.load()
