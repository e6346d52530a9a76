"""Folders on the disk are whole or not there, whoever is killed, fails or writes at the same moment."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.whole_folders import clear_unfinished, whole_folder

# Writes half a folder and says so; the rest when it is told to.
WRITER = """
import sys
from pathlib import Path
from knowledge.whole_folders import whole_folder
with whole_folder(Path(sys.argv[1])) as fresh:
    (fresh / "one").write_text("1")
    print("half", flush=True)
    sys.stdin.readline()
    (fresh / "two").write_text("2")
"""


def begin(folder: Path) -> "subprocess.Popen[str]":
    """Start a process that has written half of the folder."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n"
    return writer


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_what_a_killed_process_left_is_cleared_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    killed, alive = begin(tmp_path / "1"), begin(tmp_path / "2")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (tmp_path / ".000000000011.77.writing").mkdir()  # by a build that named them after processes
    assert len(list(tmp_path.iterdir())) == 3
    assert clear_unfinished(tmp_path) == 2
    assert clear_unfinished(tmp_path) == 0
    alive.communicate("go on\n")
    assert alive.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["2"]
    assert files(tmp_path / "2") == {"one": "1", "two": "2"}


def test_a_writing_that_fails_leaves_nothing_and_what_was_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "1"
    with whole_folder(folder) as fresh:
        (fresh / "one").write_text("first")
    with pytest.raises(OSError, match="disk is full"), whole_folder(folder) as fresh:  # noqa: PT012
        (fresh / "one").write_text("second")
        raise OSError("the disk is full")
    assert list(tmp_path.iterdir()) == [folder]
    assert files(folder) == {"one": "first"}
    with whole_folder(folder) as fresh:
        (fresh / "one").write_text("third")
    assert list(tmp_path.iterdir()) == [folder]
    assert files(folder) == {"one": "third"}


def test_of_two_that_write_the_same_folder_at_once_the_first_to_finish_stays(tmp_path: Path) -> None:
    folder = tmp_path / "1"
    other = begin(folder)
    with whole_folder(folder) as fresh:
        (fresh / "one").write_text("mine")
    other.communicate("go on\n")
    assert other.returncode == 0
    assert list(tmp_path.iterdir()) == [folder]
    assert files(folder) == {"one": "mine"}


def test_nothing_is_cleared_where_nothing_is(tmp_path: Path) -> None:
    assert clear_unfinished(tmp_path / "nowhere") == 0
