"""The part of results.md that is about editing, playing and the app."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import editing, held_note, play_truth

Read = Callable[[str], dict]
HEADS = ["| what | measured | at least | aim |", "|---|---|---|---|"]


def sections(read: Read) -> list[tuple[str, list[str]]]:
    """Headings and their lines."""
    return [
        ("Edits", edit_rows(read)),
        ("Played at other pitches", truth_rows(read)),
        ("An instrument from eight notes", instrument_rows(read)),
        ("Held notes", held_rows(read)),
        ("In the browser", browser_rows(read)),
    ]


def edit_rows(read: Read) -> list[str]:
    result = read("editing")
    if not result:
        return []
    return [*HEADS, *editing.rows_of(result), "", f"Command: `{result['command']}`. Machine: {result['machine']}."]


def truth_rows(read: Read) -> list[str]:
    result = read("play_truth")
    if not result:
        return []
    remark = "Notes transposed to others that the instrument has, against their recordings, at the same level."
    command = f"Command: `{result['command']}`. Machine: {result['machine']}."
    return [remark, "", *play_truth.rows_of(result["sets"]), "", command]


def instrument_rows(read: Read) -> list[str]:
    result = read("instrument")
    if not result:
        return []
    remark = "Four pitches at two dynamics are learned; the other notes are predicted and given the recording's level."
    command = f"Command: `{result['command']}`. Machine: {result['machine']}."
    return [remark, "", *play_truth.rows_of({"saxophone": result["methods"]}), "", command]


def held_rows(read: Read) -> list[str]:
    result = read("held_note")
    if not result:
        return []
    return [*HEADS, *held_note.rows_of(result), "", f"Command: `{result['command']}`. Machine: {result['machine']}."]


def browser_rows(read: Read) -> list[str]:
    app, worklet = read("app"), read("worklet")
    rows = []
    if app:
        rows += [
            f"| a 4-s clip dropped into the app until its first match was heard ({app['first_heard_s']:.1f} s), as "
            f"a share of the command line's whole fit ({app['cli_fit_s']:.1f} s) | **{app['ratio']:.2f}×** | 1.2× | |",
            f"| the same, dropped as soon as the server answers ({app['first_heard_cold_s']:.1f} s) "
            f"| **{app['ratio_cold']:.2f}×** | 1.2× | |",
            f"| other requests during a fit: median, 95 %, worst | {app['answer_during_fit_ms_median']:.0f}, "
            f"{app['answer_during_fit_ms_p95']:.0f}, {app['answer_during_fit_ms_worst']:.0f} ms | | |",
        ]
        if "fuzz" in app:
            fuzz = app["fuzz"]
            rows.append(
                f"| {fuzz['requests']:,} fuzzed uploads and requests: crashes, files outside the run folder "
                f"| **{fuzz['crashes']}, {fuzz['files_elsewhere']}** | 0, 0 | 0, 0 |"
            )
    if worklet:
        rows += worklet_rows(worklet)
    if not rows:
        return []
    commands = " and ".join(f"`{one['command']}`" for one in (app, worklet) if one)
    return [*HEADS, *rows, "", f"Commands: {commands}. Machine: {(app or worklet)['machine']}."]


def worklet_rows(result: dict) -> list[str]:
    rows = [
        f"| AudioWorklet, {one['keys']} key{'s' * (one['keys'] > 1)} of 100 partials and 385 noise bands at 48 kHz, "
        f"{'stereo' if one['channels'] == 2 else 'mono'}: share of real time | **{100 * one['share']:.0f} %** "
        f"| {'50 % | 25 % |' if one['keys'] == 16 else '| |'}"
        for one in result["offline"]
    ]
    if result.get("live_share_of_16") is not None:
        share = 100 * result["live_share_of_16"]
        rows.append(f"| the same 16 keys, mono, in a running page | {share:.0f} % | 50 % | 25 % |")
    rows.append(
        f"| keydown to the first block that sounds, heard back in the page: median, worst of {result['presses']} "
        f"| **{result['key_to_rendered_ms']:.0f}**, {result['key_to_rendered_worst_ms']:.0f} ms | 20 ms | 10 ms |"
    )
    rows.append(
        f"| what the context adds, without a sound card: base, output | {result['base_latency_ms']:.0f}, "
        f"{result['output_latency_ms']:.0f} ms | | |"
    )
    return rows
