"""A directory is replaced in one step, or not at all."""

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from keras_textcls.utils import atomic
from keras_textcls.utils.atomic import replace_directory, replace_file

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


def test_files_of_killed_processes_go_with_the_next_write(tmp_path):
    code = (
        "import os, pathlib, signal, sys\n"
        "from keras_textcls.utils.atomic import replace_file\n"
        "with replace_file(pathlib.Path(sys.argv[1])) as draft:\n"
        "    draft.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target = tmp_path / "run.json"
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    (left,) = tmp_path.glob(".saving-*")
    host, dead = left.name.split("-")[1:3]
    stays = [
        f".saving-{host}-{os.getpid()}-0123abcd.json",  # of a living process
        f".saving-00000000-{dead}-0123abcd.json",  # of another machine
        ".saving-for-later.txt",  # none of ours
    ]
    old = f".saving-{dead}-0123abcd.json"  # as version 0.1.0 called them
    for name in (*stays, old):
        (tmp_path / name).write_text("unfinished")
    os.utime(tmp_path / old, (0, 0))
    with replace_file(target) as draft:
        draft.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*stays, "run.json"])


@pytest.mark.parametrize("replace", ["file", "directory"])
def test_of_a_full_disk_the_system_is_quoted_not_a_library(tmp_path, replace):
    target = tmp_path / "thing"
    opened = replace_file(target) if replace == "file" else replace_directory(target, _keep)
    with pytest.raises(OSError, match="No space left on device") as caught, opened:
        raise OSError(errno.ENOSPC, "Can't synchronously write data (file write failed: buf = 0x7)")
    assert "0x7" not in str(caught.value) and caught.value.filename == str(target)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_a_file_does_not_replace_a_pipe_or_a_device(tmp_path):
    pipe, link, loop = tmp_path / "pipe", tmp_path / "link", tmp_path / "loop"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    loop.symlink_to(loop)
    for path, words in ((pipe, "is a pipe"), (link, "is a pipe"), (loop, "symbolic link")):
        with pytest.raises(OSError, match=words), replace_file(path) as draft:
            draft.write_text("x")
    assert sorted(tmp_path.iterdir()) == [link, loop, pipe]
    assert pipe.is_fifo()
    assert loop.is_symlink()


def test_an_error_names_the_file_that_was_to_be_written(tmp_path):
    folder = tmp_path / "gone"
    with pytest.raises(FileNotFoundError) as error, replace_file(folder / "page.html") as draft:
        os.rmdir(folder)
        draft.write_text("page")
    assert error.value.filename == str(folder / "page.html")
    assert ".saving-" not in str(error.value)
