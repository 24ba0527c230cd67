"""A directory is replaced in one step, or not at all."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from keras_textcls.utils import atomic
from keras_textcls.utils.atomic import replace_directory

FILES = {"a.txt": "old a", "b.txt": "old b", "mine.txt": "kept"}


def _keep(name):
    return name == "mine.txt"


@pytest.fixture
def target(tmp_path):
    directory = tmp_path / "preset"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text)
    return directory


def _contents(directory):
    return {p.name: p.read_text() for p in directory.iterdir()}


@pytest.mark.parametrize("can_exchange", [True, False])
def test_replaces_and_keeps_what_is_not_its_own(target, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    with replace_directory(target, _keep) as draft:
        (draft / "a.txt").write_text("new a")
        assert _contents(target) == FILES
    assert _contents(target) == {"a.txt": "new a", "mine.txt": "kept"}
    assert [p.name for p in target.parent.iterdir()] == ["preset"]


def test_makes_a_directory_and_its_parents(tmp_path):
    with replace_directory(tmp_path / "x" / "y", _keep) as draft:
        (draft / "a").write_text("1")
    assert _contents(tmp_path / "x" / "y") == {"a": "1"}


def test_an_error_leaves_everything_as_it_was(target):
    with pytest.raises(RuntimeError), replace_directory(target, _keep) as draft:
        (draft / "a.txt").write_text("new a")
        raise RuntimeError
    assert _contents(target) == FILES
    assert [p.name for p in target.parent.iterdir()] == ["preset"]


def test_a_failed_second_rename_is_undone(target, monkeypatch):
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    original = os.rename

    def rename(source, destination):
        if str(destination).endswith("preset") and not str(source).endswith("-old"):
            raise OSError("no")
        original(source, destination)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="no"), replace_directory(target, _keep):
        pass
    assert _contents(target) == FILES


def test_follows_a_link_to_the_directory(target):
    link = target.parent / "link"
    link.symlink_to(target)
    with replace_directory(link, _keep) as draft:
        (draft / "a.txt").write_text("new a")
    assert link.is_symlink()
    assert _contents(target) == {"a.txt": "new a", "mine.txt": "kept"}


def test_refuses_a_file(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(NotADirectoryError), replace_directory(tmp_path / "file", _keep):
        pass
    assert (tmp_path / "file").read_text() == "text"


def test_leftovers_of_the_dead_are_removed_those_of_the_living_are_not(target):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    (target.parent / f".preset.saving-{dead}-00").mkdir()
    living = target.parent / f".preset.saving-{os.getpid()}-00"
    living.mkdir()
    with replace_directory(target, _keep):
        pass
    assert sorted(p.name for p in target.parent.iterdir()) == [living.name, "preset"]


def test_a_process_killed_between_two_renames_loses_nothing(target):
    """Where the system cannot exchange directories, the next save restores the old one."""
    target.rename(target.parent / ".preset.saving-999999999-00-old")
    with pytest.raises(RuntimeError), replace_directory(target, _keep):
        raise RuntimeError
    assert _contents(target) == FILES


@pytest.mark.parametrize("pause_at", range(8))
def test_killed_at_any_point_leaves_one_whole_directory(target, pause_at):
    """A real SIGKILL at the n-th system call that changes the disk."""
    code = textwrap.dedent(
        f"""
        import os, pathlib, sys, time
        from keras_textcls.utils import atomic
        calls = 0
        def hook(event, args):
            global calls
            if event in ("open", "os.mkdir", "os.rename", "shutil.copyfile", "shutil.rmtree",
                         "ctypes.dlopen", "os.remove", "os.rmdir", "shutil.copymode"):
                if event == "open" and not str(args[0]).startswith({str(target.parent)!r}):
                    return
                if calls == {pause_at}:
                    print("ready", flush=True)
                    time.sleep(60)
                calls += 1
        sys.addaudithook(hook)
        target = pathlib.Path({str(target)!r})
        with atomic.replace_directory(target, lambda n: n == "mine.txt") as d:
            for name in "ab":
                (d / f"{{name}}.txt").write_text("new " + name)
        print("ready", flush=True)
        time.sleep(60)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    new = {"a.txt": "new a", "b.txt": "new b", "mine.txt": "kept"}
    assert _contents(target) in (FILES, new)
    # The next save cleans up and works.
    with replace_directory(target, _keep) as draft:
        (draft / "a.txt").write_text("newest")
    assert _contents(target) == {"a.txt": "newest", "mine.txt": "kept"}
    assert [p.name for p in target.parent.iterdir()] == ["preset"]
