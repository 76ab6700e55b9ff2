"""Words as shells and habits leave them: settings as flags, names with dashes, quotes left in."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddsp_match import cli


def test_settings_given_as_flags_are_understood(fake_fit):
    flags = ["--quality", "draft", "--seed=3", "-device", "cpu", "--effects", "reverb", "--synth.n-harmonics", "20"]
    assert cli.main(["fit", *flags, "sound.wav", "--loss", "mel", "-q"]) == 0
    settings = fake_fit.calls[-1].settings
    assert (settings.seed, settings.device, settings.effects) == (3, "cpu", ["reverb"])
    assert settings.synth.n_harmonics == 20 and settings.loss.mel == 1
    assert cli.main(["fit", "sound.wav", "--optimizer.lr", "0.5", "--effects=[gain, clip]", "-q"]) == 0
    assert fake_fit.calls[-1].settings.optimizer.lr == 0.5
    assert fake_fit.calls[-1].settings.effects == ["gain", "clip"]


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["--n-harmonics", "20"], "try: synth.n_harmonics=20"),
        (["--qualty=draft"], "try: quality=draft"),
        (["--qiet"], "try: --quiet"),
        (["--seed"], "needed: a whole number, 0 to 2147483647; try: seed=VALUE"),
        (["--quality", "-q"], "needed: best | default | draft"),
        (["-x"], "-x, which is no option"),
        (["effects='[gain,", "clip]'"], 'try: "effects=[gain, clip]"'),
        (["effects=[gain", "clip]"], 'try: "effects=[gain,clip]"'),
        (["'my", "sound.wav'"], 'try: "my sound.wav"'),
    ],
)
def test_what_is_not_understood_is_named_with_its_cure(fake_fit, capsys, words, cure):
    assert cli.main(["fit", "sound.wav", *words]) == 2
    assert cure in capsys.readouterr().err and not fake_fit.calls


@pytest.mark.parametrize("verb", ["analyze", "effect", "render", "edit", "morph", "export", "process", "score", "app"])
def test_every_verb_names_the_option_that_a_mistyped_one_means(capsys, verb):
    option = {"app": "--outputs"}.get(verb, "--output")
    assert cli.main([verb, option.replace("tp", "pt"), "x"]) == 2
    assert f"try: {option}" in capsys.readouterr().err


def test_quotes_that_a_shell_left_in_are_taken_off(fake_fit):
    words = ["'sound.wav'", "effects='[gain]'", '"quality=draft"', "loss='mel'", "-q", "-o", "\u201cout\u201d"]
    assert cli.main(["fit", *words]) == 0
    call = fake_fit.calls[-1]
    assert (call.audio, call.settings.effects, call.settings.loss.mel) == (Path("sound.wav"), ["gain"], 1)
    assert call.out == Path("out")


def test_quotes_that_belong_to_a_text_or_a_name_stay(fake_fit):
    Path("'quoted'").write_text("a sound")
    assert cli.main(["fit", "'quoted'", "f0=csv", "f0.path='a, b.csv'", "-q"]) == 0
    assert fake_fit.calls[-1].audio == Path("'quoted'")
    assert fake_fit.calls[-1].settings.f0.path == "a, b.csv"


@pytest.mark.parametrize("words", [["--", "-organ.wav"], ["-organ.wav"], ["-q", "-organ.wav", "seed=1"]])
def test_a_file_that_begins_with_a_dash_is_a_file(fake_fit, words):
    Path("-organ.wav").write_text("a sound")
    assert cli.main(["fit", "-o", "out", *words]) == 0
    assert fake_fit.calls[-1].audio == Path("-organ.wav")


@pytest.mark.parametrize("verb", ["analyze", "render", "edit --list", "export --to csv", "score", "compare"])
def test_after_two_dashes_every_verb_takes_names(capsys, tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    second = ["y"] if verb == "compare" else []
    assert cli.main([*verb.split(), "--", "-nowhere", *second]) == 2
    assert "option" not in (message := capsys.readouterr().err) and "-nowhere" in message
    assert cli.main(["--", "effects", "gain"]) == 0


def test_a_negative_number_is_a_value_though_a_file_has_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("-12").write_text("")
    assert cli.main(["edit", "no.patch.safetensors", "--transpose", "-12", "-o", "new.patch.safetensors"]) == 2
    assert "no.patch.safetensors: found no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "hz"),
    [
        (["--midi", "A4"], 440), (["--f0", "A4"], 440), (["--f0", "c\u266f5"], 554.3653), (["--midi", "Db5"], 554.3653),
        (["--f0", "1.2kHz"], 1200), (["f0=constant", "f0.hz=A3"], 220), (["f0=constant", "--f0.hz", "A3"], 220),
    ],
)  # fmt: skip
def test_notes_are_understood_where_a_frequency_or_midi_number_is(fake_fit, words, hz):
    assert cli.main(["fit", "sound.wav", "-q", *words]) == 0
    assert fake_fit.calls[-1].settings.f0.hz == pytest.approx(hz)


def test_a_note_that_is_none_is_refused_with_an_example(fake_fit, capsys):
    for words in (["--midi", "H4"], ["--f0", "x4"], ["--midi", "C10"]):
        with pytest.raises(SystemExit):
            cli.main(["fit", "sound.wav", *words])
        assert "a name such as A4" in (message := capsys.readouterr().err) or "a note such as A4" in message
