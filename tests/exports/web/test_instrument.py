"""The page's side: computer keys, MIDI, knobs, the room, in a real AudioContext."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.exports.web.voice import voice
from tests.exports.web.page import RATE, TIMEBASE, harmonics

pytestmark = pytest.mark.browser

_NEW = """
if (window.instrument) { window.detach(); await window.instrument.close(); }
window.notes = []; window.said = [];
window.instrument = new Instrument({workletSource: window.workletSource});
window.detach = instrument.attachComputerKeyboard(document);
instrument.onnote = ({midi, velocity, down}) => notes.push([midi, Math.round(velocity * 127), down]);
instrument.onsounding = ({midi}) => said.push(midi);
instrument.onproblem = ({message}) => said.push(message);
await instrument.start();
await instrument.load(given[0]);
"""


def made(**options) -> dict:
    controls, n = harmonics(440.0, (0.3, 0.1))
    return voice(controls, TIMEBASE, n, 7, **{"name": "a", "root_midi": 69, "loop": (30, 70), **options})


@pytest.fixture
def playing(page):
    page.run(_NEW, made())
    return page


def test_computer_keys_sound(playing):
    assert playing.run("return [instrument.baseMidi, instrument.hasRoom, instrument.knobs.reverb];") == [60, False, 0]
    playing.keys("a")
    playing.wait_for("said.length === 1")
    assert playing.run("return notes;") == [[60, 102, True], [60, 0, False]]
    assert playing.run("return said;") == [60]
    playing.run("instrument.on(69);")
    playing.wait_for("instrument.level() > 0.2")
    playing.run("instrument.off(69); instrument.knob('release', 0.02);")
    playing.wait_for("instrument.level() < 1e-4")


def test_octaves_by_z_and_x_and_a_key_ends_where_it_began(playing):
    playing.keys("xw")
    playing.run("""
        const key = (type, code) => document.dispatchEvent(new KeyboardEvent(type, {code, bubbles: true}));
        key('keydown', 'KeyA'); key('keydown', 'KeyZ'); key('keyup', 'KeyA');
    """)
    assert playing.run("return notes;") == [[73, 102, True], [73, 0, False], [72, 102, True], [72, 0, False]]
    assert playing.run("return [instrument.baseMidi, instrument.pressed.size];") == [60, 0]


def test_text_fields_shortcuts_and_repeats_play_nothing(playing):
    playing.run("""
        document.body.insertAdjacentHTML('beforeend', '<input id=field><input id=slider type=range>');
        const event = (options) => new KeyboardEvent('keydown', {code: 'KeyA', bubbles: true, ...options});
        const key = (target, options) => target.dispatchEvent(event(options));
        key(document.getElementById('field'), {});
        key(document.body, {ctrlKey: true}); key(document.body, {metaKey: true}); key(document.body, {repeat: true});
    """)
    assert playing.run("return notes;") == []
    playing.run("""
        document.getElementById('slider').dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyS', bubbles: true}));
        document.getElementById('field').remove(); document.getElementById('slider').remove();
    """)
    assert playing.run("return notes;") == [[62, 102, True]]


def test_leaving_the_window_lets_go(playing):
    playing.run("""
        document.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyA'}));
        document.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyD'}));
        window.dispatchEvent(new Event('blur'));
    """)
    assert playing.run("return notes.slice(2);") == [[60, 0, False], [64, 0, False]]


def test_midi_messages(playing):
    playing.run("""
        window.posted = [];
        const post = instrument.post.bind(instrument);
        instrument.post = (message) => { posted.push(message); post(message); };
        for (const bytes of [[0x90, 69, 127], [0x90, 69, 0], [0x81, 50, 0], [0xe0, 0, 0x40], [0xe0, 0x7f, 0x7f],
            [0xb0, 1, 127], [0xb0, 64, 127], [0xb0, 64, 0]]) instrument.midi(bytes);
        instrument.midi([0xb0, 7, 64]);
    """)
    assert playing.run("return notes;") == [[69, 127, True], [69, 0, False]]
    posted = playing.run("return posted;")
    bends = [one["semitones"] for one in posted if one["type"] == "bend"]
    assert bends == pytest.approx([0, 2], abs=1e-3)
    assert [one["value"] for one in posted if one["type"] == "knob"] == [50]
    assert [one["down"] for one in posted if one["type"] == "sustain"] == [True, False]
    playing.wait_for("Math.abs(instrument.master.gain.value - (64 / 127) ** 2) < 1e-3")


def test_knobs_are_clamped_and_named(playing):
    playing.run("instrument.knob('noise', 99); instrument.knob('formant', 'move');")
    assert playing.run("return [instrument.knobs.noise, instrument.knobs.formant];") == [20, "move"]
    for bad in ("'volume', 1", "'formant', 'both'"):
        with pytest.raises(RuntimeError, match="needed"):
            playing.run(f"instrument.knob({bad});")


def test_every_knob_is_known_on_both_sides(playing):
    """A name that only the page knows would be a problem message."""
    playing.run("for (const {name, value} of Instrument.KNOBS) instrument.knob(name, value); instrument.on(60);")
    playing.wait_for("said.length > 0")
    assert playing.run("return said;") == [60]


def test_the_room_of_the_voice_comes_along_at_the_contexts_rate(playing):
    response = np.zeros((1, RATE // 10), np.float32)
    response[0, 0], response[0, 800:804] = 0.4, 0.025
    playing.run("await instrument.load(given[0]);", made(response=response))
    playing.wait_for("instrument.room.buffer")
    assert playing.run("return [instrument.hasRoom, instrument.knobs.reverb];") == [True, 1]
    seconds = playing.run("return instrument.room.buffer.duration;")
    assert seconds == pytest.approx(0.1, abs=0.001)
    total = playing.run("return instrument.room.buffer.getChannelData(0).reduce((a, b) => a + b, 0);")
    assert total == pytest.approx(0.5, rel=0.05)
    assert playing.run("return [instrument.dry.gain.value, instrument.wet.gain.value];") == [0, 1]
    playing.run("instrument.on(69);")
    playing.wait_for("instrument.level() > 0.1")
    assert playing.run("return instrument.level();") < 0.25  # half of what it is without the room


def test_before_the_start_a_voice_and_knobs_are_kept(page):
    page.run(_NEW, made())
    page.run("""
        await instrument.close();
        window.instrument = new Instrument({workletSource: window.workletSource});
        instrument.onsounding = ({midi}) => said.push(midi);
        await instrument.load(given[0]);
        instrument.knob('level', -20);
        instrument.on(69);
    """, made())  # fmt: skip
    page.wait_for("said.includes(69)")
    page.wait_for("instrument.level() > 0.01")
    assert page.run("return instrument.level();") < 0.06


def test_a_broken_voice_is_a_problem_in_words(playing):
    playing.run("instrument.post({type: 'voice', voice: {format: 'wav'}});")
    playing.wait_for("said.length === 1")
    assert "needed: a ddsp-match voice" in playing.run("return said[0];")


def test_the_patch_as_it_is_plays_and_ends(playing):
    playing.run("window.ended = 0; instrument.onended = () => ended++; instrument.play();")
    playing.wait_for("instrument.level() > 0.2")
    playing.wait_for("ended === 1")
