"""Lecture mode without a browser: scenes, the stage, static pages, the hand-out, the command."""

from __future__ import annotations

import dataclasses
import json
import re
import socket

import pytest
from browser.lab import missing_browser
from scene_frames import pictures
from typer.testing import CliRunner

from rsbd.cli import app, server
from rsbd.cli.lecture import PAGE, serve_lecture
from rsbd.course import lecture, notebooks
from rsbd.course.lecture import SCENES, Scene, Stage
from rsbd.course.lecture.frames import compute_frames, shared_pieces
from rsbd.course.lecture.pages import linked, page_name, scene_page
from rsbd.errors import InputError
from rsbd.panels import PANELS, SyncRunner

SMALL = {"num_models": 100, "compact": True}
SCENE = Scene(
    "Noise",
    "More noise, lower curve.",
    "Which way?",
    "backdoor",
    {"poisoned": (0, 10), "keep": (0.7, 0.8, 0.9)},
    {"much": {"keep": 0.7, "poisoned": 10}, "little": {"keep": 0.9}},
    SMALL,
)
BROKEN = dataclasses.replace(SCENE, settings={"dataset": "no such data"})


@pytest.fixture
def stage():
    made = Stage([SCENE, BROKEN, dataclasses.replace(SCENE, title="Third")], SyncRunner)
    yield made
    made.close()


def test_a_scene_is_checked():
    with pytest.raises(InputError, match="has 1 presets"):
        dataclasses.replace(SCENE, presets={"one": dict(SCENE.first)})
    with pytest.raises(InputError, match="sets keep to 0"):
        dataclasses.replace(SCENE, presets={**SCENE.presets, "off": {"keep": 0.75}})
    with pytest.raises(InputError, match="leaves keep open"):
        dataclasses.replace(SCENE, presets={"a": {"poisoned": 0}, "b": {"keep": 0.7}})
    with pytest.raises(InputError, match="1002 points"):
        dataclasses.replace(SCENE, grid={**SCENE.grid, "keep": [0.7, 0.9] * 250 + [0.8], "poisoned": [0, 10]})


def test_the_stage_moves(stage):
    assert stage.panel.params.keep == 0.7
    assert stage.bar.preset == 0
    stage.preset(2)
    assert (stage.panel.params.keep, stage.panel.params.poisoned, stage.bar.preset) == (0.9, 10, 1)
    stage.panel.set(keep=0.85)
    assert stage.bar.preset == -1
    stage.reset()
    assert (stage.panel.params.keep, stage.bar.preset) == (0.7, 0)
    stage.go(3)
    assert (stage.scene.title, stage.bar.scene) == ("Third", 2)
    hidden = [n for n, row in stage.panel.controls.rows.items() if "rsbd-off-stage" in row._dom_classes]
    assert hidden == ["trigger_pixels"]


def test_a_scene_builds_step_by_step(stage):
    assert stage.bar.step == 0  # its question
    stage.forward()
    assert (stage.bar.step, stage.bar.preset) == (1, 0)
    stage.panel.set(keep=0.8)
    stage.forward()
    assert (stage.bar.step, stage.bar.preset, stage.panel.params.keep) == (2, 1, 0.9)
    stage.back()
    stage.back()
    stage.back()  # before the first question there is nothing
    assert (stage.bar.scene, stage.bar.step) == (0, 0)
    for step in (1, 2, 0, 1, 2, 0):  # the second scene is broken, and has its steps, too
        stage.forward()
        assert stage.bar.step == step
    assert stage.bar.scene == 2
    stage.back()
    assert (stage.bar.scene, stage.bar.step) == (1, 2)
    stage.go(3, 2)  # as after a reload
    assert (stage.bar.scene, stage.bar.step, stage.panel.params.keep) == (2, 2, 0.9)
    stage.forward()  # the last step stays
    assert (stage.bar.scene, stage.bar.step) == (2, 2)
    stage.go(1, 99)
    assert stage.bar.step == 2


def test_no_scene_opens_with_its_answer(stage, monkeypatch):
    """Scene and step are told at once: the page never shows a step of the scene before, with what answers it."""
    told = []
    monkeypatch.setattr(stage.bar, "send_state", lambda key=None: told.append((stage.bar.scene, stage.bar.step)))
    stage.go(1, 2)
    stage.forward()
    assert told[-1] == (1, 0)
    assert {step for scene, step in told if scene == 1} == {0}
    told.clear()
    stage.back()  # to the last step of the scene before
    assert {step for scene, step in told if scene == 0} == {len(stage.scene.presets)}


def test_a_scene_that_fails_is_a_sentence_and_the_others_go_on(stage):
    stage.go(2)
    assert stage.bar.trouble.startswith("This scene cannot be shown: ")
    assert "\n" not in stage.bar.trouble
    assert "Traceback" not in stage.bar.trouble
    assert stage._place.children == ()
    with pytest.raises(InputError, match="cannot be shown"):
        stage.wait()
    stage.go(3)
    assert stage.bar.trouble == ""
    assert "(final)" in stage.panel.alt


def test_freezing_holds_the_picture_on_the_page_only(stage):
    stage.freeze()
    assert stage.bar.frozen
    assert stage.panel.picture.held
    stage.preset(2)
    assert "keep 0.9" in stage.panel.alt  # computed, and shown once it is let go
    assert stage.panel.picture.held
    stage.go(3)
    assert not stage.bar.frozen
    stage.go(1)
    assert not stage.panel.picture.held


MEANINGLESS = [
    None,
    7,
    {},
    {"do": None},
    {"do": "close"},
    {"do": "__init__"},
    {"do": "scene"},
    {"do": "scene", "number": 2},
    {"do": "scene", "number": "2", "step": 0},
    {"do": "scene", "number": 99, "step": 0},
    {"do": "scene", "number": 1, "step": "2"},
    {"do": "preset", "number": 9},
    {"do": "preset", "number": [1]},
]


def test_what_the_page_cannot_mean_changes_nothing(stage):
    before = (stage.bar.scene, stage.bar.preset, stage.panel.params)
    for message in MEANINGLESS:
        stage._asked(stage.bar, message, [])
        assert (stage.bar.scene, stage.bar.preset, stage.panel.params) == before, message


def test_the_page_is_answered(stage, monkeypatch):
    sent = []
    monkeypatch.setattr(stage.bar, "send", sent.append)
    stage._asked(stage.bar, {"do": "ping"}, [])
    assert sent == [{"pong": True}]  # and the scene after this one, which is broken, was no trouble yet
    assert stage.bar.trouble == ""
    stage.go(2)
    assert stage.bar.trouble
    stage.go(1)
    stage._asked(stage.bar, {"do": "preset", "number": 2}, [])
    stage._asked(stage.bar, {"do": "freeze"}, [])
    assert (stage.bar.step, stage.bar.preset, stage.bar.frozen) == (2, 1, True)
    stage._asked(stage.bar, {"do": "back"}, [])
    assert (stage.bar.step, stage.bar.preset) == (1, 0)


def test_the_next_scene_is_ready_before_it_is_opened(monkeypatch):
    stage = Stage([SCENE, dataclasses.replace(SCENE, title="Second"), BROKEN], SyncRunner)
    monkeypatch.setattr(stage.bar, "send", lambda message: None)
    stage._asked(stage.bar, {"do": "ping"}, [])
    ready = stage._panels[1]
    assert set(stage._panels) == {0, 1}
    assert "(final)" in ready.alt
    assert stage.bar.scene == 0
    assert stage.bar.preset == 0
    stage.go(2)
    assert stage.panel is ready
    stage.close()


def test_ten_scenes_tell_one_thing_each():
    assert len(SCENES) == 10
    assert len({scene.title for scene in SCENES}) == len({scene.message for scene in SCENES}) == 10
    for scene in SCENES:
        assert scene.message.endswith(".")
        assert scene.question.endswith("?")
        assert len(scene.message) <= 80, "one line at the back of a hall"
        assert scene.notes
    last = dict(SCENES[-1].preset(len(SCENES[-1].presets) - 1))
    assert last == {"poisoned": 10, "side": 3, "each": 1}, "it ends on the planted attack, and on what is proved"


def test_the_teachers_page_has_the_minutes_of_the_scenes():
    """The scenes are the one source; the table shows them."""
    text = (notebooks.stored_course()[0] / "TEACHING.md").read_text("utf-8")
    for plan, total in ((0, 50), (1, 90)):
        rows = [(f"{n} {s.title}", s.minutes[plan]) for n, s in enumerate(SCENES, 1)]
        for name, minutes in rows:
            assert int(re.search(rf"^\| {re.escape(name)} \| (\d+) \| (\d+) \|$", text, re.M)[plan + 1]) == minutes
        asked = int(re.search(r"^\| questions \| (\d+) \| (\d+) \|$", text, re.M)[plan + 1])
        assert sum(minutes for _, minutes in rows) + asked == total


@pytest.mark.slow
@pytest.mark.skipif(not missing_browser(), reason="test_no_text_is_cut_or_covers_other_text checks the same pictures")
@pytest.mark.parametrize("number", range(1, 11))
def test_each_scene_computes_all_its_presets(number):
    assert pictures(SCENES[number - 1])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    hostile = dataclasses.replace(SCENE, title='</script><img src="x" onerror="alert(1)">', grid={"keep": (0.7, 0.9)},
                                  presets={"<b>": {"keep": 0.7}, "&": {"keep": 0.9}})  # fmt: skip
    folder = tmp_path_factory.mktemp("pages") / "inside"
    index, failed = lecture.write_pages(folder, [SCENE, hostile, BROKEN])
    return folder, index, failed


def grid(path):
    return json.loads(re.search(r'id="rsbd-data">(.*?)</script>', path.read_text("utf-8"))[1])


def test_pages_hold_exactly_what_the_panel_drew(written):
    folder, index, failed = written
    assert {path.name for path in folder.iterdir()} == {"index.html", "presenter.html", *map(page_name, (1, 2, 3))}
    assert index == folder / "index.html"
    data = grid(folder / page_name(1))
    # The panel shows the poisoned images above keep, whatever the order in the scene.
    assert [axis["shown"] for axis in data["axes"]] == [["0", "10"], ["0.7", "0.8", "0.9"]]
    panel = PANELS["backdoor"](runner=SyncRunner(), **SMALL)
    for number, (keep, poisoned) in {0: (0.7, 0), 4: (0.8, 10), 5: (0.9, 10)}.items():
        panel.set(keep=keep, poisoned=poisoned)
        assert "".join(data["vocabulary"][i] for i in data["pictures"][number]) == panel.svg
        assert data["alt"][number] == panel.alt
        assert data["sentence"][number] == panel.sentence
    assert [preset["at"] for preset in data["presets"]] == [[1, 0], [1, 2]]
    # What cannot be computed is a sentence on its page, and counted.
    assert failed == 1
    assert "This scene cannot be shown: " in (folder / page_name(3)).read_text("utf-8")


def test_pages_say_what_they_were_computed_from(written):
    text = (written[0] / page_name(1)).read_text("utf-8")
    fingerprint = PANELS["backdoor"](runner=SyncRunner(), **SMALL).engine.compute.dataset.fingerprint()
    for said in (f"sha256 {fingerprint[:16]}", "seed = 0", "num_models = 100", "rsbd lecture --static"):
        assert said in text
    assert not re.search(r"20\d\d-\d\d|/home/|/tmp/", text)


def test_pages_are_the_same_when_made_again(written):
    again = scene_page(compute_frames(SCENE), 1, grid(written[0] / page_name(1))["titles"])
    assert again == (written[0] / page_name(1)).read_text("utf-8")


def test_pages_run_only_their_own_script_and_load_nothing(written):
    for path in written[0].iterdir():
        text = path.read_text("utf-8")
        assert "default-src 'none'" in text
        assert not re.search(r"\beval\(|new Function|innerHTML|document\.write", text)
        outside = re.findall(r"https?://[^\s\"'<)\\]+", text)
        assert set(outside) <= {"http://www.w3.org/2000/svg"}
    hostile = (written[0] / page_name(2)).read_text("utf-8")
    assert "<img" not in hostile
    assert "&lt;/script&gt;&lt;img" in hostile
    assert hostile.count("</script>") == 2  # the data and the page's own


def test_shared_pieces_lose_nothing():
    drawings = ['<svg a="1">x &lt; y<b/></svg>', "", "<svg><b/></svg>"]
    pieces, told = shared_pieces(drawings)
    assert ["".join(pieces[i] for i in each) for each in told] == drawings


def test_handout(tmp_path):
    file, failed = lecture.write_handout(
        tmp_path / "new" / "handout.html", [dataclasses.replace(SCENE, unit="%"), BROKEN]
    )
    front, _, back = file.read_text("utf-8").partition("<h1>Answers</h1>")
    assert failed == 1
    # In front: questions and room to write, and nothing that answers them.
    assert front.count("<dt>") == 5
    assert front.count(SCENE.question) == front.count('Your guess: <span class="guess">') == 2
    assert front.count('class="room"') == 3 * 3  # two scenes and the exercise
    for said in ("<figure", "<svg", SCENE.message, "much", "29"):
        assert said not in front
    assert f"</b> {2 * (3 * 3 + 1) + 3 * 3}: two poisoned images" in back  # the exercise
    assert back.count("<figure>") == 3
    assert "much" in back
    assert back.count("<svg xmlns") == 2
    for name in (tmp_path / "handout.pdf", tmp_path):
        with pytest.raises(InputError, match=r"name an HTML file, such as handout\.html"):
            lecture.write_handout(name)


def test_kernels_of_closed_tabs_end(monkeypatch):
    """Both commands start their server with these options; the browser's test sees a kernel end."""
    started = []
    monkeypatch.setattr(server, "serve", lambda command, *rest: started.append(command) or 0)
    assert serve_lecture(1) == 0
    run_lab = CliRunner().invoke(app, ["lab", "--no-browser"])
    assert run_lab.exit_code == 0
    for command, seconds in zip(started, (900, 7200), strict=True):
        assert f"--MappingKernelManager.cull_idle_timeout={seconds}" in command
        assert "--MappingKernelManager.cull_interval=60" in command


def test_a_link_gives_each_scene_its_code(tmp_path):
    assert linked(1, "") == {}
    first, second = (linked(n, "https://example.org/hall/") for n in (1, 2))
    assert first["link"] == "https://example.org/hall/scene-01.html"
    assert first["code"].startswith("<svg xmlns=")
    assert first["code"] != second["code"]
    text = scene_page(compute_frames(SCENE), 1, [SCENE.title], link="https://example.org/hall")
    assert "https://example.org/hall/scene-01.html" in text
    file, _ = lecture.write_handout(tmp_path / "handout.html", [SCENE], "https://example.org/hall")
    assert file.read_text("utf-8").partition("<h1>Answers</h1>")[0].count("<svg") == 1


def test_a_control_that_the_panel_does_not_have_is_named():
    presets = {"one": {"speed": 1}, "two": {"speed": 2}}
    frames = compute_frames(dataclasses.replace(SCENE, grid={"speed": (1, 2)}, presets=presets))
    assert frames.failed == 1
    assert "has no control speed: name its own controls in grid" in frames.pictures[0].sentence


def run(*arguments: str):
    return CliRunner().invoke(app, ["lecture", *arguments])


def test_command_errors_are_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = run("--no-browser", "--port", str(port))
    assert isinstance(answer.exception, InputError)
    assert str(answer.exception) == f"port {port} is in use: give another one, or leave --port out"
    for arguments, said in [
        (["--scene", "1"], "--scene chooses what"),
        (["--static", "x", "--link", "example.org"], "'example.org' is not the address of a web page"),
        (["--static", "x", "--port", "8000"], "serve nothing"),
        (["--static", "x", "--scene", "11"], "there is no scene 11: choose from 1 to 10"),
    ]:
        answer = run(*arguments)
        assert isinstance(answer.exception, InputError)
        assert said in str(answer.exception)


def test_command_writes_and_counts_what_failed(tmp_path, monkeypatch):
    monkeypatch.setattr("rsbd.course.lecture.scenes.SCENES", (SCENE, BROKEN))
    answer = run("--static", str(tmp_path / "pages"), "--scene", "2")
    assert answer.exit_code == 1
    assert "1 pictures could not be computed" in answer.output
    assert (tmp_path / "pages" / "index.html").is_file()


def test_the_page_of_the_hall_is_the_stage():
    cells = json.loads((PAGE / "lecture.ipynb").read_text("utf-8"))["cells"]
    alone: dict[str, object] = {}
    exec("\n".join("".join(cell["source"]) for cell in cells), alone)
    assert isinstance(alone["stage"], Stage)
    alone["stage"].close()
