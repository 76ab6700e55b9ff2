"""The piano: mouse, fingers, arrow keys, how it fits."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

_NEW = """
if (window.keyboard) { keyboard.destroy(); document.getElementById('piano').remove(); }
document.body.insertAdjacentHTML('beforeend', '<div id=piano></div>');
document.getElementById('piano').style.width = given[0] + 'px';
window.events = [];
window.keyboard = new Keyboard(document.getElementById('piano'),
  {onDown: (midi, velocity) => events.push(['down', midi, velocity]), onUp: (midi) => events.push(['up', midi])});
window.place = (midi, share) => {
  const box = keyboard.keys.get(midi).getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height * share];
};
"""


@pytest.fixture
def piano(page):
    page.run(_NEW, 900)
    return page


def mouse(page, kind: str, midi: int, share: float = 0.8) -> None:
    x, y = page.run("return place(...given);", midi, share)
    button = {"button": "left", "buttons": 1, "clickCount": 1}
    page._devtools("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **button})


def events(page) -> list:
    page.run("await new Promise((done) => requestAnimationFrame(done));")
    return page.run("return events;")


def test_the_mouse_plays_and_slides(piano):
    mouse(piano, "mousePressed", 60, 0.9)
    assert piano.run("return keyboard.keys.get(60).getAttribute('aria-pressed');") == "true"
    mouse(piano, "mouseMoved", 62, 0.9)
    mouse(piano, "mouseReleased", 62, 0.9)
    assert [one[:2] for one in events(piano)] == [["down", 60], ["up", 60], ["down", 62], ["up", 62]]
    assert piano.run("return document.querySelectorAll('.piano-key.pressed').length;") == 0


def test_a_key_struck_at_its_front_is_louder(piano):
    for share in (0.1, 0.95):
        mouse(piano, "mousePressed", 60 if share > 0.5 else 61, share)
        mouse(piano, "mouseReleased", 60 if share > 0.5 else 61, share)
    soft, hard = (one[2] for one in events(piano) if one[0] == "down")
    assert soft == pytest.approx(0.37, abs=0.02) and hard == pytest.approx(0.965, abs=0.02)


def test_two_fingers_play_two_keys(piano):
    points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(piano.run("return [place(60, .8), place(64, .8)];"))]
    piano._devtools("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    assert sorted(one[1] for one in events(piano)) == [60, 64]
    piano._devtools("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert sorted(one[1] for one in events(piano) if one[0] == "up") == [60, 64]


def test_arrows_move_and_enter_holds(piano):
    piano.run("keyboard.keys.get(60).focus();")
    piano.keys("\ue014\ue014\ue007")  # right, right, enter
    assert events(piano) == [["down", 62, 0.8], ["up", 62]]
    assert piano.run("return document.activeElement.getAttribute('aria-label');") == "D4"
    piano.keys("\ue010 ")  # end, space
    assert [one[1] for one in events(piano)[2:]] == [84, 84]
    assert piano.run("return [...keyboard.keys.values()].filter((key) => key.tabIndex === 0).length;") == 1


def test_letters_and_the_root_are_on_the_keys(piano):
    piano.run("keyboard.root = 69.2;")
    letters = "return [...document.querySelectorAll('.letter')].map((one) => one.textContent).join('');"
    assert piano.run(letters) == "AWSEDFTGYHUJKOLP;'"
    assert "own pitch" in piano.run("return keyboard.keys.get(69).getAttribute('aria-label');")
    piano.run("keyboard.baseMidi = 72;")
    assert piano.run("return keyboard.keys.get(72).querySelector('.letter').textContent;") == "A"
    assert piano.run("return keyboard.keys.get(60).querySelector('.letter');") is None


def test_a_narrow_page_shows_fewer_octaves_and_no_key_too_narrow_for_a_finger(piano):
    assert piano.run("return keyboard.keys.size;") == 37
    piano.run("""
        document.getElementById('piano').style.width = '360px';
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    """)
    keys = piano.run("return [...keyboard.keys.keys()];")
    assert (min(keys), max(keys)) == (60, 72)
    assert piano.run("return keyboard.keys.get(60).getBoundingClientRect().width;") >= 26
    assert piano.run("return document.getElementById('piano').scrollWidth;") <= 360


def test_a_pressed_key_stays_lit_when_the_piano_is_drawn_anew(piano):
    piano.run("keyboard.press(64); keyboard.root = 64;")
    assert piano.run("return keyboard.keys.get(64).classList.contains('pressed');")
    piano.run("keyboard.releaseAll();")
    assert not piano.run("return keyboard.keys.get(64).classList.contains('pressed');")
