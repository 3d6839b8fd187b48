from pathlib import Path

import pytest

from byrote.errors import InvalidData
from byrote.inputs.class_folders import class_folders, copies, equal_files, listed


def write(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_the_first_folder_is_the_class_and_names_are_ids(tmp_path: Path) -> None:
    found = class_folders(write(tmp_path, "b/2.x", "b/1.X", "a/deep/er/3.x", "a/4.x"), {".x"}, "pictures")
    assert found.names == ("a/4.x", "a/deep/er/3.x", "b/1.X", "b/2.x")
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert found.classes == ("a", "b")
    assert set(found.sides) == {""}
    assert found.counts() == "2 classes: a (2), b (2)"


def test_what_systems_leave_in_folders_is_not_seen(tmp_path: Path) -> None:
    rest = ("a/.DS_Store", "a/._1.x", ".git/9.x", "__MACOSX/a/1.x", "a/Thumbs.db", "b/.hidden/5.x")
    found = class_folders(write(tmp_path, "a/1.x", "b/2.x", *rest), {".x"}, "pictures")
    assert found.names == ("a/1.x", "b/2.x")
    assert found.sentences == ()


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    root = write(tmp_path, "a/1.x", "b/2.x", "loose.x", "a/notes.txt", "a/noend", "only_text/1.txt")
    found = class_folders(root, {".x"}, "pictures")
    assert found.classes == ("a", "b")
    said = " ".join(found.sentences)
    for part in ("1 picture in no class folder", "loose.x", "2 .txt", "1 no suffix", "empty/, only_text/"):
        assert part in said


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "validation"), ("train", "val")])
def test_folders_say_the_side(tmp_path: Path, train: str, test: str) -> None:
    names = (f"{train}/a/1.x", f"{train}/b/1.x", f"{test}/a/2.x", f"{test}/new/3.x", "models/a/4.x")
    found = class_folders(write(tmp_path, *names), {".x"}, "pictures")
    assert found.names == (*names[:2], f"{test}/a/2.x")
    assert found.sides == ("train", "train", "test")
    said = " ".join(found.sentences)
    assert f"{test}/ is the test set" in said
    assert "models" in said
    assert "Classes without training data: new." in said


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    found = class_folders(write(tmp_path, "train/1.x", "tram/2.x"), {".x"}, "pictures")
    assert found.classes == ("train", "tram")


def test_test_files_without_classes_are_said(tmp_path: Path) -> None:
    found = class_folders(write(tmp_path, "train/a/1.x", "train/b/1.x", "test/7.x"), {".x"}, "pictures")
    assert set(found.sides) == {"train"}
    assert "not used: test" in " ".join(found.sentences)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a/1.x", "a/2.x"), "one class, 'a'"),
        (("1.x", "2.x"), "no folders with pictures.*cat/1.jpg.*2 pictures in no class folder"),
        (("a/1.txt", "b/2.txt"), "no folders with pictures.*2 .txt"),
        (("train/a/1.x", "training/b/2.x"), "both|all mean training"),
    ],
)
def test_what_is_no_task_is_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        class_folders(write(tmp_path, *names), {".x"}, "pictures")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "a/1.x", "b/2.x")
    (root / "a" / "again").symlink_to(root, target_is_directory=True)
    assert class_folders(root, {".x"}, "pictures").names == ("a/1.x", "b/2.x")


def test_names_that_are_no_text_are_spelled(tmp_path: Path) -> None:
    root = write(tmp_path, "a/1.x", "b/2.x")
    (root / "a" / "caf\udce9.x").write_text("latin-1")
    assert class_folders(root, {".x"}, "pictures").names[1] == "a/caf\\xe9.x"


def test_equal_files_are_found_and_grouped(tmp_path: Path) -> None:
    root = write(tmp_path, "train/a/1.x", "train/a/3.x", "train/b/1.x", "test/a/1.x")
    for name in ("train/a/2.x", "train/b/0.x", "test/a/1.x"):
        (root / name).write_text("train/a/1.x")
    found = class_folders(root, {".x"}, "pictures")
    groups, sentences = copies(found)
    same = {"train/a/1.x", "train/a/2.x", "train/b/0.x", "test/a/1.x"}
    assert {name for name, group in zip(found.names, groups, strict=True) if group} == same
    assert len(set(groups.tolist())) == 2
    said = " ".join(sentences)
    assert "4 files are exact copies of each other, in 1 set" in said
    assert "different classes (one label must be wrong): 1" in said
    assert "train/ and test/ both: 1" in said
    assert "a run is trained on all of its training files, or on none" in said
    assert "the test set is not unseen there" in said


def test_files_of_one_size_may_differ(tmp_path: Path) -> None:
    write(tmp_path, "aa", "bb")
    assert equal_files([tmp_path / "aa", tmp_path / "bb"]) == []


def test_lists_say_how_many_more() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([*"abcdefg"]) == "a, b, c, d, e, and 2 more"


def test_what_audits_wrote_is_no_class(tmp_path: Path) -> None:
    names = ("a/1.x", "b/2.x", "audits/mine/record.json", "audits/mine/runs/0.x", "a/old/record.json", "a/old/3.x")
    found = class_folders(write(tmp_path, *names), {".x"}, "pictures")
    assert found.names == ("a/1.x", "b/2.x")
    assert found.sentences == ("Folders that audits wrote are left out: a/old/, audits/mine/.",)


def test_a_class_without_test_data_is_said(tmp_path: Path) -> None:
    found = class_folders(write(tmp_path, "train/a/1.x", "train/b/1.x", "test/a/2.x"), {".x"}, "pictures")
    assert "Classes without test data: b." in found.sentences
